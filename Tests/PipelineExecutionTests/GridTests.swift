import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import PipelineExecution
import SystemPackage
import TestSupport
import Testing

/// Grids: many cells, equal cells, and what follows cells that fail.
@Suite struct GridTests {
  @Test("cells of one key are one action: one runs, the others are fresh as it ends, also where it fails")
  func twins() throws {
    let grid = """
      stages:
        data: { uses: ./make }
        same:
          uses: ./copy
          matrix: { unused: [0, 1, 2, 3, 4, 5] }
          in: { dataset: data.dataset }
        bad:
          uses: ./break
          matrix: { unused: [0, 1] }
          in: { dataset: data.dataset }

      """
    try ToyPipeline.with(grid) { toy in
      let states = try toy.json("run", "--keep-going", "--jobs", "4", "--threads", "4", expecting: 1).states
      #expect(states.values.count { $0 == "ran" } == 2)
      #expect(states.filter { $0.key.hasPrefix("same") }.values.count { $0 == "fresh" } == 5)
      #expect(states.filter { $0.key.hasPrefix("bad") }.values.allSatisfy { $0 == "failed" })
      #expect(toy.journal.count { $0 == "copy" } == 1)
    }
  }

  @Test("what needs a failed cell is blocked, directly or by others, and names it; what does not goes on")
  func blocked() throws {
    let grid = """
      stages:
        data: { uses: ./make }
        bad: { uses: ./break, in: { dataset: data.dataset } }
        next: { uses: ./copy, in: { dataset: bad.dataset } }
        last: { uses: ./copy, in: { dataset: next.dataset } }
        side: { uses: ./copy, in: { dataset: data.dataset }, with: { weight: 3 } }

      """
    try ToyPipeline.with(grid) { toy in
      let answer = try toy.json("run", "--keep-going", expecting: 1)
      #expect(answer.states == ["data": "ran", "bad": "failed", "next": "blocked", "last": "blocked", "side": "ran"])
      for stage in ["next", "last"] {
        #expect(answer.action(stage)?["reason"]?.string?.hasSuffix("needs bad") == true)
      }
    }
  }

  @Test("a hundred cells run and are all found again, by whatever number of jobs")
  func manyCells() throws {
    let numbers = (0..<100).map(String.init).joined(separator: ", ")
    let grid = """
      stages:
        data: { uses: ./make }
        cell:
          uses: ./copy
          matrix: { weight: [\(numbers)] }
          in: { dataset: data.dataset }
          with: { weight: "${matrix.weight}" }

      """
    try ToyPipeline.with(grid) { toy in
      let first = try toy.json("run", "--jobs", "3", "--threads", "3")
      #expect(first.states.values.count { $0 == "ran" } == 101)
      let second = try toy.json("run")
      #expect(second.states.values.allSatisfy { $0 == "fresh" })
      #expect(second.digests == first.digests)
      let work = try FileManager.default.contentsOfDirectory(atPath: toy.folder.pushing(".apprentice/work").string)
      #expect(work.filter { $0.contains(".") }.isEmpty, "what served again is removed in the end: \(work)")
      let leases = try FileManager.default.contentsOfDirectory(atPath: toy.folder.pushing(".apprentice/leases").string)
      #expect(leases.filter { !$0.hasPrefix(".t") && !$0.hasPrefix(".i") }.isEmpty, "\(leases)")
    }
  }

  @Test("a program finds its own code and no file that an action before it has left")
  func cleanFolders() throws {
    let grid = """
      stages:
        cell:
          uses: ./litter
          matrix: { number: [0, 1, 2, 3, 4, 5] }
          with: { word: "w${matrix.number}" }

      """
    try ToyPipeline.with(grid) { toy in
      let manifest = """
        name: litter
        revision: 1
        summary: Leaves files everywhere.
        in: {}
        out: { dataset: { kind: dataset } }
        parameters: { word: { type: string, default: a, doc: w } }
        run: { command: [sh, litter.sh], code: [litter.sh] }
        """
      let program = """
        work=$(dirname "$APPRENTICE_ACTION")
        found=$( (ls -A .; ls -A "$work"; ls -A "$work/out/dataset") | tr '\\n' ' ')
        out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        word=$(sed -n 's/.*"word":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        printf '{"id":"train-0","prompt":"%s","completion":"%s","references":["r"]}\\n' "$word" "$found" > "$out/train.jsonl"
        touch litter "$work/litter"
        mkdir -p __pycache__ && touch __pycache__/x
        rm litter.sh && ln -s /etc/hostname litter.sh
        """
      try TemporaryFolder.write(manifest, to: toy.folder.pushing("litter/stage.yaml"))
      try TemporaryFolder.write(program, to: toy.folder.pushing("litter/litter.sh"))
      let before = try? Fixture.bytes("/etc/hostname")
      _ = try toy.json("run", "--jobs", "1")
      #expect((try? Fixture.bytes("/etc/hostname")) == before, "a link in the place of code is not written through")
      var completions: Set<String> = []
      for number in 0..<6 {
        let row = try Fixture.lines(
          toy.folder.pushing(FilePath("results/toy/cell@number=\(number)/dataset/train.jsonl")))
        completions.insert(try #require(try JSONValue(parsing: Array(row[0].utf8))["completion"]?.string))
      }
      #expect(completions.count == 1, "every attempt finds the same: \(completions)")
      #expect(completions.first?.contains("litter ") == false)
    }
  }

  @Test("actions start in the order of the plan, whichever of them were ready first")
  func order() throws {
    let grid = """
      stages:
        one: { uses: ./make, with: { word: x } }
        two: { uses: ./make, with: { word: y } }
        after-two: { uses: ./copy, in: { dataset: two.dataset } }
        after-one: { uses: ./copy, in: { dataset: one.dataset } }
        cell:
          uses: ./make
          matrix: { number: [0, 1, 2, 3, 4, 5, 6, 7, 8] }
          with: { word: "w${matrix.number}" }

      """
    try ToyPipeline.with(grid) { toy in
      let plan = try toy.json("run", "--jobs", "1", "--threads", "1")["actions"]?.array ?? []
      let runs = toy.folder.pushing(".apprentice/runs")
      let run = try #require(
        try FileManager.default.contentsOfDirectory(atPath: runs.string).first { $0.hasPrefix("2") })
      let events = try Fixture.lines(runs.appending(run).appending("events.jsonl")).map { try JSONValue(parsing: $0) }
      let begun = events.filter { $0["event"] == "begin" }.compactMap { $0["action"]?.string }
      #expect(begun.count == 13)
      #expect(
        begun
          == plan.map { action in
            (action["stage"]?.string ?? "") + (action["cell"]?.string.map { "@" + $0 } ?? "")
          })
    }
  }

  @Test("among many cells, too, a damaged result is made again and not found by what was looked up before")
  func damagedAmongMany() throws {
    let numbers = (0..<70).map(String.init).joined(separator: ", ")
    let grid = """
      stages:
        cell:
          uses: ./make
          matrix: { number: [\(numbers)] }
          with: { word: "w${matrix.number}" }
        mid: { uses: ./make, with: { word: mid } }
        end: { uses: ./copy, in: { dataset: mid.dataset } }

      """
    try ToyPipeline.with(grid) { toy in
      let before = try toy.json("run", "--jobs", "2", "--threads", "2", "--store", "other").digests
      _ = try toy.json("run", "cell", "mid", "--jobs", "2", "--threads", "2")
      let shown = try JSONValue(parsing: try toy.tool("show", "mid.dataset", "--json").output)
      let digest = try #require(shown["files"]?.array?.first?["digest"]?.string)
      let blob = toy.folder.pushing(".apprentice/blobs/sha256").appending(String(digest.dropFirst(7)))
      var bytes = try Fixture.bytes(blob)
      let attributes = try FileManager.default.attributesOfItem(atPath: blob.string)
      bytes[bytes.count / 2] ^= 1
      chmod(blob.string, 0o644)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: blob.string))
      try handle.write(contentsOf: bytes)
      try handle.close()
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o444, .modificationDate: attributes[.modificationDate] as Any], ofItemAtPath: blob.string)
      let answer = try toy.json("run", "--jobs", "2", "--threads", "2")
      let states = answer.states
      #expect(answer.digests == before, "what reads it waits until it is whole")
      #expect(states["mid"] == "ran" && states["end"] == "ran")
      #expect(states.values.count { $0 == "fresh" } == 70)
    }
  }

  @Test("cells of one key that are looked for at a remote are one action, too")
  func remoteTwins() throws {
    let grid = """
      stages:
        data: { uses: ./make }
        same:
          uses: ./copy
          matrix: { unused: [0, 1, 2, 3] }
          in: { dataset: data.dataset }

      """
    try ToyPipeline.with(grid) { toy in
      try FileManager.default.createDirectory(
        atPath: toy.folder.appending("lab").string, withIntermediateDirectories: false)
      let first = try toy.json("run", "--store", "one", "--remote", "lab", "--no-results").states
      #expect(first.values.count { $0 == "ran" } == 2 && first.values.count { $0 == "fresh" } == 3)
      let second = try toy.json("run", "--store", "two", "--remote", "lab", "--no-results").states
      #expect(second.values.allSatisfy { $0 == "fresh" })
      #expect(toy.journal == ["make", "copy"])
    }
  }

  @Test("that many results are the latest is noted anew where the list of them is gone, or knew them by other names")
  func latestOfMany() throws {
    let numbers = (0..<70).map(String.init).joined(separator: ", ")
    func grid(_ stage: String) -> String {
      """
      stages:
        \(stage):
          uses: ./make
          matrix: { number: [\(numbers)] }
          with: { word: "w${matrix.number}" }

      """
    }
    try ToyPipeline.with(grid("cell")) { toy in
      _ = try toy.json("run", "--jobs", "2", "--threads", "2", "--no-results")
      // Until the list is older than its times can tell; then a run notes that it names them all.
      usleep(2_200_000)
      _ = try toy.json("run", "--no-results")
      try toy.write(grid("other"))
      let renamed = try toy.json("run", "--no-results")
      #expect(renamed.states.values.allSatisfy { $0 == "fresh" })
      #expect(try toy.tool("show", "toy:other@number=3.dataset").status == 0)
      let latest = toy.folder.pushing(".apprentice/runs/latest")
      try FileManager.default.removeItem(atPath: latest.appending("toy.jsonl").string)
      _ = try toy.json("run", "--no-results")
      #expect(try toy.tool("show", "toy:other@number=69.dataset").status == 0)
    }
  }

  @Test("what a run will take is estimated from the latest times, those of other cells where a cell has none, in order")
  func estimate() throws {
    let grid = """
      stages:
        data: { uses: ./make }
        cell: { uses: ./make, matrix: { number: [0, 1] }, with: { word: "w${matrix.number}" } }
        end: { uses: ./copy, in: { dataset: data.dataset } }

      """
    try ToyPipeline.with(grid) { toy in
      let store = try Store.open(toy.folder.appending(".apprentice"), creating: true)
      func note(_ times: [String: Double]) throws {
        try store.beginRun(pipeline: "toy").record(
          times.map { label, seconds in
            ActionRecord(
              label: label, key: ActionKey(Digest(hashing: Array(label.utf8))), result: nil,
              details: ["seconds": JSONValue(seconds), "peak_bytes": 1_000_000])
          })
      }
      func header(_ jobs: String) throws -> String {
        try toy.tool("run", "toy.yaml", "--dry-run", "--threads", "2", "--jobs", jobs).errors
      }
      try note(["data": 100, "cell@number=0": 100, "cell@number=7": 200, "end": 50])
      let (one, two) = (try header("1"), try header("2"))
      #expect(one.contains("about 6 min 40 s, 1 MB"), "\(one)")
      // The first two side by side, then the other cell beside the end.
      #expect(two.contains("about 4 min 10 s, 2 MB"), "\(two)")
      _ = try toy.json("run", "data", "--no-results")
      let rest = try header("1")
      #expect(rest.contains("about 5 min 00 s"), "\(rest)")
    }
  }

  @Test("what a run knows of the latest is as old as its reading of them, whatever others have noted since")
  func readTime() throws {
    try TemporaryFolder.with { folder in
      let store = try Store.open(folder.appending("store"), creating: true)
      let memory = PipelineMemory(of: "toy", in: store)
      #expect(memory.readTime == nil)
      #expect(memory.latest.isEmpty)
      let after = wallClock()
      let record = ActionRecord(label: "a", key: ActionKey(Digest(hashing: [1])), result: nil)
      try store.beginRun(pipeline: "toy").record([record])
      #expect(memory.latest.isEmpty)
      #expect(try #require(memory.readTime) <= after)
    }
  }
}

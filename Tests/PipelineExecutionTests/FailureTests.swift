import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct FailureTests {
  private static func broken(_ first: Int, _ second: Int) -> String {
    """
    stages:
      data:
        uses: ./make
      one:
        uses: ./break
        in: { dataset: data.dataset }
        with: { status: \(first) }
      after:
        uses: ./copy
        in: { dataset: one.dataset }
      two:
        uses: ./break
        in: { dataset: data.dataset }
        with: { status: \(second) }
      free:
        uses: ./copy
        in: { dataset: data.dataset }

    """
  }

  @Test("a failure blocks what needs it, tells the log's last lines, and with --keep-going the rest still runs")
  func keepGoing() throws {
    try ToyPipeline.with(Self.broken(1, 0)) { toy in
      let outcome = try toy.tool("run", "toy.yaml", "one", "--jobs", "1")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("✗ one"))
      #expect(outcome.errors.contains("something is rotten"))
      let stopped = try toy.json("run", "--jobs", "1", expecting: 1).states
      #expect(stopped["one"] == "failed")
      #expect(stopped["after"] == "blocked")
      #expect(stopped["free"] == "stale", "nothing more is started after a failure")
      let states = try toy.json("run", "--keep-going", expecting: 1).states
      #expect(states["one"] == "failed")
      #expect(states["after"] == "blocked")
      #expect(states["free"] == "ran")
      #expect(!Fixture.exists(toy.folder.appending("results/toy/one/dataset/train.jsonl")))
    }
  }

  @Test(
    "4 and 7 keep their meaning inside a stage; of several failures the first in plan order counts",
    arguments: [(1, 7, Int32(1)), (7, 1, Int32(7)), (4, 7, Int32(4)), (3, 7, Int32(1))])
  func statuses(_ first: Int, _ second: Int, _ expected: Int32) throws {
    try ToyPipeline.with(Self.broken(first, second)) { toy in
      let answer = try toy.json("run", "--keep-going", expecting: expected)
      #expect(answer["exit"]?.integer == Int(expected))
    }
  }

  @Test("an output that is not of its kind fails the stage and is not published")
  func badOutput() throws {
    try ToyPipeline.with(Self.broken(0, 0)) { toy in
      let outcome = try toy.tool("run", "toy.yaml", "one")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("output dataset is no valid dataset"))
      #expect(try toy.json("status").states["one"] == "stale")
    }
  }

  @Test("the last good result survives a failing rerun")
  func lastGood() throws {
    let good = """
      stages:
        data:
          uses: ./make
        one:
          uses: ./copy
          in: { dataset: data.dataset }

      """
    try ToyPipeline.with(good) { toy in
      let before = try toy.json("run").digests
      let shown = toy.folder.appending("results/toy/one/dataset/train.jsonl")
      let content = try Fixture.bytes(shown)
      try toy.write(good.replacing("./copy", with: "./break"))
      _ = try toy.json("run", expecting: 1)
      #expect(throws: (any Error).self, "it is no result of the plan that failed") { try Fixture.bytes(shown) }
      try toy.write(good)
      let after = try toy.json("run")
      #expect(after.digests == before)
      #expect(Set(after.states.values) == ["fresh"])
      #expect(try Fixture.bytes(shown) == content)
    }
  }

  /// The blob of the only file of an action's output.
  private func blob(_ stage: String, of toy: ToyPipeline) throws -> FilePath {
    let shown = try JSONValue(parsing: try toy.tool("show", stage, "--json").output)
    let digest = try #require(shown["files"]?.array?.first?["digest"]?.string)
    return toy.folder.appending(".apprentice/blobs/sha256").appending(String(digest.dropFirst(7)))
  }

  /// Changes a byte, the length and the times as they were.
  private func damage(_ path: FilePath) throws {
    let file = URL(fileURLWithPath: path.string)
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    var data = try Data(contentsOf: file)
    data[data.count / 2] ^= 1
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path.string)
    let handle = try FileHandle(forWritingTo: file)
    try handle.write(contentsOf: data)
    try handle.close()
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o444, .modificationDate: attributes[.modificationDate] as Any], ofItemAtPath: path.string)
  }

  @Test("fsck finds a damaged blob, names it and ends with 4; the next run makes it again")
  func damagedFound() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let before = try toy.json("run").digests
      let path = try blob("mid", of: toy)
      try damage(path)
      let check = try toy.tool("fsck")
      #expect(check.status == 4)
      #expect(check.output.contains("damaged: blob sha256:\(path.lastComponent?.string ?? "")"))
      let again = try toy.json("run")
      #expect(again.states == ["data": "fresh", "mid": "ran", "end": "fresh", "side": "fresh"])
      #expect(again.digests == before)
      #expect(try toy.tool("fsck").status == 0)
    }
  }

  @Test("a damaged input is noticed before it is read, and the stage that makes it runs again")
  func damagedInput() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      _ = try toy.json("run", "mid")
      try damage(try blob("mid", of: toy))
      let outcome = try toy.tool("run", "toy.yaml", "end", "--json")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("mid's dataset was damaged and is made again"))
      #expect(
        try JSONValue(parsing: outcome.output).states == ["data": "fresh", "mid": "ran", "end": "ran"])
    }
  }

  @Test("a source that changes while a stage reads it fails the stage, and nothing is published")
  func changedSource() throws {
    let pipeline = """
      stages:
        data:
          uses: ./grow
          in: { dataset: ./rows }

      """
    try ToyPipeline.with(pipeline) { toy in
      let manifest = """
        name: grow
        revision: 1
        summary: A toy.
        in: { dataset: { kind: dataset } }
        out: { dataset: { kind: dataset } }
        parameters: {}
        run: { command: [sh, grow.sh], code: [grow.sh] }
        """
      let row = "{\"id\":\"train-0\",\"prompt\":\"p\",\"completion\":\"c\",\"references\":[\"r\"]}\n"
      let source = toy.folder.appending("rows/train.jsonl")
      try TemporaryFolder.write(row, to: source)
      try TemporaryFolder.write(manifest, to: toy.folder.appending("grow/stage.yaml"))
      let program = """
        rows=\(source)
        out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        cp "$rows" "$out/train.jsonl"
        sed 's/train-0/train-1/' "$out/train.jsonl" >> "$rows"
        """
      try TemporaryFolder.write(program, to: toy.folder.appending("grow/grow.sh"))
      let outcome = try toy.tool("run", "toy.yaml")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("what data reads was changed while it ran"), "\(outcome.errors)")
      #expect(try toy.json("status").states["data"] == "stale")
      #expect(try toy.tool("show", "data").status != 0)
    }
  }

  @Test("a full disk ends with 7")
  func fullDisk() throws {
    let pipeline = """
      stages:
        full:
          uses: ./full

      """
    try ToyPipeline.with(pipeline) { toy in
      let manifest = """
        name: full
        revision: 1
        summary: A toy.
        in: {}
        out: { dataset: { kind: dataset } }
        parameters: {}
        run: { command: [sh, full.sh], code: [full.sh] }
        """
      try TemporaryFolder.write(manifest, to: toy.folder.appending("full/stage.yaml"))
      try TemporaryFolder.write("echo x > /dev/full || exit 7\n", to: toy.folder.appending("full/full.sh"))
      #expect(try toy.tool("run", "toy.yaml").status == 7)
    }
  }

  @Test("a pipeline file with problems ends with 2 before anything runs")
  func invalid() throws {
    try ToyPipeline.with("stages:\n  data:\n    uses: ./nowhere\n") { toy in
      let outcome = try toy.tool("run", "toy.yaml", "--json")
      #expect(outcome.status == 2)
      let problem = try JSONValue(parsing: outcome.output)["problems"]?.array?.first
      #expect(problem?["line"]?.integer == 5)
      #expect(toy.journal.isEmpty)
    }
  }
}

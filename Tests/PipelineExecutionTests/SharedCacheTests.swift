import CanonicalJSON
import ContentAddressing
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A shared cache as people use it, through the built command.
@Suite struct SharedCacheTests {
  /// A pipeline of which one run has shared everything in `lab`.
  private func withLaboratory(_ body: (ToyPipeline) throws -> Void) throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      try FileManager.default.createDirectory(
        atPath: toy.folder.appending("lab").string, withIntermediateDirectories: true)
      let first = try toy.json("run", "--store", "one", "--remote", "lab", "--no-results")
      #expect(first["remote"]?["shared"]?.integer == 4)
      #expect(toy.journal.count == 4)
      try body(toy)
    }
  }

  /// The blob of the only file of an output in the shared folder.
  private func blob(_ toy: ToyPipeline, _ reference: String, in store: String = "lab") throws -> FilePath {
    let shown = try JSONValue(parsing: try toy.tool("show", reference, "--store", "one", "--json").output)
    let digest = try #require(shown["files"]?.array?.first?["digest"]?.string.flatMap { Digest($0) })
    return toy.folder.appending(store).pushing(FilePath("blobs/sha256/\(digest.hexadecimal)"))
  }

  private func flip(_ path: FilePath) throws {
    var bytes = try Fixture.bytes(path)
    bytes[bytes.count / 2] ^= 1
    chmod(path.string, 0o644)
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  private func isSound(_ toy: ToyPipeline, _ store: String) throws -> Bool {
    try toy.tool("fsck", "--store", store).status == 0
  }

  @Test("a second store runs nothing: every result comes from the folder")
  func secondStore() throws {
    try withLaboratory { toy in
      let outcome = try toy.tool("run", "toy.yaml", "--store", "two", "--remote", "lab")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("Remote  4 results from lab\n"), "\(outcome.errors)")
      #expect(outcome.errors.contains("from lab · "))
      #expect(toy.journal.count == 4)
      #expect(try isSound(toy, "two") && isSound(toy, "lab"))
      #expect(Fixture.exists(toy.folder.appending("results/toy/end/dataset/train.jsonl")))
      let again = try toy.json("run", "--store", "three", "--remote", "lab", "--no-results")
      #expect(again["actions"]?.array?.allSatisfy { $0["state"] == "fresh" && $0["origin"]?["name"] == "lab" } == true)
      #expect(again["remote"]?["fetched"]?.integer == 4)
      let own = try toy.json("run", "--store", "one", "--no-results")
      #expect(again.digests == own.digests)
    }
  }

  @Test("the environment names the folder and what is done with it; only what is new there is shared")
  func environment() throws {
    try withLaboratory { toy in
      let place = ["APPRENTICE_REMOTE": "lab"]
      let changed = try toy.tool("run", "toy.yaml", "--store", "two", "--set", "lambda=3", environment: place)
      #expect(changed.errors.contains("Remote  2 results from lab, 2 shared there\n"), "\(changed.errors)")
      let reading = place.merging(["APPRENTICE_REMOTE_POLICY": "read"]) { $1 }
      let read = try toy.tool("run", "toy.yaml", "--store", "two", "--set", "lambda=4", environment: reading)
      #expect(!read.errors.contains("shared"), "\(read.errors)")
      #expect(try toy.json("status", "--store", "three", "--set", "lambda=4", "--remote", "lab").origins.count == 2)
      let off = try toy.tool("run", "toy.yaml", "--store", "four", "--remote-policy", "off", environment: place)
      #expect(!off.errors.contains("lab"), "\(off.errors)")
      let wrong = try toy.tool(
        "run", "toy.yaml", environment: place.merging(["APPRENTICE_REMOTE_POLICY": "write"]) { $1 })
      #expect(wrong.status == 2)
      #expect(wrong.errors.contains("none of read, read-write and off"))
      for place in ["s3://bucket", "oci://host/repository:tag", "oci://", ""] {
        #expect(try toy.tool("run", "toy.yaml", "--remote", place).status == 64, "\(place)")
      }
    }
  }

  @Test("status and --dry-run ask only a remote that they are given, and judge what follows by what is there")
  func foretelling() throws {
    try withLaboratory { toy in
      let silent = try toy.tool("status", "toy.yaml", "--store", "two", environment: ["APPRENTICE_REMOTE": "lab"])
      #expect(!silent.output.contains("lab"))
      let status = try toy.tool("status", "toy.yaml", "--store", "two", "--remote", "lab")
      #expect(status.output.hasPrefix("toy  4 actions: 0 fresh, 4 stale, 4 of them at lab\n"), "\(status.output)")
      let dry = try toy.tool("run", "toy.yaml", "--store", "two", "--dry-run", "--set", "lambda=3", "--remote", "lab")
      #expect(dry.output.contains("data is at lab"))
      #expect(dry.output.contains("side is at lab"))
      #expect(dry.output.contains("mid runs because"), "\(dry.output)")
      #expect(dry.errors.contains("0 fresh, 2 at lab, 2 to run"), "\(dry.errors)")
      #expect(try toy.tool("status", "toy.yaml", "--store", "two", "--remote", "nowhere").status == 6)
      #expect(try toy.tool("run", "toy.yaml", "--store", "two", "--dry-run", "--remote", "nowhere").status == 6)
      #expect(toy.journal.count == 4)
    }
  }

  @Test("a run without work asks nobody; a folder that is not there is told once and fails nothing")
  func absent() throws {
    try withLaboratory { toy in
      let idle = try toy.tool("run", "toy.yaml", "--store", "one", "--remote", "nowhere")
      #expect(idle.errors == "toy  4 actions: all fresh, nothing to do\n")
      let outcome = try toy.tool("run", "toy.yaml", "--store", "two", "--remote", "nowhere")
      #expect(outcome.status == 0)
      #expect(outcome.errors.components(separatedBy: "the remote is left out").count == 2, "\(outcome.errors)")
      #expect(outcome.errors.contains("make the folder, or mount it, first"))
      #expect(!Fixture.exists(toy.folder.appending("nowhere")))
      let foreign = try toy.tool("run", "toy.yaml", "--store", "three", "--remote", "make")
      #expect(foreign.status == 0)
      #expect(foreign.errors.contains("name an empty folder"), "\(foreign.errors)")
      #expect(!Fixture.exists(toy.folder.appending("make/blobs")))
    }
  }

  @Test("a flipped byte in the folder is refused, told, made here, and put right there", arguments: [true, false])
  func damaged(_ isFlipped: Bool) throws {
    try withLaboratory { toy in
      let blob = try blob(toy, "mid.dataset")
      if isFlipped { try flip(blob) } else { unlink(blob.string) }
      let outcome = try toy.tool("run", "toy.yaml", "--store", "two", "--remote", "lab")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("warning: mid is made here: lab: "), "\(outcome.errors)")
      #expect(outcome.errors.contains("Remote  3 results from lab, 1 shared there"), "\(outcome.errors)")
      #expect(toy.journal.count == 5)
      #expect(try isSound(toy, "two") && isSound(toy, "lab"))
      let third = try toy.json("run", "--store", "three", "--remote", "lab", "--no-results")
      #expect(third.states.values.allSatisfy { $0 == "fresh" })
      #expect(toy.journal.count == 5)
    }
  }

  @Test("a folder of which nothing may be changed is left as it is, damaged or not")
  func onlyRead() throws {
    try withLaboratory { toy in
      let shown = try JSONValue(parsing: try toy.tool("show", "mid.dataset", "--store", "one", "--json").output)
      let manifest = try #require(shown["digest"]?.string.flatMap { Digest($0) })
      try flip(toy.folder.appending("lab").pushing(FilePath("blobs/sha256/\(manifest.hexadecimal)")))
      let before = try Tree.names(below: toy.folder.appending("lab"))
      let outcome = try toy.tool(
        "run", "toy.yaml", "--store", "two", "--remote", "lab", "--remote-policy", "read")
      #expect(outcome.errors.contains("warning: mid is made here: lab: "))
      // Whoever only looks is told, too, and of the rest all the same.
      let status = try toy.tool("status", "toy.yaml", "--store", "three", "--remote", "lab")
      #expect(status.status == 0 && status.errors.contains("warning: mid: lab: "), "\(status.errors)")
      #expect(status.output.contains("data is at lab, from where a run takes it"), "\(status.output)")
      #expect(try Tree.names(below: toy.folder.appending("lab")) == before)
    }
  }

  @Test("a folder that takes nothing is told once, and read all the same")
  func refusing() throws {
    try withLaboratory { toy in
      // Works whoever runs the test, unlike permissions.
      try FileManager.default.removeItem(atPath: toy.folder.appending("lab/work").string)
      try TemporaryFolder.write("", to: toy.folder.appending("lab/work"))
      let outcome = try toy.tool("run", "toy.yaml", "--store", "two", "--remote", "lab", "--set", "lambda=3")
      #expect(outcome.status == 0)
      #expect(outcome.errors.components(separatedBy: "results are not shared").count == 2, "\(outcome.errors)")
      #expect(outcome.errors.contains("Remote  2 results from lab\n"))
    }
  }

  @Test("several who write at once leave a sound folder that holds everything")
  func writers() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      try FileManager.default.createDirectory(
        atPath: toy.folder.appending("lab").string, withIntermediateDirectories: true)
      let processes = (0..<4).map { index in
        Tool.process(
          [
            "run", "toy.yaml", "--store", "\(index)", "--remote", "lab", "--no-results", "--force", "data", "--force",
            "mid", "--force", "end", "--force", "side",
          ], in: toy.folder)
      }
      for process in processes {
        process.standardError = FileHandle.nullDevice
        try process.run()
      }
      for process in processes {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
      #expect(toy.journal.count == 16)
      #expect(try isSound(toy, "lab"))
      let left = try FileManager.default.contentsOfDirectory(atPath: toy.folder.appending("lab/work").string)
      #expect(left.isEmpty)
      #expect(try toy.json("run", "--store", "five", "--remote", "lab")["remote"]?["fetched"]?.integer == 4)
    }
  }

  @Test("a folder that a group may write to becomes a store that the group may write to")
  func groups() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let lab = toy.folder.appending("lab")
      mkdir(lab.string, 0o755)
      chmod(lab.string, 0o2775)
      _ = try toy.json("run", "--store", "one", "--remote", "lab", "--no-results")
      for name in ["blobs/sha256", "actions", "work", "refs"] {
        var status = stat()
        #expect(stat(lab.pushing(FilePath(name)).string, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o2775, "\(name)")
      }
    }
  }

  @Test("fsck --repair takes from the remote what is damaged or lost here")
  func repair() throws {
    try withLaboratory { toy in
      let (damaged, lost) = (try blob(toy, "mid.dataset", in: "one"), try blob(toy, "side.dataset", in: "one"))
      try flip(damaged)
      unlink(lost.string)
      #expect(try toy.tool("fsck", "--repair", "--store", "one").status == 64)
      #expect(try toy.tool("fsck", "--remote", "nowhere", "--store", "one").status == 6)
      let text = try toy.tool("fsck", "--store", "one", "--repair", environment: ["APPRENTICE_REMOTE": "lab"])
      #expect(text.status == 0, "\(text.output)\(text.errors)")
      #expect(text.output.components(separatedBy: "its result is whole again").count == 3, "\(text.output)")
      #expect(try isSound(toy, "one"))
      #expect(try toy.tool("status", "toy.yaml", "--check", "--store", "one").status == 0)
      #expect(toy.journal.count == 4)
      try flip(damaged)
      let json = try JSONValue(
        parsing: try toy.tool("fsck", "--remote", "lab", "--store", "one", "--json").output)
      #expect(json["restored"]?.array?.count == 1)
      #expect(json["damaged"] == [])
      #expect(json["exit"]?.integer == 0)
    }
  }

  // MARK: Registries

  private func registry() -> FakeRegistry { FakeRegistry { "\(Digest(hashing: $0))" } }

  @Test("a repository of a registry serves as well, and one with wrong bytes is told")
  func repository() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let registry = registry()
      defer { registry.server.stop() }
      let place = registry.reference("lab/cache")
      let first = try toy.json("run", "--store", "one", "--remote", place, "--no-results")
      #expect(first["remote"]?["shared"]?.integer == 4)
      #expect(registry.holdings.manifests.keys.count { $0.hasPrefix("action-") } == 4)
      let second = try toy.json("run", "--store", "two", "--remote", place, "--no-results")
      #expect(second["remote"]?["fetched"]?.integer == 4, "\(second)")
      #expect(second.digests == first.digests)
      #expect(toy.journal.count == 4)
      let status = try toy.json("status", "--store", "three", "--remote", place)
      #expect(status.origins.count == 4)
      let asked = registry.server.requests.count
      #expect(try toy.tool("run", "toy.yaml", "--store", "two", "--remote", place).status == 0)
      #expect(registry.server.requests.count == asked, "a run without work asks nobody")
      let name = try "sha256:" + (blob(toy, "mid.dataset").lastComponent?.string ?? "")
      registry.change { holdings in holdings.blobs[name]?[3] ^= 1 }
      let outcome = try toy.tool("run", "toy.yaml", "--store", "four", "--remote", place)
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("warning: mid is made here: "), "\(outcome.errors)")
      #expect(outcome.errors.contains("Remote  3 results from"))
      #expect(try isSound(toy, "four"))
    }
  }

  @Test("a registry that is gone is told once and fails nothing")
  func registryGone() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let registry = registry()
      registry.server.stop()
      let outcome = try toy.tool("run", "toy.yaml", "--store", "one", "--remote", registry.reference("lab"))
      #expect(outcome.status == 0)
      #expect(outcome.errors.components(separatedBy: "the remote is left out").count == 2, "\(outcome.errors)")
    }
  }

  @Test(
    "docker-registry serves two stores",
    .enabled(if: DockerRegistry.program != nil, "\(DockerRegistry.missing)"))
  func docker() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let registry = try DockerRegistry(in: toy.folder)
      defer { registry.stop() }
      let place = registry.reference("lab/cache")
      #expect(try toy.json("run", "--store", "one", "--remote", place)["remote"]?["shared"]?.integer == 4)
      #expect(try toy.json("run", "--store", "two", "--remote", place)["remote"]?["fetched"]?.integer == 4)
      #expect(toy.journal.count == 4)
      #expect(try isSound(toy, "two"))
    }
  }

  @Test(
    "a run that is ended while a result comes leaves nothing of it, and the next one takes it",
    arguments: [
      SIGINT, SIGKILL,
    ])
  func endedWhileFetching(_ signal: Int32) throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let registry = registry()
      defer { registry.server.stop() }
      let place = registry.reference("lab")
      _ = try toy.json("run", "--store", "one", "--remote", place, "--no-results")
      let name = try "sha256:" + (blob(toy, "data.dataset").lastComponent?.string ?? "")
      let isAsked = Mutex(false)
      let isOver = Mutex(false)
      registry.interfere { request in
        guard request.method == "GET", request.path.hasSuffix(name) else { return nil }
        isAsked.withLock { $0 = true }
        while !isOver.withLock({ $0 }) { usleep(20_000) }
        return LoopbackServer.Answer(503)
      }
      let process = Tool.process(["run", "toy.yaml", "--store", "two", "--remote", place], in: toy.folder)
      process.standardError = FileHandle.nullDevice
      try process.run()
      #expect(try eventually { isAsked.withLock { $0 } })
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      isOver.withLock { $0 = true }
      if signal == SIGINT { #expect(process.terminationStatus == 130) }
      registry.interfere(nil)
      #expect(try isSound(toy, "two"))
      #expect(Set(try toy.json("status", "--store", "two").states.values) == ["stale"])
      let next = try toy.json("run", "--store", "two", "--remote", place, "--no-results")
      #expect(next["remote"]?["fetched"]?.integer == 4)
      #expect(toy.journal.count == 4)
      let work = try FileManager.default.contentsOfDirectory(atPath: toy.folder.appending("two/work").string)
      #expect(work.allSatisfy { ["checkpoints", "downloads", "source-digests"].contains($0) }, "\(work)")
    }
  }

  @Test("what a colleague's store holds from a bundle is not taken from there: anybody may have made it")
  func bundleAtRemote() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      _ = try toy.json("run", "--store", "one", "--no-results")
      #expect(try toy.tool("bundle", "export", "toy.yaml", "--store", "one", "-o", "b.tar.zst").status == 0)
      let imported = try toy.tool("bundle", "import", "b.tar.zst", "--to", "there", "--store", "lab")
      #expect(imported.status == 0, "\(imported.errors)")
      let states = try toy.json("run", "--store", "two", "--remote", "lab", "--no-results").states
      #expect(states.values.allSatisfy { $0 == "ran" }, "\(states)")
    }
  }

  @Test("a sweep says what all of its runs took from the remote, and the trouble of any")
  func sweep() throws {
    try withLaboratory { toy in
      _ = try toy.json("run", "--store", "one", "--set", "lambda=3", "--remote", "lab", "--no-results")
      let remote = try toy.json("run", "--store", "two", "--sweep", "lambda=0.1,3", "--remote", "lab", "--no-results")[
        "remote"]
      #expect(remote?["fetched"]?.integer == 6)
      #expect(remote?["trouble"] == .null)
      let trouble = try toy.json(
        "run", "--store", "two", "--sweep", "lambda=3,4", "--remote", "nowhere", "--no-results")[
          "remote"]?["trouble"]
      #expect(trouble?.string?.contains("nowhere") == true, "\(String(describing: trouble))")
    }
  }
}

extension JSONValue {
  /// The actions that come from a remote, or are there.
  var origins: [String] {
    (self["actions"]?.array ?? []).filter { $0["origin"]?["name"] != nil }.compactMap { $0["stage"]?.string }
  }
}

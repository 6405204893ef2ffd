import CanonicalJSON
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// `pull` from registries that err, lie or do not end: a clear error, and a store as it was.
@Suite struct HostileRegistryTests {
  typealias Answer = LoopbackServer.Answer

  struct Mischief: Sendable, CustomTestStringConvertible {
    var name: String
    var status: Int32
    var words: [String]
    /// Changes what the registry holds.
    var change: @Sendable (inout FakeRegistry.Holdings) -> Void = { _ in }
    /// Answers in its place.
    var answer: FakeRegistry.Interference?
    var testDescription: String { name }
  }

  private static func isLargest(_ request: LoopbackServer.Request) -> Bool {
    request.path.hasSuffix(SmallBundle.largest.digest)
  }

  private static func isIndex(_ request: LoopbackServer.Request) -> Bool { request.path.hasSuffix("/manifests/v1") }

  /// The index with another member in its first descriptor, under the digest that it then has.
  private static func editIndex(_ holdings: inout FakeRegistry.Holdings, _ edit: (inout String) -> Void) {
    var text = String(decoding: holdings.manifests["v1"]?.bytes ?? [], as: UTF8.self)
    edit(&text)
    holdings.manifests["v1"]?.bytes = Array(text.utf8)
  }

  static let all: [Mischief] = [
    Mischief(name: "wrong bytes", status: 4, words: [SmallBundle.largest.digest, "its bytes have the digest"]) {
      $0.blobs[SmallBundle.largest.digest]?[1000] ^= 1
    },
    Mischief(name: "too few bytes", status: 4, words: [SmallBundle.largest.digest, "bytes instead of"]) {
      $0.blobs[SmallBundle.largest.digest]?.removeLast()
    },
    Mischief(name: "an absent blob", status: 4, words: [SmallBundle.largest.digest, "is not there"]) {
      $0.blobs[SmallBundle.largest.digest] = nil
    },
    Mischief(
      name: "a blob without end", status: 4, words: [SmallBundle.largest.digest, "bytes instead of"],
      answer: { request in
        guard isLargest(request) else { return nil }
        var answer = Answer(200, [:], SmallBundle.largest.bytes)
        answer.isEndless = true
        return answer
      }),
    Mischief(
      name: "stops midway for ever", status: 6, words: ["no answer"],
      answer: { request in
        guard isLargest(request) else { return nil }
        var answer = Answer(200, [:], SmallBundle.largest.bytes)
        answer.cut = 1000
        return answer
      }),
    Mischief(name: "an absent manifest", status: 4, words: ["that its index names is not there"]) { holdings in
      let names = holdings.manifests.keys.filter { $0 != "v1" }.sorted()
      for name in names where holdings.manifests[name]?.bytes != holdings.manifests["v1"]?.bytes {
        holdings.manifests[name] = nil
      }
    },
    Mischief(name: "another manifest", status: 4, words: ["its bytes have the digest"]) { holdings in
      for name in holdings.manifests.keys where name != "v1" { holdings.manifests[name]?.bytes[5] ^= 1 }
    },
    Mischief(name: "an index that is none", status: 4, words: ["index"]) { $0.manifests["v1"]?.bytes = [0x7B, 0xFF] },
    Mischief(name: "an index of indexes", status: 4, words: ["expected manifests"]) {
      editIndex(&$0) { text in
        text = text.replacingOccurrences(of: "image.manifest.v1", with: "image.index.v1")
      }
    },
    Mischief(name: "an index of nothing", status: 4, words: ["lists no manifest"]) {
      $0.manifests["v1"]?.bytes = Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8)
    },
    Mischief(name: "a manifest that is too large", status: 4, words: ["documents have at most"]) {
      editIndex(&$0) { text in
        let range = text.range(of: "\"size\":")!
        text.insert(contentsOf: "900000", at: range.upperBound)
      }
    },
    Mischief(name: "sizes beyond all measure", status: 4, words: ["index"]) {
      editIndex(&$0) { text in
        let range = text.range(of: "\"size\":")!
        text.insert(contentsOf: "9223372036854775", at: range.upperBound)
      }
    },
    Mischief(
      name: "an index without end", status: 6, words: ["more than"],
      answer: { request in
        guard isIndex(request) else { return nil }
        var answer = Answer(200, [:], [UInt8](repeating: 0x20, count: 1 << 20))
        answer.isEndless = true
        return answer
      }),
    Mischief(name: "no such bundle", status: 6, words: ["has no such bundle"]) { $0.manifests = [:] },
    Mischief(
      name: "wants credentials", status: 6, words: ["docker login"],
      answer: { _ in Answer(401, ["WWW-Authenticate": "Basic realm=x"]) }),
    Mischief(
      name: "leads in a circle", status: 6, words: ["without end"], answer: { Answer(307, ["Location": $0.path]) }),
    Mischief(
      name: "leads out without TLS", status: 6, words: ["without TLS"],
      answer: { _ in Answer(307, ["Location": "http://192.0.2.1/x"]) }),
    Mischief(
      name: "is down", status: 6, words: ["answered 503"], answer: { _ in Answer(503, ["Retry-After": "0"]) }),
    Mischief(
      name: "speaks another protocol", status: 4, words: ["index"], answer: { _ in Answer(200, [:], [1, 2, 3]) }),
  ]

  /// A store with the result of one stage.
  private static let occupied: ScratchFolder = {
    let folder = ScratchFolder()
    let store = folder.path.appending("store").string
    do {
      let run = try Tool.run("run", SmallBundle.pipeline, "corpus", "--store", store, "--no-results")
      #expect(run.status == 0, "\(run.errors)")
    } catch { Issue.record(error) }
    return folder
  }()

  /// All names below a store but what an attempt may leave for the next.
  private static func listing(_ store: FilePath) -> [String] {
    let names = FileManager.default.enumerator(atPath: store.string)?.allObjects as? [String] ?? []
    return names.filter { !$0.hasPrefix("work/downloads") }.sorted()
  }

  @Test("refused in words, and nothing of it is in the store", arguments: all)
  func refused(_ mischief: Mischief) throws {
    let registry = SmallBundle.registry()
    registry.change(mischief.change)
    registry.interfere(mischief.answer)
    try TemporaryFolder.with { folder in
      let store = folder.appending("store")
      // Something that must stay as it is.
      try FileManager.default.copyItem(atPath: Self.occupied.path.appending("store").string, toPath: store.string)
      let before = Self.listing(store)
      let arguments = ["pull", registry.reference("small:v1"), "--store", "store", "--to", "there"]
      let (outcome, peak) = try PeakMemory.run(arguments, in: folder)
      #expect(outcome.status == mischief.status, "\(outcome.errors)")
      for word in mischief.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
      #expect(outcome.errors.contains("127.0.0.1:\(registry.server.port)"), "\(outcome.errors)")
      #expect(Self.listing(store) == before)
      #expect(!Fixture.exists(folder.appending("there")))
      #expect(peak < 400 << 20)
      #expect(registry.server.sent < 1 << 30)
    }
  }

  /// A registry that holds a bundle of `fixtures/hostile/bundles` under `small:v1`.
  private static func registry(with bundle: String, in folder: FilePath) throws -> FakeRegistry {
    try Shell.run(
      "mkdir layout; zstd -dcq '\(Fixture.path("hostile/bundles").appending(bundle))' | tar -x -C layout", in: folder)
    let layout = folder.appending("layout")
    let registry = FakeRegistry(digest: SmallBundle.digest)
    let root = try JSONValue(parsing: Fixture.bytes(layout.appending("index.json")))["manifests"]?.array?.first
    let index = try #require(root?["digest"]?.string)
    for name in try FileManager.default.contentsOfDirectory(atPath: layout.pushing("blobs/sha256").string) {
      let bytes = try Fixture.bytes(layout.pushing("blobs/sha256").appending(name))
      let type = (try? JSONValue(parsing: bytes))?["mediaType"]?.string
      registry.change { holdings in
        guard let type else { return holdings.blobs["sha256:\(name)"] = bytes }
        holdings.manifests["sha256:\(name)"] = (type, bytes)
        if "sha256:\(name)" == index { holdings.manifests["v1"] = (type, bytes) }
      }
    }
    return registry
  }

  @Test(
    "pull refuses what import refuses, before anything is published",
    arguments: [
      "stage-hidden", "source-hidden", "title-clash", "folder-clash", "pipeline-name-escape", "label-twice",
      "key-not-canonical", "key-of-another", "output-is-code", "stage-absent", "source-manifest-absent",
    ])
  func sameRules(name: String) throws {
    try TemporaryFolder.with { folder in
      let registry = try Self.registry(with: "\(name).tar.zst", in: folder)
      let outcome = try Tool.run(
        "pull", registry.reference("small:v1"), "--store", "store", "--to", "to", in: folder)
      let words = try JSONValue(parsing: Fixture.bytes(Fixture.path("hostile/bundles/expected.json")))
      #expect(outcome.status == 4, "\(outcome.errors)")
      for word in words["\(name).tar.zst"]?["words"]?.array?.compactMap(\.string) ?? [] {
        #expect(outcome.errors.contains(word), "\(outcome.errors)")
      }
      #expect(!Fixture.exists(folder.appending("to")))
      #expect(Self.listing(folder.pushing("store/actions")).isEmpty)
    }
  }

  @Test("what was pulled says from where, and --to keeps to the rules of import")
  func origin() throws {
    try TemporaryFolder.with { folder in
      let registry = try Self.registry(with: "sound-stage.tar.zst", in: folder)
      let pull = ["pull", registry.reference("small:v1"), "--store", "store", "--to"]
      try Shell.run("mkdir -p git/.git/hooks; mkdir away; ln -s away link", in: folder)
      for target in ["git", "link", "absent/to"] {
        #expect(try Tool.run(pull + [target], in: folder).status == 2)
      }
      let outcome = try Tool.run(pull + ["to"], in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(Fixture.exists(folder.pushing("to/stages/upper/bin/upper.sh")))
      let origins = try FileManager.default.contentsOfDirectory(atPath: folder.pushing("store/origins").string)
      let text = String(
        decoding: try Fixture.bytes(folder.pushing("store/origins").appending(origins[0])), as: UTF8.self)
      #expect(origins.count == 1 && text.contains("oci://127.0.0.1:\(registry.server.port)/small:v1"), "\(text)")
    }
  }

  @Test("a bundle that no disk holds is refused before any of it comes")
  func tooLarge() throws {
    let registry = SmallBundle.registry()
    // The model's manifest says that its weights are 8 PB; manifest and index are renamed to match.
    registry.change { holdings in
      let (blob, bytes) = SmallBundle.largest
      for (name, manifest) in holdings.manifests where name != "v1" {
        let text = String(decoding: manifest.bytes, as: UTF8.self)
        guard text.contains(blob), !text.contains("image.index") else { continue }
        let size = "\"size\":\(bytes.count)"
        let edited = Array(text.replacingOccurrences(of: size, with: "\"size\":9000000000000000").utf8)
        holdings.manifests[SmallBundle.digest(edited)] = (manifest.type, edited)
        Self.editIndex(&holdings) { index in
          index = index.replacingOccurrences(of: name, with: SmallBundle.digest(edited))
            .replacingOccurrences(of: "\"size\":\(manifest.bytes.count)", with: "\"size\":\(edited.count)")
        }
      }
    }
    try TemporaryFolder.with { folder in
      let outcome = try Tool.run("pull", registry.reference("small:v1"), "--store", "store", in: folder)
      #expect(outcome.status == 7, "\(outcome.errors)")
      #expect(registry.server.requests.allSatisfy { !$0.path.contains("/blobs/") })
    }
  }

  @Test("a pull that was cut off goes on where it stopped, also in another process; wrong bytes are fetched again")
  func resumed() throws {
    let registry = SmallBundle.registry()
    let (name, bytes) = SmallBundle.largest
    let half = bytes.count / 2
    let cut: FakeRegistry.Interference = { request in
      guard Self.isLargest(request) else { return nil }
      guard request.headers["range"] == nil else { return Answer(503, ["Retry-After": "0"]) }
      var answer = Answer(200, [:], bytes)
      answer.cut = half
      return answer
    }
    try TemporaryFolder.with { folder in
      for isDamaged in [false, true] {
        let store = isDamaged ? "damaged" : "store"
        let arguments = ["pull", registry.reference("small:v1"), "--store", store, "--json"]
        registry.interfere(cut)
        #expect(try Tool.run(arguments, in: folder).status == 6)
        let download = folder.appending(store).pushing("work/downloads").appending(String(name.dropFirst(7)))
        #expect(try Fixture.bytes(download).count == half)
        if isDamaged {
          var wrong = Array(bytes[..<half])
          wrong[100] ^= 1
          try Data(wrong).write(to: URL(fileURLWithPath: download.string))
        }
        registry.interfere(nil)
        let before = registry.server.requests.count
        let outcome = try Tool.run(arguments, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let ranges = registry.server.requests.dropFirst(before).filter(Self.isLargest).map { $0.headers["range"] }
        #expect(ranges == (isDamaged ? ["bytes=\(half)-", nil] : ["bytes=\(half)-"]))
        #expect(!Fixture.exists(download))
        #expect(try Tool.run("fsck", "--store", store, in: folder).status == 0)
        let document = try JSONValue(parsing: outcome.output)
        #expect(document["complete"]?.integer == 3)
        let moved = try #require(document["moved_bytes"]?.integer)
        #expect(moved < half + 100_000 || isDamaged && moved < bytes.count + 100_000)
        #expect(moved > half)
      }
    }
  }

  @Test("a pull that is killed leaves nothing that the next one stumbles over")
  func killed() throws {
    let registry = SmallBundle.registry()
    let bytes = SmallBundle.largest.bytes
    registry.interfere { request in
      guard Self.isLargest(request) else { return nil }
      sleep(20)
      return Answer(200, [:], bytes)
    }
    try TemporaryFolder.with { folder in
      let process = Tool.process(["pull", registry.reference("small:v1"), "--store", "store"], in: folder)
      process.standardError = FileHandle.nullDevice
      try process.run()
      while process.isRunning, !registry.server.requests.contains(where: Self.isLargest) { usleep(10_000) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      registry.interfere(nil)
      #expect(try SmallBundle.blobs(folder.appending("store")).count == 1)
      let outcome = try Tool.run("pull", registry.reference("small:v1"), "--store", "store", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try SmallBundle.isWhole(in: folder.appending("store")))
    }
  }

  @Test("a push that was cut off leaves nothing under the tag, and the next one sends the rest")
  func cutPush() throws {
    let registry = FakeRegistry(digest: SmallBundle.digest)
    let arguments = [
      "push", SmallBundle.pipeline, registry.reference("small:v1"), "--store", SmallBundle.store, "--json",
    ]
    let refused = Mutex(0)
    registry.interfere { request in
      guard request.method == "PUT", request.path.contains("/manifests/sha256"),
        refused.withLock({ count in
          count += 1
          return count > 3
        })
      else { return nil }
      return Answer(507)
    }
    let cut = try Tool.run(arguments)
    #expect(cut.status == 6, "\(cut.errors)")
    #expect(registry.holdings.manifests["v1"] == nil)
    #expect(registry.holdings.blobs.count == SmallBundle.holdings.blobs.count)
    registry.interfere(nil)
    let before = registry.server.requests.count
    let rest = try JSONValue(parsing: Tool.run(arguments).output)
    #expect((rest["moved_bytes"]?.integer ?? .max) < 100_000)
    #expect(!registry.server.requests.dropFirst(before).contains { $0.method == "POST" })
    #expect(registry.holdings.manifests["v1"] != nil)
  }
}

import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import Registries
import Sharing
import SystemPackage
import TestSupport
import Testing

/// Results that go through a registry from one store to another.
@Suite struct RegistryCacheTests {
  let folder = ScratchFolder()
  let registry = FakeRegistry { Digest(hashing: $0).description }

  private func cache() throws -> RegistryCache {
    let options = RegistryOptions(configuration: DockerConfiguration(file: nil))
    return try RegistryCache(OCIReference(registry.reference("team/cache")), options: options)
  }

  private func store(_ name: String) throws -> Store {
    try Store.open(folder.path.appending(name), creating: true)
  }

  /// An action's result with two files.
  private func publish(_ number: Int, in store: Store) throws -> ActionResult {
    let document = KeyDocument(
      stage: "test", revision: 1, parameters: ["number": JSONValue(number)], inputs: [:], numerics: "native")
    let work = try store.makeWorkFolder(for: document.key)
    let output = work.output("data")
    try TemporaryFolder.write("{\"row\":\(number)}\n", to: output.appending("train.jsonl"))
    try TemporaryFolder.write(String(repeating: "x", count: 3_000_000), to: output.appending("large.txt"))
    let publication = try store.beginPublication(in: work)
    let artifact = try publication.add(folder: output, kind: KindName("dataset")!)
    let result = try publication.record(document, environment: ["cpu": "test"], outputs: ["data": artifact]).result
    try work.remove()
    return result
  }

  private func fetch(_ key: ActionKey, into store: Store) throws -> ActionResult? {
    try cache().fetch(key, into: store) { _, _ in }
  }

  @Test("what one store shares is a hit in another, bit for bit, and shared once")
  func roundTrip() throws {
    let (one, two) = (try store("one"), try store("two"))
    let result = try publish(1, in: one)
    #expect(try fetch(result.key, into: two) == nil)
    try cache().offer(result, from: one)
    let fetched = try fetch(result.key, into: two)
    #expect(fetched?.digest == result.digest)
    guard case .hit(let present) = try two.lookup(result.key) else {
      Issue.record("no hit")
      return
    }
    #expect(present.outputs.map(\.artifact.digest) == result.outputs.map(\.artifact.digest))
    #expect(try two.fsck().damaged.isEmpty)
    let before = registry.server.requests.count
    try cache().offer(result, from: one)
    #expect(registry.server.requests.dropFirst(before).map(\.method) == ["HEAD"])
  }

  @Test("a result of another action, or one with wrong bytes, is damage and leaves the store as it was")
  func wrong() throws {
    let (one, two) = (try store("one"), try store("two"))
    let (first, second) = (try publish(1, in: one), try publish(2, in: one))
    try cache().offer(first, from: one)
    let tag = "action-\(first.key.digest.hexadecimal)"
    registry.change { $0.manifests["action-\(second.key.digest.hexadecimal)"] = $0.manifests[tag] }
    #expect(fault(second.key, two) == .damaged)
    let large = registry.holdings.blobs.max { $0.value.count < $1.value.count }!
    for change in [1, 2, 3] {
      registry.change { holdings in
        holdings.blobs[large.key] = large.value
        switch change {
        case 1: holdings.blobs[large.key]?[7] ^= 1
        case 2: holdings.blobs[large.key]?.removeLast()
        default: holdings.blobs[large.key] = nil
        }
      }
      #expect(fault(first.key, two) == .damaged, "\(change)")
    }
    // What is only looked at is hashed, too: another port's name is as long.
    let outputs = try #require(first.manifest.file("outputs.json")).digest.description
    registry.change { $0.blobs[outputs]?[2] ^= 1 }
    #expect((#expect(throws: RemoteCacheError.self) { try cache().find(first.key) })?.fault == .damaged)
    for text in ["{", #"{"schemaVersion":2,"manifests":[]}"#] {
      registry.change { $0.manifests[tag]?.bytes = Array(text.utf8) }
      #expect(fault(first.key, two) == .damaged, "\(text)")
    }
    for key in [first.key, second.key] {
      guard case .miss(.neverRun) = try two.lookup(key) else {
        Issue.record("something of it is there")
        continue
      }
    }
  }

  @Test("a registry that is down, or refuses, is unreachable")
  func down() throws {
    let (one, two) = (try store("one"), try store("two"))
    let result = try publish(1, in: one)
    registry.interfere { _ in LoopbackServer.Answer(403) }
    #expect(fault(result.key, two) == .unreachable)
    #expect((#expect(throws: RemoteCacheError.self) { try cache().offer(result, from: one) })?.fault == .unreachable)
  }

  private func fault(_ key: ActionKey, _ store: Store) -> RemoteCacheError.Fault? {
    let error = #expect(throws: RemoteCacheError.self) { try fetch(key, into: store) }
    return error?.fault
  }
}

import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("References and index")
struct ReferenceTests {
  func index(_ lab: Laboratory) throws -> ImageIndex {
    try ImageIndex(json: JSONValue(parsing: Laboratory.read(lab.store.path.appending("index.json")) ?? ""))
  }

  @Test("A reference names a manifest in index.json as OCI tools expect it, and can be moved and removed")
  func named() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1).result
    let second = try lab.publish(2, ["a": "b"]).result
    try lab.store.setReference("e2e", to: first.digest)
    try lab.store.setReference("a-model_1.0", to: first.outputs[0].artifact.digest)
    #expect(try lab.reopened().reference("e2e") == first.digest)
    #expect(try index(lab).manifests.map { $0.annotations[Descriptor.referenceAnnotation] } == ["a-model_1.0", "e2e"])
    var expected = first.manifest.descriptor
    expected.annotations = [Descriptor.referenceAnnotation: "e2e"]
    #expect(try index(lab).manifests.last == expected)
    try lab.store.setReference("e2e", to: second.digest)
    #expect(try index(lab).manifests.last?.digest == second.digest)
    #expect(try lab.store.references().map(\.name) == ["a-model_1.0", "e2e"])
    try lab.store.removeReference("e2e")
    #expect(try lab.store.reference("e2e") == nil)
    #expect(try index(lab).manifests.count == 1)
  }

  @Test("index.json is made anew from the references, whatever became of it")
  func rebuilt() throws {
    let lab = try Laboratory()
    try lab.store.setReference("e2e", to: lab.publish(1).result.digest)
    try Laboratory.write("garbage", to: lab.store.path.appending("index.json"))
    try lab.store.rebuildIndex()
    #expect(try index(lab).manifests.count == 1)
    try FileManager.default.removeItem(atPath: lab.store.path.appending("index.json").string)
    try Laboratory.write("mine", to: lab.store.path.appending("index.json/notes.md"))
    try lab.store.rebuildIndex()
    #expect(try index(lab).manifests.count == 1)
    let aside = lab.store.path.appending("quarantine")
    let name = try #require(Laboratory.names(aside).first { $0.hasPrefix("index.json.") })
    #expect(Laboratory.read(aside.appending(name).appending("notes.md")) == "mine", "what stood there is kept")
  }

  @Test(
    "Names that OCI tools could not ask for are refused", arguments: ["", "a/b", "a:b", ".a", "-a", "é", "a b", ".."])
  func names(name: String) throws {
    let lab = try Laboratory()
    let digest = try lab.publish(1).result.digest
    #expect(throws: StoreError.self) { try lab.store.setReference(name, to: digest) }
    #expect(try lab.store.reference(name) == nil)
  }

  @Test("What the store lacks cannot be named")
  func absent() throws {
    let lab = try Laboratory()
    let digest = Digest(hashing: [1])
    #expect(throws: StoreError.missing(digest, neededBy: "reference x")) { try lab.store.setReference("x", to: digest) }
  }

  @Test("Many processes' references all stand in the index in the end")
  func concurrent() throws {
    let lab = try Laboratory()
    let digest = try lab.publish(1).result.digest
    let stores = try (0..<8).map { _ in try lab.reopened() }
    DispatchQueue.concurrentPerform(iterations: stores.count) { number in
      try? stores[number].setReference("ref-\(number)", to: digest)
    }
    #expect(try index(lab).manifests.count == 8)
  }

  @Test("Digests are found by the beginnings of their hexadecimal forms")
  func prefixes() throws {
    let lab = try Laboratory()
    let digest = try lab.publish(1).result.digest
    #expect(try lab.store.digests(startingWith: String(digest.hexadecimal.prefix(12))) == [digest])
    #expect(try lab.store.digests(startingWith: digest.hexadecimal) == [digest])
    #expect(try lab.store.digests(startingWith: "").count > 1)
    #expect(try lab.store.digests(startingWith: String(repeating: "0", count: 64)).isEmpty)
  }
}

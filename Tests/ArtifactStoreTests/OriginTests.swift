import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Origins of results")
struct OriginTests {
  static let bundle = ResultOrigin(
    kind: .bundle, name: "x.tar.zst", digest: Digest(hashing: [1]), pipelineFile: Digest(hashing: [2]))
  static let other = ResultOrigin(kind: .remote, name: "/lab")

  /// Takes the result of an action of one store into another.
  private func carry(_ result: ActionResult, from one: Store, to other: Store, _ origin: ResultOrigin?) throws {
    let intake = try other.beginIntake()
    for manifest in [result.manifest] + result.outputs.map(\.artifact.manifest) {
      try intake.add(manifest.canonical)
      for layer in manifest.layers { try intake.add(one.document(layer.digest, neededBy: "the test")) }
    }
    _ = try intake.publish(result.digest, of: result.key, from: origin)
  }

  @Test("A result from elsewhere says so, from several places too, until it is made here")
  func noted() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    #expect(try lab.store.origins(of: result.key) == [Self.bundle])
    try carry(result, from: far.store, to: lab.store, Self.other)
    try carry(result, from: far.store, to: lab.store, Self.other)
    #expect(try lab.reopened().origins(of: result.key) == [Self.bundle, Self.other])
    #expect(try lab.store.importedActions() == [result.key])
    try lab.publish(1)
    #expect(try lab.store.origins(of: result.key).isEmpty)
    #expect(try lab.store.importedActions().isEmpty)
  }

  @Test("What was made here stays our own, whatever bundle brings the same later")
  func own() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    try lab.publish(1)
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    #expect(try lab.store.origins(of: result.key).isEmpty)
  }

  @Test("A rerun that differs from an imported result accuses the import, not the stage")
  func accused() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let forged = try far.publish(1, ["train.jsonl": "forged\n"]).result
    try carry(forged, from: far.store, to: lab.store, Self.bundle)
    let divergence = try #require(try lab.publish(1).divergence)
    #expect(divergence.previousOrigin == Self.bundle)
    #expect(divergence.description.contains("the bundle x.tar.zst"))
    #expect(!divergence.description.contains("not reproducible"))
  }

  @Test("A record that is damaged is no reason to take a result for one of our own")
  func damaged() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    try Laboratory.write(
      "rotten", to: lab.store.path.appending("origins").appending(result.key.digest.hexadecimal))
    #expect(try lab.store.origins(of: result.key).count == 1)
  }

  @Test("Trusted bundles are kept in the store")
  func trusted() throws {
    let lab = try Laboratory()
    #expect(try lab.store.trustedBundles().isEmpty)
    for _ in 0..<2 { try lab.store.trust(bundle: Digest(hashing: [1])) }
    try lab.store.trust(bundle: Digest(hashing: [2]))
    #expect(try lab.reopened().trustedBundles() == [Digest(hashing: [1]), Digest(hashing: [2])])
  }

  @Test("A bundle that brings another result than the one that came before is no origin of it")
  func anotherResult() throws {
    let (far, other, lab) = (try Laboratory(), try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    let forged = try other.publish(1, ["train.jsonl": "forged\n"]).result
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    try carry(forged, from: other.store, to: lab.store, Self.other)
    #expect(try lab.store.origins(of: result.key) == [Self.bundle])
  }

  @Test("Where a result that came from elsewhere is gone, the next that comes says its own origin alone")
  func goneBetween() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    try FileManager.default.removeItem(
      atPath: lab.store.path.appending("actions").appending(result.key.digest.hexadecimal).string)
    let later = try lab.reopened()
    try carry(result, from: far.store, to: later, Self.other)
    #expect(try later.origins(of: result.key) == [Self.other])
  }

  @Test("With a result that is collected its origin goes")
  func collected() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    try carry(far.publish(1).result, from: far.store, to: lab.store, Self.bundle)
    try lab.store.collect(lab.store.planCollection(CollectionTests().policy))
    #expect(try lab.store.importedActions().isEmpty)
  }

  @Test("A result from elsewhere that has lost a file is told by fsck like any other")
  func lost() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    try carry(result, from: far.store, to: lab.store, Self.bundle)
    #expect(try lab.reopened().fsck().isSound)
    let file = try #require(result.outputs[0].artifact.manifest.layers.first).digest
    try FileManager.default.removeItem(atPath: lab.store.blobPath(file).string)
    let report = try lab.reopened().fsck()
    #expect(report.incomplete.map(\.key) == [result.key])
    #expect(!report.isSound)
  }
}

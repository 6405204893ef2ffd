import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Damage")
struct DamageTests {
  @Test("A flipped bit is found when the artifact is about to be used: named, moved away, then a miss")
  func foundByUse() throws {
    let lab = try Laboratory()
    let artifact = try lab.publish(1, ["a": "some bytes", "b": "others"]).result.outputs[0].artifact
    #expect(try lab.reopened().verify(artifact: artifact.digest) == artifact.manifest)
    let layer = try #require(artifact.manifest.file("a"))
    try Laboratory.flipBit(lab.store.blobPath(layer.digest))
    let store = try lab.reopened()
    // A hit looks at sizes only; use hashes.
    guard case .hit = try store.lookup(Laboratory.document(1).key) else {
      Issue.record("a miss before the damage could be known")
      return
    }
    let error = #expect(throws: StoreError.self) { try store.verify(artifact: artifact.digest) }
    guard case .damaged(let blobs)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(blobs.map(\.digest) == [layer.digest])
    #expect(error?.exitStatus == 4)
    #expect(error?.description.contains(layer.digest.description) == true)
    #expect(try Laboratory.exists(#require(blobs[0].quarantined)))
    guard case .miss = try store.lookup(Laboratory.document(1).key) else {
      Issue.record("a hit after the damage was found")
      return
    }
    #expect(throws: StoreError.self) { try store.verify(artifact: artifact.digest) }
    try Laboratory.publish(Laboratory.document(1), ["a": "some bytes", "b": "others"], in: store)
    #expect(try store.verify(artifact: artifact.digest) == artifact.manifest)
  }

  @Test("A process that has verified a blob notices when it is written to afterwards")
  func changedAfterVerification() throws {
    let lab = try Laboratory()
    let artifact = try lab.publish(1, ["a": "some bytes"]).result.outputs[0].artifact
    try lab.store.verify(artifact: artifact.digest)
    try Laboratory.flipBit(lab.store.blobPath(artifact.manifest.layers[0].digest))
    #expect(throws: StoreError.self) { try lab.store.verify(artifact: artifact.digest) }
  }

  @Test("fsck of a sound store finds nothing and counts every blob")
  func sound() throws {
    let lab = try Laboratory()
    try lab.publish(1)
    try lab.publish(2, ["a": "1", "b": "2"])
    let report = try lab.reopened().fsck()
    #expect(report.isSound)
    #expect(report.incomplete.isEmpty)
    #expect(report.blobCount == Laboratory.names(lab.store.path.appending("blobs/sha256")).count)
    #expect(report.byteCount > 0)
  }

  @Test("fsck finds damage, strays, entries that lead nowhere and dangling references; damage is moved away")
  func findings() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1, ["a": "some bytes"]).result
    let second = try lab.publish(2, ["b": "others"]).result
    try lab.publish(3, ["c": "whole"])
    try lab.store.setReference("named", to: second.digest)
    let damaged = first.outputs[0].artifact.manifest.layers[0].digest
    try Laboratory.flipBit(lab.store.blobPath(damaged))
    try FileManager.default.removeItem(atPath: lab.store.blobPath(second.digest).string)
    let blobs = lab.store.path.appending("blobs/sha256")
    try Laboratory.write("x", to: blobs.appending("not-a-digest"))
    let folder = Digest(hashing: [9]).hexadecimal
    try FileManager.default.createDirectory(
      atPath: blobs.appending(folder).string, withIntermediateDirectories: true)
    let entry = lab.store.path.appending("actions").appending(Digest(hashing: [8]).hexadecimal)
    try Laboratory.write("nonsense", to: entry)

    let store = try lab.reopened()
    let report = try store.fsck()
    #expect(!report.isSound)
    #expect(Set(report.damaged.map(\.digest)) == [damaged, Digest(hashing: [9])])
    #expect(report.damaged.allSatisfy { $0.quarantined != nil })
    #expect(report.strays == [blobs.appending("not-a-digest")])
    #expect(report.misplaced.map(\.key.digest) == [Digest(hashing: [8])])
    #expect(Set(report.incomplete.map(\.key)) == [first.key, second.key])
    #expect(report.dangling.map(\.name) == ["named"])
    #expect(report.dangling.map(\.digest) == [second.digest])
    #expect(try store.fsck().damaged.isEmpty)
    guard case .hit = try store.lookup(Laboratory.document(3).key) else {
      Issue.record("fsck harmed a sound result")
      return
    }
  }
}

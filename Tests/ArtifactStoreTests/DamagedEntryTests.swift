import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Damaged entries")
struct DamagedEntryTests {
  private func entry(_ lab: Laboratory, _ number: Int) -> FilePath {
    lab.store.path.appending("actions").appending(Laboratory.document(number).key.digest.hexadecimal)
  }

  /// Puts something in the place of an action's entry.
  private func replace(_ path: FilePath, with what: String, like other: FilePath) throws {
    try FileManager.default.removeItem(atPath: path.string)
    switch what {
    case "another action's": try FileManager.default.copyItem(atPath: other.string, toPath: path.string)
    case "a folder": try Laboratory.write("x", to: path.appending("x"))
    case "a link": try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: "/nowhere/x")
    default: try Laboratory.write("rotten", to: path)
    }
  }

  @Test(
    "An entry that is swapped, a folder, a dangling link or rotten is damage: a miss that says so, told by fsck, put right",
    arguments: ["another action's", "a folder", "a link", "no digest"])
  func damaged(what: String) throws {
    let lab = try Laboratory()
    let first = try lab.publish(1, ["a": "1"]).result
    try lab.publish(2, ["a": "2"])
    try replace(entry(lab, 1), with: what, like: entry(lab, 2))
    guard case .miss(.unusableRecord) = try lab.reopened().lookup(first.key) else {
      Issue.record("it is taken for a result, or for one that never was")
      return
    }
    let again = try lab.publish(1, ["a": "1"])
    #expect(again.divergence == nil, "what another action came to says nothing of this one")
    guard case .hit(let result) = try lab.store.lookup(first.key) else {
      Issue.record("the rerun's result is not found")
      return
    }
    #expect(result.outputs == first.outputs)
    try replace(entry(lab, 1), with: what, like: entry(lab, 2))
    let report = try lab.reopened().fsck()
    #expect(!report.isSound)
    #expect(report.misplaced.map(\.key) == [first.key])
    let next = try lab.reopened().fsck()
    #expect(next.isSound, "it lies in quarantine")
    #expect(!Laboratory.names(lab.store.path.appending("quarantine")).isEmpty)
  }

  @Test("A folder in the place of a reference names nothing, and bars nothing else")
  func reference() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1).result
    try lab.store.setReference("good", to: result.digest)
    try Laboratory.write("x", to: lab.store.path.pushing("refs/bad/x"))
    #expect(try lab.store.references().map(\.name) == ["good"])
    #expect(try lab.store.fsck().dangling.map(\.name) == ["bad"])
  }
}

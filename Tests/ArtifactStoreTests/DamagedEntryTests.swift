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

  @Test("An entry in the wrong place is told and stays where nothing may be moved")
  func untouched() throws {
    let lab = try Laboratory()
    try lab.publish(1, ["a": "1"])
    try lab.publish(2, ["a": "2"])
    try replace(entry(lab, 1), with: "another action's", like: entry(lab, 2))
    var options = Laboratory.options
    options.movesDamaged = false
    let store = try Store.open(lab.store.path, creating: false, options: options)
    #expect(try store.fsck().misplaced.count == 1)
    #expect(Laboratory.exists(entry(lab, 1)))
    #expect(try !store.fsck().isSound)
  }

  @Test("A result whose environment is gone is told by fsck, though its outputs are whole")
  func environmentGone() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1, ["a": "1"]).result
    let environment = try #require(result.manifest.file("environment.json")).digest
    try FileManager.default.removeItem(atPath: lab.store.blobPath(environment).string)
    #expect(try lab.reopened().fsck().incomplete.map(\.key) == [result.key])
  }

  @Test("An entry that is lost is told by fsck until the action has run again; one that was collected is not told")
  func entryGone() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1, ["a": "1"]).result
    let run = try lab.store.beginRun(pipeline: "p")
    try run.record([ActionRecord(label: "a", key: result.key, result: result.digest)])
    try run.finish(RunSummary(actions: [], seconds: 1, exit: 0))
    #expect(try lab.reopened().fsck().isSound)
    try FileManager.default.removeItem(atPath: entry(lab, 1).string)
    let report = try lab.reopened().fsck()
    #expect(!report.isSound)
    #expect(report.incomplete.map(\.key) == [result.key])
    #expect(report.incomplete.first?.reason.description.contains("the entry of a of p is gone") == true)
    try lab.publish(1, ["a": "1"])
    #expect(try lab.reopened().fsck().isSound)
    var policy = CollectionPolicy()
    policy.grace = -60
    policy.runsPerPipeline = 0
    policy.runAge = 0
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(!Laboratory.exists(entry(lab, 1)))
    #expect(try lab.reopened().fsck().isSound)
  }

  @Test("A list of the latest results that can't be read is told by fsck with its place")
  func damagedLatest() throws {
    let lab = try Laboratory()
    let file = lab.store.path.pushing("runs/latest/p.jsonl")
    try Laboratory.write("", to: file)
    let report = try lab.store.fsck()
    #expect(report.damagedRecords == [file])
    #expect(!report.isSound)
  }

  /// A remote that holds what another store has.
  private struct Remote: RemoteCache {
    let source: Store
    let name = "/lab"

    func find(_ key: ActionKey) throws -> ActionResult? {
      if case .hit(let result) = try source.lookup(key) { result } else { nil }
    }

    func fetch(
      _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
    ) throws -> ActionResult? {
      guard let result = try find(key) else { return nil }
      let intake = try store.beginIntake()
      for (_, manifest) in result.manifests {
        try intake.add(manifest.canonical)
        for layer in manifest.layers { try intake.add(source.document(layer.digest, neededBy: "the test")) }
      }
      return try intake.publish(result.digest, of: key, from: nil)
    }

    func offer(_ result: ActionResult, from store: Store) throws -> Bool { false }
    func cancel() {}
  }

  @Test("An action whose entry named another's result is made whole from a remote")
  func repaired() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1, ["a": "1"]).result
    try lab.publish(1, ["a": "1"])
    try lab.publish(2, ["a": "2"])
    try replace(entry(lab, 1), with: "another action's", like: entry(lab, 2))
    let store = try lab.reopened()
    var report = try store.fsck()
    try store.repair(&report, from: Remote(source: far.store)) { key, error in Issue.record("\(key): \(error)") }
    #expect(report.repaired == [result.key])
    #expect(report.isSound)
    guard case .hit = try lab.reopened().lookup(result.key) else {
      Issue.record("it is not whole")
      return
    }
  }
}

import ArtifactStore
import ContentAddressing
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite("Full disk", .enabled(if: SmallDisk.isPossible, "needs leave to mount a tmpfs"))
struct FullDiskTests {
  func open(_ disk: SmallDisk) throws -> Store {
    var options = Store.Options()
    options.durability = .full
    return try Store.open(disk.path.appending("store"), creating: true, options: options)
  }

  @Test("A disk that fills while an artifact is copied in is told as such, exit 7; what was there before stays whole")
  func copying() throws {
    let disk = try #require(SmallDisk(bytes: 1 << 20))
    let store = try open(disk)
    try Laboratory.publish(Laboratory.document(1), ["a": "small"], in: store)
    let source = FilePath(
      FileManager.default.temporaryDirectory.appendingPathComponent("apprentice-big-\(UUID().uuidString)").path)
    defer { try? FileManager.default.removeItem(atPath: source.string) }
    try Laboratory.write(String(repeating: "x", count: 2 << 20), to: source.appending("big"))
    let work = try store.makeWorkFolder(for: Laboratory.document(2).key)
    let error = #expect(throws: StoreError.self) {
      try store.beginPublication(in: work).add(folder: source, kind: Laboratory.kind, source: .copying)
    }
    guard case .diskFull? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.exitStatus == 7)
    try work.remove()
    #expect(try store.fsck().isSound)
    guard case .hit = try store.lookup(Laboratory.document(1).key) else {
      Issue.record("the earlier result is gone")
      return
    }
  }

  @Test("A disk that fills while the result is recorded leaves no result, and a rerun with room succeeds")
  func recording() throws {
    let disk = try #require(SmallDisk(bytes: 1 << 20))
    let store = try open(disk)
    let document = Laboratory.document(1)
    let work = try store.makeWorkFolder(for: document.key)
    try Laboratory.write("output", to: work.output("data").appending("a"))
    try disk.fill(leaving: 0)
    let error = #expect(throws: StoreError.self) {
      let publication = try store.beginPublication(in: work)
      let artifact = try publication.add(folder: work.output("data"), kind: Laboratory.kind)
      _ = try publication.record(document, environment: Laboratory.environment, outputs: ["data": artifact])
    }
    #expect(error?.exitStatus == 7)
    guard case .miss(.neverRun) = try store.lookup(document.key) else {
      Issue.record("half a result is seen")
      return
    }
    try disk.makeRoom()
    try work.remove()
    try Laboratory.publish(document, ["a": "output"], in: store)
    #expect(try store.fsck().isSound)
  }

  @Test("A disk without room for a run's first record bars no collection: that is what makes room")
  func firstRecord() throws {
    let disk = try #require(SmallDisk(bytes: 1 << 20))
    let store = try open(disk)
    let run = try store.beginRun(pipeline: "p")
    try disk.fill(leaving: 0)
    let record = ActionRecord(label: "a", key: Laboratory.document(1).key, result: nil)
    let error = #expect(throws: StoreError.self) { try run.record([record]) }
    #expect(error?.exitStatus == 7)
    #expect(throws: Never.self) { try store.planCollection() }
    try disk.makeRoom()
    try run.record([record])
    #expect(try store.pipelines() == ["p"])
    #expect(try store.latestActions(of: "p").keys.sorted() == ["a"])
    #expect(try store.actions(of: run.id).map(\.label) == ["a"])
  }

  @Test("Of a folder in which something can't go the rest goes, and the system's reason is told")
  func stuck() throws {
    let disk = try #require(SmallDisk(bytes: 1 << 20))
    let folder = disk.path.appending("folder")
    for number in 1...20 { try Laboratory.write("x", to: folder.pushing(FilePath("deep/\(number)"))) }
    let mounted = folder.pushing("deep/mounted")
    try FileManager.default.createDirectory(atPath: mounted.string, withIntermediateDirectories: false)
    #expect(mount("tmpfs", mounted.string, "tmpfs", 0, "size=65536") == 0)
    defer { umount2(mounted.string, Int32(MNT_DETACH)) }
    let error = #expect(throws: StoreError.self) { try FileSystem.removeTree(folder) }
    #expect(error == .system(operation: "remove what is in", path: folder, code: EBUSY))
    #expect(Laboratory.names(folder.appending("deep")) == ["mounted"])
  }

  @Test("A work folder that can't be removed bars the sweep of no other")
  func stuckWork() throws {
    let disk = try #require(SmallDisk(bytes: 1 << 20))
    let store = try open(disk)
    let work = store.path.appending("work")
    for name in ["a", "b", "c"] {
      let folder = work.appending(name)
      try FileManager.default.createDirectory(
        atPath: folder.appending("out").string, withIntermediateDirectories: true)
      try Laboratory.age(folder, seconds: 4000)
    }
    let mounted = work.pushing("b/out")
    #expect(mount("tmpfs", mounted.string, "tmpfs", 0, "size=65536") == 0)
    defer { umount2(mounted.string, Int32(MNT_DETACH)) }
    #expect(try store.sweepWorkFolders() == 2)
    #expect(Laboratory.names(work).filter { ["a", "b", "c"].contains($0) } == ["b"])
  }
}

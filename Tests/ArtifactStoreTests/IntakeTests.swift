import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("What comes from outside")
struct IntakeTests {
  static let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
  static let digest = Digest(hashing: bytes)

  private func take(_ bytes: [UInt8], as digest: Digest, size: Int, into intake: Intake) throws {
    var done = 0
    try intake.receive(digest, size: size) { buffer in
      let count = min(buffer.count, bytes.count - done)
      buffer.copyBytes(from: bytes[done..<done + count])
      done += count
      return count
    }
  }

  /// Whether the store holds the very bytes, which nobody may change.
  private func isIntact(_ lab: Laboratory) throws -> Bool {
    let path = lab.store.blobPath(Self.digest)
    let content = try #require(FileManager.default.contents(atPath: path.string))
    return try Array(content) == Self.bytes && Laboratory.mode(path) == 0o444
  }

  @Test(
    "A blob with other bytes, or more or fewer, is refused by its name, and nothing of it stays", arguments: [-1, 0, 1])
  func wrong(more: Int) throws {
    let lab = try Laboratory()
    var bytes = Self.bytes
    switch more {
    case -1: bytes.removeLast()
    case 1: bytes.append(0)
    default: bytes[1_500_000] ^= 1
    }
    let intake = try lab.store.beginIntake()
    let error = #expect(throws: DamagedBlob.self) {
      try take(bytes, as: Self.digest, size: Self.bytes.count, into: intake)
    }
    #expect(error?.digest == Self.digest)
    intake.discard()
    #expect(try !lab.store.has(Self.digest))
    #expect(Laboratory.names(lab.store.path.appending("work")).isEmpty)
  }

  @Test("A blob that is in the store already is held against what comes, and one that is damaged there is replaced")
  func present() throws {
    let lab = try Laboratory()
    let first = try lab.store.beginIntake()
    try take(Self.bytes, as: Self.digest, size: Self.bytes.count, into: first)
    #expect(try first.publish(pipeline: "p", actions: [], references: [], origin: OriginTests.bundle) == 0)
    #expect(try lab.store.has(Self.digest, size: Self.bytes.count))
    let again = try lab.store.beginIntake()
    var other = Self.bytes
    other[7] ^= 1
    #expect(throws: DamagedBlob.self) { try take(other, as: Self.digest, size: other.count, into: again) }
    again.discard()
    try Laboratory.flipBit(lab.store.blobPath(Self.digest))
    let third = try lab.reopened().beginIntake()
    #expect(try !third.has(Self.digest, size: Self.bytes.count))
    try take(Self.bytes, as: Self.digest, size: Self.bytes.count, into: third)
    _ = try third.publish(pipeline: "p", actions: [], references: [], origin: OriginTests.bundle)
    #expect(try isIntact(lab))
  }

  /// A blob of which an attempt that was cut off has left some bytes.
  private func leave(_ bytes: [UInt8], in store: Store) throws {
    let intake = try store.beginIntake()
    let reception = try intake.begin(Self.digest, size: Self.bytes.count, isResumable: true)
    try bytes.withUnsafeBytes { try reception.write($0) }
    intake.discard()
  }

  @Test("An attempt goes on behind the bytes of the one before, also of another process")
  func resumed() throws {
    let lab = try Laboratory()
    try leave(Array(Self.bytes.prefix(2_000_000)), in: lab.store)
    let intake = try lab.reopened().beginIntake()
    let reception = try intake.begin(Self.digest, size: Self.bytes.count, isResumable: true)
    #expect(reception.count == 2_000_000)
    // Whoever comes meanwhile begins anew elsewhere.
    #expect(try lab.reopened().beginIntake().begin(Self.digest, size: Self.bytes.count, isResumable: true).count == 0)
    try Self.bytes[2_000_000...].withUnsafeBytes { try reception.write($0) }
    #expect(throws: DamagedBlob.self) { try [UInt8(0)].withUnsafeBytes { try reception.write($0) } }
    try intake.end(reception)
    _ = try intake.publish(pipeline: "p", actions: [], references: [], origin: OriginTests.bundle)
    #expect(try isIntact(lab))
    #expect(Laboratory.names(lab.store.path.pushing("work/downloads")).isEmpty)
  }

  @Test("What was left of another blob of this name is no beginning: the whole is refused once, then comes anew")
  func foreignBeginning() throws {
    let lab = try Laboratory()
    try leave([UInt8](repeating: 7, count: 2_000_000), in: lab.store)
    let intake = try lab.store.beginIntake()
    let reception = try intake.begin(Self.digest, size: Self.bytes.count, isResumable: true)
    try Self.bytes[2_000_000...].withUnsafeBytes { try reception.write($0) }
    #expect(throws: DamagedBlob.self) { try intake.end(reception) }
    #expect(try intake.begin(Self.digest, size: Self.bytes.count, isResumable: true).count == 0)
    // Longer than the whole can be is no beginning, either.
    try Laboratory.write(
      String(repeating: "x", count: Self.bytes.count + 1),
      to: lab.store.path.pushing("work/downloads").appending(Self.digest.hexadecimal))
    #expect(
      try lab.store.beginIntake().begin(Self.digest, size: Self.bytes.count, isResumable: true).count == 0)
  }

  @Test("What can't fit on the disk is refused before any of it comes")
  func tooMuch() throws {
    let intake = try Laboratory().store.beginIntake()
    try intake.require(1)
    #expect(throws: StoreError.self) { try intake.require(.max) }
  }

  @Test("A result that the store has stays, another one is noted; one that lacks files gets no entry")
  func results() throws {
    let (one, two) = (try Laboratory(), try Laboratory())
    let own = try one.publish(1, ["train.jsonl": "{}\n"]).result
    let other = try two.publish(1, ["train.jsonl": "{\"other\":1}\n"]).result
    let lacking = try two.publish(2, ["train.jsonl": "{}\n", "test.jsonl": "{\"absent\":1}\n"]).result
    let intake = try one.store.beginIntake()
    let absent = try #require(lacking.outputs[0].artifact.manifest.file("test.jsonl")).digest
    for result in [other, lacking] {
      for (digest, manifest) in result.manifests {
        for blob in [digest] + (manifest.layers + [manifest.config]).map(\.digest) where blob != absent {
          try intake.add(Array((Laboratory.read(two.store.blobPath(blob)) ?? "").utf8))
        }
      }
    }
    let actions = [other, lacking].map { ActionRecord(label: "a", key: $0.key, result: $0.digest) }
    #expect(try intake.publish(pipeline: "p", actions: actions, references: [], origin: OriginTests.bundle) == 1)
    guard case .hit(let present) = try one.reopened().lookup(own.key) else {
      Issue.record("the store's own result is gone")
      return
    }
    #expect(present.digest == own.digest)
    guard case .miss(.neverRun) = try one.reopened().lookup(lacking.key) else {
      Issue.record("a result without all its files has an entry")
      return
    }
  }

  @Test("Under a name at which the store has a result of its own, what comes is not the latest")
  func ownName() throws {
    let (one, two) = (try Laboratory(), try Laboratory())
    let own = try one.publish(1).result
    try one.store.beginRun(pipeline: "p").record([ActionRecord(label: "a", key: own.key, result: own.digest)])
    let other = try two.publish(2).result
    let intake = try one.store.beginIntake()
    for (digest, manifest) in other.manifests {
      for blob in [digest] + (manifest.layers + [manifest.config]).map(\.digest) {
        try intake.add(Array((Laboratory.read(two.store.blobPath(blob)) ?? "").utf8))
      }
    }
    let actions = ["a", "b"].map { ActionRecord(label: $0, key: other.key, result: other.digest) }
    _ = try intake.publish(pipeline: "p", actions: actions, references: [], origin: OriginTests.bundle)
    #expect(try one.store.latestActions(of: "p").mapValues(\.key) == ["a": own.key, "b": other.key])
  }

  @Test("Bytes that change between their arrival and the copy to a user's folder are found by the copy")
  func changedBeforeCopy() throws {
    let lab = try Laboratory()
    let intake = try lab.store.beginIntake()
    let digest = try intake.add(Array("rows".utf8))
    let work = lab.store.path.appending("work")
    let arrived = try #require(Laboratory.names(work).first { $0 != "downloads" })
    let blob = work.appending(arrived).appending(digest.hexadecimal)
    chmod(blob.string, 0o644)
    try Laboratory.write("mows", to: blob)
    let folder = try #require(try OpenFolder.open(lab.folder))
    let error = #expect(throws: StoreError.self) {
      try intake.copy(digest, size: 4, to: "rows.jsonl", in: folder, isProgram: false)
    }
    guard case .damaged(let blobs) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(blobs.map(\.digest) == [digest])
  }
}

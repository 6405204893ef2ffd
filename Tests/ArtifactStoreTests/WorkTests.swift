import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Work folders and checkpoints")
struct WorkTests {
  let key = Laboratory.document(1).key

  @Test("Two attempts at one action have folders of their own, with room for outputs and scratch")
  func folders() throws {
    let lab = try Laboratory()
    let (one, other) = (try lab.store.makeWorkFolder(for: key), try lab.store.makeWorkFolder(for: key))
    #expect(one.path != other.path)
    #expect(Laboratory.names(one.path) == ["out", "owner", "scratch"])
    #expect(one.output("model") == one.path.appending("out/model"))
    try one.remove()
    #expect(!Laboratory.exists(one.path))
  }

  @Test("Sweeping takes the folders of processes that are gone and leaves the living alone")
  func sweep() async throws {
    let lab = try Laboratory()
    let mine = try lab.store.makeWorkFolder(for: key)
    await #expect(processExitsWith: .exitCode(0)) {
      [path = lab.store.path.string as String, key = key.description as String] in
      let store = try Store.open(FilePath(path), creating: false)
      guard let key = ActionKey(key) else { exit(9) }
      let work = try store.makeWorkFolder(for: key)
      try Laboratory.write("left over", to: work.output("model").appending("model.safetensors"))
      exit(0)
    }
    _ = try lab.store.checkpointFolder(for: key)
    #expect(try lab.store.sweepWorkFolders() == 1)
    #expect(
      Laboratory.names(lab.store.path.appending("work")) == [mine.path.lastComponent!.string, "checkpoints"].sorted())
  }

  @Test("Sweeping takes dead leases and old temporary files, and leaves held leases and young files alone")
  func sweepOthers() throws {
    let lab = try Laboratory()
    let leases = lab.store.path.appending("leases")
    let dead = leases.appending(Digest(hashing: [1]).hexadecimal)
    try Laboratory.write("", to: dead)
    let (old, young) = (leases.appending(".new-old"), lab.store.path.appending("refs/.new-young"))
    try Laboratory.write("", to: old)
    try Laboratory.write("", to: young)
    for path in [dead, old] { try Laboratory.age(path, seconds: 4000) }
    guard case .held(let lease) = try lab.store.acquire(key) else {
      Issue.record("the lease is taken")
      return
    }
    try lab.store.sweepWorkFolders()
    #expect(!Laboratory.exists(dead))
    #expect(!Laboratory.exists(old))
    #expect(Laboratory.exists(young))
    #expect(lease.isHeld)
  }

  @Test("A checkpoint appears whole under its name, outlives attempts and is replaced by a later one")
  func checkpoints() throws {
    let lab = try Laboratory()
    #expect(try lab.store.checkpoints(of: key).isEmpty)
    for round in ["first", "second"] {
      let work = try lab.store.makeWorkFolder(for: key)
      try Laboratory.write(round, to: work.scratch.appending("state/weights"))
      try lab.store.publishCheckpoint(work.scratch.appending("state"), as: "step-10", of: key)
      try Laboratory.write(round, to: work.scratch.appending("single"))
      try lab.store.publishCheckpoint(work.scratch.appending("single"), as: "step-20", of: key)
      try work.remove()
      #expect(try lab.reopened().checkpoints(of: key) == ["step-10", "step-20"])
      let folder = try lab.store.checkpointFolder(for: key)
      #expect(Laboratory.read(folder.appending("step-10/weights")) == round)
      #expect(Laboratory.read(folder.appending("step-20")) == round)
    }
    try lab.store.removeCheckpoints(of: key)
    #expect(try lab.store.checkpoints(of: key).isEmpty)
  }

  @Test("A checkpoint's name cannot leave the folder", arguments: ["", "../x", "a/b", ".hidden", ".."])
  func names(name: String) throws {
    let lab = try Laboratory()
    let work = try lab.store.makeWorkFolder(for: key)
    #expect(throws: StoreError.self) { try lab.store.publishCheckpoint(work.scratch, as: name, of: key) }
  }

  @Test("what a cut off download has left serves the next attempt, and goes after a day")
  func downloads() throws {
    let lab = try Laboratory()
    let bytes = [UInt8](repeating: 7, count: 2 << 20)
    let digest = Digest(hashing: bytes)
    let path = lab.store.path.appending("work/downloads").appending(digest.hexadecimal)
    // An attempt that ends midway, whatever becomes of its intake.
    do {
      let intake = try lab.store.beginIntake()
      let reception = try intake.begin(digest, size: bytes.count, isResumable: true)
      try bytes[..<(1 << 20)].withUnsafeBytes { try reception.write($0) }
      intake.discard()
    }
    try lab.store.sweepWorkFolders()
    #expect(try Data(contentsOf: URL(fileURLWithPath: path.string)).count == 1 << 20)
    do {
      let intake = try lab.reopened().beginIntake()
      let reception = try intake.begin(digest, size: bytes.count, isResumable: true)
      #expect(reception.count == 1 << 20)
      // While one goes on with it, another begins by itself.
      let other = try lab.reopened().beginIntake()
      #expect(try other.begin(digest, size: bytes.count, isResumable: true).count == 0)
      other.discard()
      try bytes[(1 << 20)...].withUnsafeBytes { try reception.write($0) }
      try intake.end(reception)
      // It has come whole, and stays for the next attempt until it is published.
      intake.discard()
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path.string)).count == 2 << 20)
    try Laboratory.age(path, seconds: 23 * 3600)
    try lab.store.sweepWorkFolders()
    #expect(Laboratory.exists(path))
    try Laboratory.age(path, seconds: 25 * 3600)
    try lab.store.sweepWorkFolders()
    #expect(!Laboratory.exists(path))
  }
}

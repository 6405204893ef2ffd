import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Work folders and checkpoints")
struct WorkTests {
  let key = Laboratory.document(1).key

  @Test("Two attempts at one action have folders of their own, with room for outputs")
  func folders() throws {
    let lab = try Laboratory()
    let (one, other) = (try lab.store.makeWorkFolder(for: key), try lab.store.makeWorkFolder(for: key))
    #expect(one.path != other.path)
    #expect(Laboratory.names(one.path) == ["out", "owner"])
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

  @Test("A folder that was put by serves another attempt and holds nothing of the first")
  func putBy() throws {
    let lab = try Laboratory()
    let first = try lab.store.makeWorkFolder(for: key)
    let inode = try Laboratory.inode(first.path)
    for (name, text) in [
      ("action.json", "old"), ("command.json", "old"), ("code/run.py", "old"), ("code/__pycache__/run.pyc", "cache"),
      ("out/model/left.bin", "left"), ("in/tokens/0/a", "input"), ("stray", "stray"),
    ] {
      try Laboratory.write(text, to: first.path.pushing(FilePath(name)))
    }
    let outside = lab.folder.appending("mine.txt")
    try Laboratory.write("mine", to: outside)
    for link in ["code/link.py", "out/link", "in/tokens/link"] {
      try FileManager.default.createSymbolicLink(
        atPath: first.path.pushing(FilePath(link)).string, withDestinationPath: outside.string)
    }
    try FileManager.default.linkItem(atPath: outside.string, toPath: first.path.appending("code/second-name").string)
    try lab.store.putBy(first)
    let second = try lab.store.makeWorkFolder(for: Laboratory.document(2).key)
    #expect(try Laboratory.inode(second.path) == inode)
    #expect(second.path != first.path)
    #expect(Laboratory.names(second.path) == ["action.json", "code", "command.json", "in", "out", "owner"])
    #expect(Laboratory.names(second.output("model")).isEmpty)
    #expect(Laboratory.names(second.input("tokens")).isEmpty)
    #expect(Laboratory.names(second.path.appending("out")) == ["model"])
    #expect(!Laboratory.names(second.code).contains("link.py"), "a link would be written through")
    #expect(!Laboratory.names(second.code).contains("second-name"), "so would a second name")
    try second.removeCode(but: ["other.py"])
    #expect(Laboratory.names(second.code).isEmpty)
    #expect(Laboratory.read(outside) == "mine")
    try lab.store.putBy(second)
    lab.store.dropSpares()
    #expect(!Laboratory.exists(second.path))
  }

  @Test("An empty folder of checkpoints serves the next action, one that holds something is removed")
  func checkpointFolders() throws {
    let lab = try Laboratory()
    let other = Laboratory.document(2).key
    let folder = try lab.store.checkpointFolder(for: key)
    let inode = try Laboratory.inode(folder)
    try lab.store.removeCheckpoints(of: key)
    #expect(!Laboratory.exists(folder))
    let next = try lab.store.checkpointFolder(for: other)
    #expect(try Laboratory.inode(next) == inode)
    try Laboratory.write("state", to: next.appending("step-1/weights"))
    #expect(try lab.store.checkpoints(of: other) == ["step-1"])
    try lab.store.removeCheckpoints(of: other)
    #expect(try lab.store.checkpoints(of: other).isEmpty)
    #expect(Laboratory.names(try lab.store.checkpointFolder(for: key)).isEmpty)
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

  @Test("A folder goes whatever bytes its names are, and one that can't go bars no other")
  func strangeNames() throws {
    let lab = try Laboratory()
    let folder = lab.folder.appending("strange")
    try Laboratory.write("x", to: folder.pushing("deep/a"))
    let bytes: [CChar] = Array((folder.string + "/deep/").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
    let file = creat(bytes, 0o600)
    #expect(file >= 0)
    close(file)
    chmod(folder.appending("deep").string, 0o500)
    try FileSystem.removeTree(folder)
    #expect(!Laboratory.exists(folder))
  }

  @Test("Of an earlier attempt's code what is written anew stays, however deep it lies, and nothing else")
  func code() throws {
    let lab = try Laboratory()
    let work = try lab.store.makeWorkFolder(for: key)
    for name in ["run.py", "c/run.py", "a/b/c/run.py", "a/b/old.py", "a/old.py"] {
      try Laboratory.write("x", to: work.code.pushing(FilePath(name)))
    }
    try work.removeCode(but: ["run.py", "a/b/c/run.py"])
    #expect(Laboratory.names(work.code) == ["a", "run.py"])
    #expect(Laboratory.names(work.code.appending("a/b")) == ["c"])
    #expect(Laboratory.names(work.code.appending("a/b/c")) == ["run.py"])
  }

  @Test("Sweeping takes what was to become a run or an origin an hour ago, and no folder that is not the store's")
  func sweepFresh() throws {
    let lab = try Laboratory()
    let old = ["runs/.new-old/run.json", "origins/.new-old", "runs/latest/.new-old"]
    let left = ["runs/.new-young/run.json", ".new-mine/notes.md"]
    for name in old + left { try Laboratory.write("x", to: lab.store.path.pushing(FilePath(name))) }
    for name in ["runs/.new-old", "origins/.new-old", "runs/latest/.new-old", ".new-mine"] {
      try Laboratory.age(lab.store.path.pushing(FilePath(name)), seconds: 4000)
    }
    try lab.store.sweepWorkFolders()
    for name in old { #expect(!Laboratory.exists(lab.store.path.pushing(FilePath(name))), "\(name)") }
    for name in left { #expect(Laboratory.exists(lab.store.path.pushing(FilePath(name))), "\(name)") }
    #expect(!Laboratory.exists(lab.store.path.appending("runs/.new-old")))
  }
}

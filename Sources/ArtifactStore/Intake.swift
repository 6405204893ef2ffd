public import ContentAddressing
import CanonicalJSON
import Glibc
import SystemPackage

/// Blobs that come from outside: each is verified as it arrives, and nothing of them is visible before all are there.
///
/// What is never published leaves no trace: the folder goes with `discard`, or with the next sweep after a crash.
public final class Intake {
  private let store: Store
  private let folder: WorkFolder
  private var received: [Digest: (path: FilePath, size: Int)] = [:]
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

  init(store: Store, folder: WorkFolder) {
    self.store = store
    self.folder = folder
  }

  deinit { buffer.deallocate() }

  /// Takes in one blob.
  ///
  /// - Parameters:
  ///   - digest: What it must hold.
  ///   - size: Its length in bytes; not one byte more is written.
  ///   - next: Fills a buffer and returns how many bytes it wrote; 0 at the end.
  /// - Throws: `DamagedBlob` where bytes or length are others, `StoreError`, or what `next` throws.
  public func receive(
    _ digest: Digest, size: Int, from next: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    var hasher = FileHasher()
    var isPresent = received[digest] != nil
    if !isPresent, case .intact = store.inspect(digest, size: size, with: &hasher) { isPresent = true }
    let path = folder.path.appending(digest.hexadecimal)
    var output: CInt = -1
    if !isPresent {
      output = try FileSystem.call("write", path) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444) }
    }
    defer { if output >= 0 { close(output) } }
    do {
      try transfer(digest, size, to: output < 0 ? nil : output, path, next)
    } catch {
      if output >= 0 { try? FileSystem.remove(path) }
      throw error
    }
    if !isPresent { received[digest] = (path, size) }
  }

  private func transfer(
    _ digest: Digest, _ size: Int, to output: CInt?, _ path: FilePath,
    _ next: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    var hasher = SHA256Hasher()
    var count = 0
    while true {
      let part = try next(buffer)
      if part == 0 { break }
      count += part
      if count > size { throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count)) }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<part])
      hasher.update(bytes)
      if let output { try FileSystem.writeAll(bytes, to: output, path) }
    }
    guard count == size else { throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count)) }
    let found = hasher.finish()
    guard found == digest else { throw DamagedBlob(digest: digest, fault: .content(found: found)) }
  }

  /// Takes in bytes at hand.
  ///
  /// - Returns: Their digest.
  /// - Throws: `StoreError` where the system refuses.
  @discardableResult
  public func add(_ bytes: [UInt8]) throws -> Digest {
    let digest = Digest(hashing: bytes)
    var done = 0
    try receive(digest, size: bytes.count) { buffer in
      let count = min(buffer.count, bytes.count - done)
      bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[done..<done + count])) }
      done += count
      return count
    }
    return digest
  }

  /// Makes everything visible: blobs, then what names them, then the actions' entries.
  ///
  /// A result that the store has already stays; a different one is noted as a divergence.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - actions: The actions in plan order; those of which outputs are missing get no entry.
  ///   - references: Names that keep what was taken in from being collected.
  ///   - origin: What the record of the intake says of where it came from.
  /// - Returns: How many actions have a result now.
  /// - Throws: `StoreError` where the system refuses.
  public func publish(
    pipeline: String, actions: [ActionRecord], references: [(name: String, digest: Digest)], origin: String
  ) throws(StoreError) -> Int {
    let publication = try store.beginPublication(in: folder)
    for (digest, blob) in received.sorted(by: { $0.key < $1.key }) {
      try publication.adopt(blob.path, FileHasher.Content(digest: digest, size: blob.size))
    }
    try publication.sync()
    for reference in references { try store.setReference(reference.name, to: reference.digest) }
    var complete: [ActionRecord] = []
    for action in actions {
      if case .hit(let present) = try store.lookup(action.key) {
        if let result = action.result { try noteDifference(present, result) }
        complete.append(ActionRecord(label: action.label, key: action.key, result: present.digest))
      } else if let digest = action.result, let result = try? store.result(digest, key: action.key),
        try isComplete(result)
      {
        try publication.publish(Array("\(digest)\n".utf8), at: store.actionPath(action.key))
        complete.append(action)
      }
    }
    if !complete.isEmpty {
      try store.beginRun(pipeline: pipeline, details: ["import": .string(origin)]).record(complete)
    }
    try folder.remove()
    return complete.count
  }

  private func isComplete(_ result: ActionResult) throws(StoreError) -> Bool {
    for output in result.outputs {
      for file in output.artifact.manifest.layers where try !store.has(file.digest, size: file.size) { return false }
    }
    return true
  }

  private func noteDifference(_ present: ActionResult, _ digest: Digest) throws(StoreError) {
    guard digest != present.digest, let outputs = store.outputs(ofPossibly: digest) else { return }
    let before = present.outputs.map { (port: $0.port, digest: $0.artifact.digest) }
    guard !before.elementsEqual(outputs, by: ==) else { return }
    try store.note(
      Divergence(
        key: present.key, previous: present.digest, current: digest, ports: [],
        previousEnvironment: nil, currentEnvironment: .null))
  }

  /// Throws away all that was taken in.
  public func discard() { try? folder.remove() }
}

extension Store {
  /// Begins to take in blobs from outside.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func beginIntake() throws(StoreError) -> Intake {
    let folder = try makeWorkFolder(for: ActionKey(Digest(hashing: Array("intake".utf8))))
    return Intake(store: self, folder: folder)
  }
}

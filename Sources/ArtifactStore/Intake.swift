public import ContentAddressing
import CanonicalJSON
import Glibc
import Synchronization
import SystemPackage

/// Blobs that come from outside: each is verified as it arrives, and nothing of them is visible before all are there.
///
/// What is never published leaves no trace: the folder goes with `discard`, or with the next sweep after a crash. Blobs
/// may arrive on several threads.
public final class Intake: Sendable {
  private let store: Store
  private let folder: WorkFolder
  private let received = Mutex<[Digest: Received]>([:])

  /// A blob that has come whole.
  private struct Received {
    var path: FilePath
    var size: Int
    /// A second name of the file, which goes when it is published.
    var download: FilePath?
  }

  init(store: Store, folder: WorkFolder) {
    self.store = store
    self.folder = folder
  }

  /// Whether a blob has been taken in, or is in the store and intact.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func has(_ digest: Digest, size: Int) throws(StoreError) -> Bool {
    if received.withLock({ $0[digest] != nil }) { return true }
    var hasher = FileHasher()
    switch store.inspect(digest, size: size, with: &hasher) {
    case .intact(let status):
      try store.renew(digest, status)
      return true
    case .failed(let error): throw error
    case .absent, .damaged: return false
    }
  }

  /// Refuses what can't fit on the disk, before any of it comes.
  ///
  /// - Throws: `StoreError.diskFull`.
  public func require(_ bytes: Int) throws(StoreError) {
    if let free = FileSystem.freeBytes(at: folder.path), bytes > free { throw .diskFull(store.path) }
  }

  /// Begins to take in one blob that is not there.
  ///
  /// - Parameters:
  ///   - digest: What it must hold.
  ///   - size: Its length in bytes; not one byte more is written.
  ///   - isResumable: Whether bytes of an attempt that was cut off serve the next one, in whatever process.
  /// - Returns: What takes the bytes; `end` ends it.
  /// - Throws: `StoreError` where the system refuses.
  public func begin(_ digest: Digest, size: Int, isResumable: Bool = false) throws(StoreError) -> Reception {
    try Reception(
      digest, size: size, to: folder.path.appending(digest.hexadecimal),
      keeping: isResumable ? store.downloadsFolder : nil)
  }

  /// Checks what a reception took, and keeps it for `publish`.
  ///
  /// - Throws: `DamagedBlob` where bytes or length are others, or `StoreError`.
  public func end(_ reception: Reception) throws {
    try reception.finish()
    let place = Received(
      path: folder.path.appending(reception.digest.hexadecimal), size: reception.size, download: reception.download)
    received.withLock { $0[reception.digest] = place }
  }

  /// Takes in one blob, from a stream that is read to its end even where the blob is there already.
  ///
  /// - Parameters:
  ///   - digest: What it must hold.
  ///   - size: Its length in bytes; not one byte more is written.
  ///   - next: Fills a buffer and returns how many bytes it wrote; 0 at the end.
  /// - Throws: `DamagedBlob` where bytes or length are others, `StoreError`, or what `next` throws.
  public func receive(
    _ digest: Digest, size: Int, from next: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    let reception = try has(digest, size: size) ? nil : begin(digest, size: size)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    do {
      if let reception {
        while true {
          let part = try next(buffer)
          if part == 0 { break }
          try reception.write(UnsafeRawBufferPointer(rebasing: buffer[..<part]))
        }
        try end(reception)
      } else {
        try Self.check(digest, size, buffer, next)
      }
    } catch {
      reception?.discard()
      throw error
    }
  }

  private static func check(
    _ digest: Digest, _ size: Int, _ buffer: UnsafeMutableRawBufferPointer,
    _ next: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    var hasher = SHA256Hasher()
    var count = 0
    while true {
      let part = try next(buffer)
      if part == 0 { break }
      count += part
      if count > size { throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count)) }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<part]))
    }
    guard count == size else { throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count)) }
    let found = hasher.finish()
    guard found == digest else { throw DamagedBlob(digest: digest, fault: .content(found: found)) }
  }

  /// The bytes of a document that was taken in or is in the store.
  ///
  /// - Throws: `StoreError.missing` or `.damaged`, or where the system refuses.
  public func document(_ digest: Digest, neededBy user: String) throws(StoreError) -> [UInt8] {
    if let place = received.withLock({ $0[digest]?.path }), let bytes = try FileSystem.read(place, limit: documentLimit)
    {
      return bytes
    }
    return try store.document(digest, neededBy: user)
  }

  /// Copies a blob that was taken in or is in the store to a new file of the user's, and checks it once more on the way.
  ///
  /// - Parameters:
  ///   - digest: The blob.
  ///   - size: The number of its bytes.
  ///   - name: The file; nothing has that name.
  ///   - folder: Where it is made.
  ///   - isProgram: Whether it may be run.
  /// - Returns: Whether it was made; not, where something stands there.
  /// - Throws: `StoreError.missing` or `.damaged`, or where the system refuses.
  package func copy(
    _ digest: Digest, size: Int, to name: String, in folder: OpenFolder, isProgram: Bool
  ) throws(StoreError) -> Bool {
    let source = received.withLock { $0[digest]?.path } ?? store.blobPath(digest)
    let target = folder.path.appending(name)
    guard let input = try FileSystem.openForReading(source, flags: O_NOFOLLOW) else {
      throw .missing(digest, neededBy: target.string)
    }
    defer { close(input) }
    let isDurable = store.options.durability == .full
    let made: Void? = try folder.create(name, mode: isProgram ? 0o777 : 0o666) { (output) throws(StoreError) in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
      defer { buffer.deallocate() }
      var hasher = SHA256Hasher()
      var count = 0
      while true {
        let part = read(input, buffer.baseAddress, buffer.count)
        if part < 0 && errno == EINTR { continue }
        if part < 0 { throw StoreError("read", source, errno) }
        if part == 0 { break }
        count += part
        if count > size { break }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<part])
        hasher.update(bytes)
        try FileSystem.writeAll(bytes, to: output, target)
      }
      let found = hasher.finish()
      guard count == size, found == digest else {
        throw .damaged([
          DamagedBlob(
            digest: digest, fault: count == size ? .content(found: found) : .size(expected: size, found: count))
        ])
      }
      if isDurable, fsync(output) != 0 { throw StoreError("sync", target, errno) }
    }
    return made != nil
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
  /// A result that the store has already stays; a different one is noted as a divergence. Nor does an action of the same
  /// name take the place of one whose result was made here.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - actions: The actions in plan order; those of which outputs are missing get no entry.
  ///   - references: Names that keep what was taken in from being collected.
  ///   - origin: Where it came from.
  /// - Returns: How many actions have a result now.
  /// - Throws: `StoreError` where the system refuses.
  public func publish(
    pipeline: String, actions: [ActionRecord], references: [(name: String, digest: Digest)], origin: ResultOrigin
  ) throws(StoreError) -> Int {
    let publication = try publishBlobs()
    for reference in references {
      try store.setReference(reference.name, to: reference.digest)
      try store.renewReference(reference.name)
    }
    var complete: [ActionRecord] = []
    for action in actions {
      guard let result = try enter(action.key, action.result, origin, publication) else { continue }
      var record = action
      record.result = result.digest
      complete.append(record)
    }
    // Under a name at which the store has a result of its own, that one is found as before.
    let latest = try store.latestActions(of: pipeline)
    var shown: [ActionRecord] = []
    for action in complete {
      if let known = latest[action.label], known.key != action.key, try store.origins(of: known.key).isEmpty {
        continue
      }
      shown.append(action)
    }
    if !shown.isEmpty {
      try store.beginRun(pipeline: pipeline, details: ["import": origin.json]).record(shown)
    }
    try folder.remove()
    return complete.count
  }

  /// Makes one result visible; no run is recorded.
  ///
  /// - Parameters:
  ///   - result: The result.
  ///   - key: The action.
  ///   - origin: Where it came from; nil for what counts as made here.
  /// - Returns: The action's result now, which may be one that the store had already.
  /// - Throws: `StoreError`, `.missing` where something of the result has not come.
  public func publish(
    _ result: Digest, of key: ActionKey, from origin: ResultOrigin?
  ) throws(StoreError) -> ActionResult {
    let publication = try publishBlobs()
    guard let entered = try enter(key, result, origin, publication) else {
      throw .missing(result, neededBy: "action \(key)")
    }
    try folder.remove()
    return entered
  }

  private func publishBlobs() throws(StoreError) -> Publication {
    let publication = try store.beginPublication(in: folder)
    let blobs = received.withLock { $0 }.sorted { $0.key < $1.key }
    for (digest, blob) in blobs {
      if blob.download != nil { try FileSystem.call("protect", blob.path) { chmod($0, 0o444) } }
      try publication.adopt(blob.path, FileHasher.Content(digest: digest, size: blob.size))
    }
    try publication.sync()
    for (_, blob) in blobs { if let download = blob.download { try FileSystem.remove(download) } }
    return publication
  }

  /// Writes an action's entry, unless there is a result already.
  ///
  /// - Returns: The action's result now; nil where it is not whole.
  private func enter(
    _ key: ActionKey, _ digest: Digest?, _ origin: ResultOrigin?, _ publication: Publication
  ) throws(StoreError) -> ActionResult? {
    if case .hit(let present) = try store.lookup(key) {
      if let digest { try noteDifference(present, digest) }
      // What came from elsewhere before comes from there, too; what was made here stays our own.
      if let origin, digest == present.digest, try !store.origins(of: key).isEmpty { try store.note(origin, of: key) }
      return present
    }
    guard let digest, let result = try? store.result(digest, key: key), try isComplete(result) else { return nil }
    try store.forgetOrigins(of: key)
    if let origin { try store.note(origin, of: key) }
    try store.clearEntry(key)
    try publication.publish(Array("\(digest)\n".utf8), at: store.actionPath(key))
    return result
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
        previousEnvironment: nil, currentEnvironment: .null, previousOrigin: nil))
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

import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
public import SystemPackage

/// An artifact of the store.
public struct Artifact: Sendable, Hashable {
  /// The digest of its manifest.
  public var digest: Digest
  /// The list of its files.
  public var manifest: Manifest

  /// An artifact.
  public init(digest: Digest, manifest: Manifest) {
    self.digest = digest
    self.manifest = manifest
  }
}

/// Blobs on their way into a store: hashed where they lie, renamed into place, and synced together at the end.
///
/// Nothing refers to them before `Store.record` or a reference does, so a process that dies leaves nothing half done,
/// only bytes that `gc` takes.
public final class Publication {
  let store: Store
  private let folder: WorkFolder
  private var unsynced: [(path: FilePath, size: Int)] = []
  private var known: Set<Digest> = []
  private var temporaryCount = 0
  /// For so long a blob that was there already counts as perhaps not on the disk, in nanoseconds.
  private static let unsyncedInterval: Int64 = 600_000_000_000

  init(store: Store, folder: WorkFolder) throws(StoreError) {
    self.store = store
    self.folder = folder
    try store.writeEmptyConfig()
  }

  /// How the files of a folder get into the store.
  public enum Source: Sendable {
    /// They are moved: the folder is this store's work folder and loses them.
    case moving
    /// They are copied, or share blocks where the file system can: the folder is the user's.
    case copying
  }

  /// Publishes a folder as an artifact.
  ///
  /// - Parameters:
  ///   - folder: The files, nested folders allowed.
  ///   - kind: What the artifact is.
  ///   - source: Whether the files are moved or copied.
  /// - Returns: The artifact.
  /// - Throws: `StoreError.refusedEntry`, `.emptyArtifact`, `.invalidName`, `.diskFull` or a failure of the system.
  public func add(
    folder: FilePath, kind: KindName, source: Source = .moving
  ) throws(StoreError) -> Artifact {
    var files = try ArtifactFolder(folder).files
    if source == .copying { files = try files.map { file throws(StoreError) in try copy(file) } }
    let sources = files
    let results = concurrentMap(files.count, threads: store.options.threads) { index, hasher in
      sources[index].hash(with: &hasher, protecting: true)
    }
    store.options.failpoint(.fileHashed)
    var layers: [Descriptor] = []
    for (file, result) in zip(files, results) {
      let hashed = try result.get()
      // A file with a second name could change under its digest; it is copied.
      let path = hashed.isShared ? try copy(file).path : file.path
      try adopt(path, hashed.content)
      layers.append(Descriptor(file: file.title, digest: hashed.content.digest, size: hashed.content.size))
    }
    let manifest = Manifest(kind: kind, files: layers)
    let digest = try add(manifest.canonical)
    store.memory.withLock { $0.manifests[digest] = manifest }
    store.options.failpoint(.manifestWritten)
    return Artifact(digest: digest, manifest: manifest)
  }

  /// Publishes bytes as a blob.
  ///
  /// - Returns: Their digest.
  /// - Throws: `StoreError` where the system refuses.
  @discardableResult
  public func add(_ bytes: [UInt8]) throws(StoreError) -> Digest {
    let digest = Digest(hashing: bytes)
    let content = FileHasher.Content(digest: digest, size: bytes.count)
    if try isPresent(content) { return digest }
    let path = temporaryPath()
    try FileSystem.create(path, bytes, mode: 0o444)
    try move(path, content)
    return digest
  }

  /// Makes all that was published so far outlast a power cut.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func sync() throws(StoreError) {
    defer { unsynced = [] }
    guard store.options.durability == .full, !unsynced.isEmpty else { return }
    // A sync costs about a millisecond a file; beyond some dozens one sync of the file system is cheaper, after
    // large files have been written out by themselves.
    let many = unsynced.count > 32
    for (path, size) in unsynced where !many || size >= 8 << 20 { try FileSystem.sync(path) }
    if many { try FileSystem.syncFileSystem(of: store.path) }
    try FileSystem.sync(store.blobsFolder)
  }

  /// Writes a file whose rename publishes what was synced before.
  func publish(_ bytes: [UInt8], at target: FilePath) throws(StoreError) {
    let path = temporaryPath()
    let durable = store.options.durability == .full
    try FileSystem.create(path, bytes, synced: durable)
    store.options.failpoint(.entryWritten)
    try FileSystem.rename(path, to: target)
    store.options.failpoint(.entryMoved)
    if durable { try FileSystem.sync(target.removingLastComponent()) }
  }

  private func temporaryPath() -> FilePath {
    temporaryCount += 1
    return folder.path.appending(".blob-\(temporaryCount)")
  }

  private func copy(_ file: ArtifactFolder.File) throws(StoreError) -> ArtifactFolder.File {
    let target = temporaryPath()
    try FileSystem.copy(file.path, to: target, mode: 0o644)
    try FileSystem.call("protect", target) { Glibc.chmod($0, 0o444) }
    return ArtifactFolder.File(title: file.title, path: target)
  }

  /// Renames a hashed file into place, or removes it where its bytes are there already.
  func adopt(_ path: FilePath, _ content: FileHasher.Content) throws(StoreError) {
    if try isPresent(content) { return try FileSystem.remove(path) }
    try move(path, content)
  }

  private func move(_ path: FilePath, _ content: FileHasher.Content) throws(StoreError) {
    let target = store.blobPath(content.digest)
    try FileSystem.rename(path, to: target)
    if let status = try FileSystem.status(target) {
      store.memory.withLock { $0.verified[content.digest] = status }
    }
    known.insert(content.digest)
    unsynced.append((target, content.size))
    store.options.failpoint(.blobMoved)
  }

  /// Whether the store has the bytes; a blob that only pretends to is moved away.
  private func isPresent(_ content: FileHasher.Content) throws(StoreError) -> Bool {
    if known.contains(content.digest) { return true }
    var hasher = FileHasher()
    switch store.inspect(content.digest, size: content.size, with: &hasher) {
    case .intact(let status):
      // Another process may have moved it here a moment ago and not have synced it yet.
      if wallClock() - status.changed < Publication.unsyncedInterval {
        unsynced.append((store.blobPath(content.digest), content.size))
      }
      try store.renew(content.digest, status)
      known.insert(content.digest)
      return true
    case .absent: return false
    case .damaged(let blob):
      _ = store.quarantine(blob)
      return false
    case .failed(let error): throw error
    }
  }
}

extension Store {
  /// Begins to publish; temporary files lie in the work folder.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func beginPublication(in folder: WorkFolder) throws(StoreError) -> Publication {
    try Publication(store: self, folder: folder)
  }
}

import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
public import SystemPackage

/// A content-addressed store: a valid OCI image layout with an action cache beside it.
///
/// ```
/// oci-layout  index.json      named things only
/// blobs/sha256/<hex>          immutable, read-only: data, manifests, key documents, results
/// actions/<hex>               action key → digest of its result, one line
/// refs/  runs/                named results; what each run did
/// leases/  work/  quarantine/
/// ```
///
/// Any number of threads, processes and hosts use one store at a time. Readers lock nothing: blobs never change and
/// everything else is replaced by rename.
public final class Store: Sendable {
  /// Whether what is published outlasts a power cut.
  public enum Durability: Sendable {
    /// An action entry is written only when all that it leads to is on the disk.
    case full
    /// Nothing is synced; a power cut may lose results, which then are misses.
    case none
  }

  /// How a store is used.
  public struct Options: Sendable {
    /// Whether what is published outlasts a power cut.
    public var durability = Durability.full
    /// The number of threads that hash.
    public var threads = 1
    /// Whether damaged blobs are moved to quarantine; a store of others is only read.
    public var movesDamaged = true
    /// What a test does at the moments of publishing.
    package var failpoint: @Sendable (Failpoint) -> Void = { _ in }
    /// What a test does between seeing a dead lease and taking it over.
    package var deadLeaseSeen: @Sendable () -> Void = {}

    /// Durable, on one thread.
    public init() {}
  }

  /// The store's folder, absolute.
  public let path: FilePath
  let options: Options
  let heartbeat = Heartbeat()
  /// What this process has read and verified already.
  let memory = Mutex(Memory())
  let spares = Mutex(Spares())

  struct Memory {
    /// Blobs whose bytes were hashed, and how they looked then.
    var verified: [Digest: FileStatus] = [:]
    /// Manifests by digest; a digest never means another manifest.
    var manifests: [Digest: Manifest] = [:]
    /// When leases were first seen whose touch lies in the future, by the steady clock.
    var futureTouches: [FutureTouch: Int64] = [:]
  }

  private init(path: FilePath, options: Options) {
    self.path = path
    self.options = options
  }

  /// The version of the store's layout; the member `apprentice` of `oci-layout` would tell a later one.
  static let version = 1

  /// Opens a store.
  ///
  /// - Parameters:
  ///   - path: The store's folder.
  ///   - creating: Whether to make one where there is none; reading needs no permission to write.
  ///   - options: How it is used.
  /// - Returns: The store.
  /// - Throws: `StoreError.notAStore`, `.noFolder`, `.unknownFormat`, or a failure of the system.
  public static func open(
    _ path: FilePath, creating: Bool, options: Options = Options()
  ) throws(StoreError) -> Store {
    let store = Store(path: path.absolute, options: options)
    if let bytes = try FileSystem.read(store.layoutFile) {
      try store.checkLayout(bytes)
      store.makeLostFolders()
      return store
    }
    if let obstacle = try obstacle(at: store.path) { throw .noFolder(obstacle) }
    guard creating else { throw .notAStore(store.path) }
    if let index = try FileSystem.read(store.indexFile), (try? ImageIndex(json: JSONValue(parsing: index))) == nil {
      throw .unknownFormat(store.path, found: "an index.json that is no OCI image index")
    }
    try store.create()
    return store
  }

  /// Opens a store to look into it: where there is none, one that holds nothing, and nothing is made.
  ///
  /// - Parameters:
  ///   - path: The store's folder.
  ///   - options: How it is used.
  /// - Returns: The store.
  /// - Throws: `StoreError.unknownFormat`, or a failure of the system.
  public static func openToLook(_ path: FilePath, options: Options = Options()) throws(StoreError) -> Store {
    do throws(StoreError) { return try open(path, creating: false, options: options) } catch .notAStore {
      return Store(path: path.absolute, options: options)
    }
  }

  /// What stands in the place of a store, or of a folder above it, and is no folder; nil where nothing is in the way.
  ///
  /// - Throws: `StoreError` where the system refuses to look.
  package static func obstacle(at path: FilePath) throws(StoreError) -> FilePath? {
    var place = path.absolute
    while true {
      if let status = try FileSystem.status(place, followingLinks: true) {
        return status.kind == .folder ? nil : place
      }
      guard place.removeLastComponent() else { return nil }
    }
  }

  private func checkLayout(_ bytes: [UInt8]) throws(StoreError) {
    guard let json = try? JSONValue(parsing: bytes), let layout = json["imageLayoutVersion"]?.string else {
      throw .malformed(place: layoutFile.string, reason: "expected {\"imageLayoutVersion\":\"1.0.0\"}")
    }
    guard layout == "1.0.0" else { throw .unknownFormat(path, found: layout) }
    if let version = json["apprentice"], version.integer != Store.version {
      throw .unknownFormat(path, found: version.text)
    }
  }

  private var folders: [FilePath] {
    [blobsFolder, actionsFolder, refsFolder, runsFolder, leasesFolder, workFolder, quarantineFolder]
  }

  /// Makes folders anew that are gone: without blobs and leases nothing can be made again.
  private func makeLostFolders() {
    for folder in folders where folder.withPlatformString({ access($0, F_OK) }) != 0 {
      // A store that may only be read is read without them.
      try? FileSystem.makeFolders(folder)
    }
  }

  /// Opens a store whose `oci-layout` is damaged, which is set aside and written anew; any other as `open` does.
  ///
  /// - Parameters:
  ///   - path: The store's folder.
  ///   - options: How it is used.
  /// - Returns: The store, and whether it was mended.
  /// - Throws: As `open`.
  public static func repair(
    _ path: FilePath, options: Options = Options()
  ) throws(StoreError) -> (store: Store, wasMended: Bool) {
    let damage: StoreError
    do throws(StoreError) { return (try open(path, creating: false, options: options), false) } catch {
      damage = error
    }
    let store = Store(path: path.absolute, options: options)
    switch damage {
    case .malformed, .notAStore, .system: break
    default: throw damage
    }
    // Blobs and actions side by side are what makes a store.
    guard let layout = try FileSystem.status(store.layoutFile), try FileSystem.status(store.actionsFolder) != nil,
      try FileSystem.status(store.blobsFolder) != nil, options.movesDamaged
    else { throw damage }
    if layout.kind == .file, let bytes = try? FileSystem.read(store.layoutFile),
      let json = try? JSONValue(parsing: bytes), json["imageLayoutVersion"] != nil
    {
      throw damage
    }
    try FileSystem.makeFolders(store.quarantineFolder)
    try FileSystem.rename(store.layoutFile, to: store.quarantineFolder.appending("oci-layout." + nonce()))
    try store.create()
    return (store, true)
  }

  /// Makes the folders, and `oci-layout` last: what has it is whole.
  private func create() throws(StoreError) {
    for folder in folders { try FileSystem.makeFolders(folder) }
    shareFolders()
    try writeEmptyConfig()
    if try FileSystem.status(indexFile) == nil { try FileSystem.replace(indexFile, ImageIndex().canonical) }
    try FileSystem.replace(layoutFile, JSONValue.object(["imageLayoutVersion": "1.0.0"]).canonical)
  }

  /// A store in a folder that a group may write to is the group's, whatever this process's umask is.
  private func shareFolders() {
    var status = stat()
    guard stat(path.string, &status) == 0, status.st_mode & (S_IWGRP | S_IWOTH) != 0 else { return }
    let folders = [
      blobsFolder.removingLastComponent(), blobsFolder, actionsFolder, refsFolder, runsFolder, leasesFolder, workFolder,
      quarantineFolder,
    ]
    for folder in folders { _ = folder.withPlatformString { chmod($0, status.st_mode & 0o7777) } }
  }

  /// Writes the blob `{}` that every manifest refers to.
  func writeEmptyConfig() throws(StoreError) {
    _ = try keep(Descriptor.emptyContent)
  }
}

// MARK: Places

extension Store {
  /// Whether a path is the store's folder or lies below it, through whatever links it leads.
  public func holds(_ place: FilePath) -> Bool {
    guard let own = FileSystem.real(path) else { return false }
    var place = place.absolute.lexicallyNormalized()
    while true {
      if let real = FileSystem.real(place) { return real.starts(with: own) }
      guard place.removeLastComponent() else { return false }
    }
  }

  var layoutFile: FilePath { path.appending("oci-layout") }
  var indexFile: FilePath { path.appending("index.json") }
  var blobsFolder: FilePath { path.appending("blobs/sha256") }
  var actionsFolder: FilePath { path.appending("actions") }
  var refsFolder: FilePath { path.appending("refs") }
  var runsFolder: FilePath { path.appending("runs") }
  var leasesFolder: FilePath { path.appending("leases") }
  var workFolder: FilePath { path.appending("work") }
  var checkpointsFolder: FilePath { path.appending("work/checkpoints") }
  var downloadsFolder: FilePath { path.appending("work/downloads") }
  var quarantineFolder: FilePath { path.appending("quarantine") }

  /// Where the bytes of a digest are, if the store has them.
  public func blobPath(_ digest: Digest) -> FilePath { blobsFolder.appending(digest.hexadecimal) }

  func actionPath(_ key: ActionKey) -> FilePath { actionsFolder.appending(key.digest.hexadecimal) }
}

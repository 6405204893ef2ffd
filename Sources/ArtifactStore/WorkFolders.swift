import CanonicalJSON
public import ContentAddressing
public import SystemPackage

/// A private folder in which an action writes; it is on the same file system as the blobs.
public struct WorkFolder: Sendable {
  /// The folder.
  public let path: FilePath

  /// The folder of an output port; what it holds becomes the artifact.
  public func output(_ port: String) -> FilePath { path.appending("out").appending(port) }

  /// The folder of an input port, for links to its files.
  public func input(_ port: String) -> FilePath { path.appending("in").appending(port) }

  /// A folder for whatever the action needs on the way.
  public var scratch: FilePath { path.appending("scratch") }

  /// Removes the folder with all that was not published.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func remove() throws(StoreError) { try FileSystem.removeTree(path) }
}

extension Store {
  /// Makes a new folder for an attempt at an action, with `out` and `scratch` in it.
  ///
  /// Its name carries a nonce: two attempts never meet, whatever became of their leases.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func makeWorkFolder(for key: ActionKey) throws(StoreError) -> WorkFolder {
    let name = key.digest.hexadecimal.prefix(16) + "." + nonce()
    let folder = WorkFolder(path: workFolder.appending(String(name)))
    try FileSystem.makeFolders(folder.path)
    try FileSystem.create(
      folder.path.appending("owner"), JSONValue.object(ProcessIdentity.current.json).canonical)
    try FileSystem.makeFolders(folder.path.appending("out"))
    try FileSystem.makeFolders(folder.scratch)
    return folder
  }

  /// Removes what processes that are gone have left: work folders, leases, temporary files.
  ///
  /// - Returns: How many work folders were removed.
  /// - Throws: `StoreError` where the system refuses.
  @discardableResult
  public func sweepWorkFolders() throws(StoreError) -> Int {
    var count = 0
    try sweepLeases()
    for folder in [path, leasesFolder, refsFolder, workFolder, latestFolder] { try sweepTemporaries(folder) }
    for name in try FileSystem.list(workFolder) {
      let path = workFolder.appending(name)
      guard path != checkpointsFolder, path != downloadsFolder, let status = try FileSystem.status(path) else {
        continue
      }
      if status.kind == .folder, try ownerIsGone(path, age: wallClock() - status.modified) {
        try FileSystem.removeTree(path)
        count += 1
      }
    }
    for name in try FileSystem.list(downloadsFolder) {
      let path = downloadsFolder.appending(name)
      guard let status = try FileSystem.status(path) else { continue }
      if wallClock() - status.modified > 24 * 3_600_000_000_000 { try FileSystem.remove(path) }
    }
    return count
  }

  /// Removes files that somebody was about to rename an hour ago.
  private func sweepTemporaries(_ folder: FilePath) throws(StoreError) {
    for name in try FileSystem.list(folder) where name.hasPrefix(".new-") || name.hasPrefix(".dead-") {
      let path = folder.appending(name)
      guard let status = try FileSystem.status(path), status.kind == .file else { continue }
      if wallClock() - status.modified > 3_600_000_000_000 { try FileSystem.remove(path) }
    }
  }

  /// Whether nobody writes in a work folder any more; another host's process is given a week.
  private func ownerIsGone(_ folder: FilePath, age: Int64) throws(StoreError) -> Bool {
    let hour: Int64 = 3_600_000_000_000
    guard let bytes = try FileSystem.read(folder.appending("owner")),
      let owner = (try? JSONValue(parsing: bytes)).flatMap(ProcessIdentity.init(json:))
    else { return age > hour }
    return owner.isAlive.map { !$0 } ?? (age > 7 * 24 * hour)
  }
}

extension Store {
  /// Removes a folder of the caller's own, with a whole store in it.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public static func removeTemporaryFolder(_ path: FilePath) throws(StoreError) { try FileSystem.removeTree(path) }
}

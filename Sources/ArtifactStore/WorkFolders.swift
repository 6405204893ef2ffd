import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
public import SystemPackage

/// A private folder in which an action writes; it is on the same file system as the blobs.
public struct WorkFolder: Sendable {
  /// The folder.
  public let path: FilePath

  /// The folder of an output port; what it holds becomes the artifact.
  public func output(_ port: String) -> FilePath { path.appending("out").appending(port) }

  /// The folder of an input port, for links to its files.
  public func input(_ port: String) -> FilePath { path.appending("in").appending(port) }

  /// The folder with the copies of a user's code.
  public var code: FilePath { path.appending("code") }

  /// The file of the request.
  public var request: FilePath { path.appending("action.json") }

  /// Removes the copies of code that an earlier attempt has left, but those that are to be written anew.
  ///
  /// - Parameter names: Their paths below `code`.
  /// - Throws: `StoreError` where the system refuses.
  public func removeCode(but names: Set<String>) throws(StoreError) {
    try OpenFolder.open(code)?.removeFiles(but: names, prefix: "")
  }

  /// Removes the folder with all that was not published.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func remove() throws(StoreError) { try FileSystem.removeTree(path) }
}

extension Store {
  /// Makes a folder for an attempt at an action, with `out` in it.
  ///
  /// Its name carries a nonce: two attempts never meet, whatever became of their leases. A folder that was put by is
  /// taken first: it has no files but `action.json` and copies of code, which are to be written anew.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func makeWorkFolder(for key: ActionKey) throws(StoreError) -> WorkFolder {
    let name = key.digest.hexadecimal.prefix(16) + "." + nonce()
    let folder = WorkFolder(path: workFolder.appending(String(name)))
    if let spare = spares.withLock({ $0.workFolders.popLast() }) {
      do throws(StoreError) {
        try FileSystem.rename(spare.path, to: folder.path)
        return folder
      } catch .system(_, _, let code) where code == ENOENT {
        // Somebody has swept it away.
      }
    }
    // It appears with its owner in it, so that whatever is left of it can be told from what is in use.
    let fresh = workFolder.appending(".new-" + nonce())
    try FileSystem.makeFolders(fresh.appending("out"))
    try FileSystem.create(fresh.appending("owner"), JSONValue.object(ProcessIdentity.current.json).canonical)
    try FileSystem.rename(fresh, to: folder.path)
    return folder
  }

  /// Puts a folder by for another attempt of this process, once its action is done: what the action left in it is
  /// removed, its folders and the files that every attempt has stay.
  ///
  /// Making and removing a dozen files and folders an action costs some file systems more and more, since they pass over
  /// what was removed a short while ago.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func putBy(_ folder: WorkFolder) throws(StoreError) {
    guard let root = try OpenFolder.open(folder.path) else { return }
    for name in try root.names() {
      let isFolder = try root.status(name)?.kind == .folder
      switch name {
      case "owner" where !isFolder, "action.json" where !isFolder, "command.json" where !isFolder:
        try root.keepOnlyPlainFile(name)
      case "code" where isFolder: try root.folder(name)?.keepPlainFiles()
      case "in" where isFolder, "out" where isFolder:
        guard let ports = try root.folder(name) else { continue }
        for port in try ports.names() {
          if try ports.status(port)?.kind == .folder {
            for entry in try ports.folder(port)?.names() ?? [] {
              try FileSystem.removeTree(ports.path.appending(port).appending(entry))
            }
          } else {
            try ports.remove(port)
          }
        }
      default: try FileSystem.removeTree(folder.path.appending(name))
      }
    }
    spares.withLock { $0.workFolders.append(folder) }
  }

  /// Removes what was put by: this process runs no more actions.
  public func dropSpares() {
    let spares = spares.withLock { spares in
      defer { spares = Spares() }
      return spares
    }
    for folder in spares.workFolders { try? folder.remove() }
    for folder in spares.checkpointFolders { try? FileSystem.removeTree(folder) }
    for lease in spares.leases {
      try? FileSystem.remove(lease.path)
      close(lease.descriptor)
    }
  }

  /// Removes what processes that are gone have left: work folders, leases, temporary files.
  ///
  /// - Returns: How many work folders were removed.
  /// - Throws: `StoreError` where the system refuses.
  @discardableResult
  public func sweepWorkFolders() throws(StoreError) -> Int {
    var count = 0
    try sweepLeases()
    for folder in [
      path, leasesFolder, refsFolder, workFolder, checkpointsFolder, latestFolder, originsFolder, runsFolder,
    ] {
      try sweepTemporaries(folder)
    }
    for name in try FileSystem.list(workFolder) {
      let path = workFolder.appending(name)
      guard path != checkpointsFolder, path != downloadsFolder, !name.hasPrefix("."),
        let status = try FileSystem.status(path)
      else {
        continue
      }
      // One that can't be removed bars none of the rest.
      if status.kind == .folder, try ownerIsGone(path, age: wallClock() - status.modified),
        (try? FileSystem.removeTree(path)) != nil
      {
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
    let prefixes = [".new-", ".dead-", ".spare-"]
    for name in try FileSystem.list(folder) where prefixes.contains(where: name.hasPrefix) {
      let path = folder.appending(name)
      // The store itself makes no folders of such names beside its own.
      guard let status = try FileSystem.status(path), status.kind != .folder || folder != self.path else { continue }
      if wallClock() - status.modified > 3_600_000_000_000 { try FileSystem.removeTree(path) }
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

/// What this process has put by, so that it need not be made again.
struct Spares {
  /// Folders of actions that are done, emptied.
  var workFolders: [WorkFolder] = []
  /// Empty folders for checkpoints.
  var checkpointFolders: [FilePath] = []
  /// Files of leases that were released, open.
  var leases: [(path: FilePath, descriptor: CInt)] = []
}

extension OpenFolder {
  /// Removes an entry unless it is a regular file that has no other name.
  fileprivate func keepOnlyPlainFile(_ name: String) throws(StoreError) {
    guard let status = try status(name), status.kind != .file || status.links != 1 else { return }
    try FileSystem.removeTree(path.appending(name))
  }

  /// Removes all files but some, and the folders that are empty then.
  fileprivate func removeFiles(but names: Set<String>, prefix: String) throws(StoreError) {
    for name in try self.names() {
      if try status(name)?.kind == .folder {
        try folder(name)?.removeFiles(but: names, prefix: prefix + name + "/")
        _ = try removeFolder(name)
      } else if !names.contains(prefix + name) {
        try remove(name)
      }
    }
  }

  /// Removes all that is no regular file with one name.
  fileprivate func keepPlainFiles() throws(StoreError) {
    for name in try names() {
      if try status(name)?.kind == .folder {
        try folder(name)?.keepPlainFiles()
      } else {
        try keepOnlyPlainFile(name)
      }
    }
  }
}

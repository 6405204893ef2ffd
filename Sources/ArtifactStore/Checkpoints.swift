import Glibc
import Synchronization
public import ContentAddressing
public import SystemPackage

extension Store {
  /// The folder of an action's checkpoints, which outlives attempts: whoever takes the action over resumes from it.
  ///
  /// Whoever writes checkpoints makes them under another name in this folder and publishes them by rename.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func checkpointFolder(for key: ActionKey) throws(StoreError) -> FilePath {
    let folder = checkpointsFolder.appending(key.digest.hexadecimal)
    if try FileSystem.status(folder) == nil, let spare = spares.withLock({ $0.checkpointFolders.popLast() }) {
      // An empty folder that others have made meanwhile is replaced, any other is left.
      do throws(StoreError) { try FileSystem.rename(spare, to: folder) } catch {
        try? FileSystem.removeTree(spare)
      }
    }
    try FileSystem.makeFolders(folder)
    return folder
  }

  /// The names of an action's published checkpoints, in the order of their bytes.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func checkpoints(of key: ActionKey) throws(StoreError) -> [String] {
    try FileSystem.list(checkpointsFolder.appending(key.digest.hexadecimal)).filter { !$0.hasPrefix(".") }
  }

  /// Removes an action's checkpoints, once its result is recorded.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func removeCheckpoints(of key: ActionKey) throws(StoreError) {
    let folder = checkpointsFolder.appending(key.digest.hexadecimal)
    let spare = checkpointsFolder.appending(".spare-" + nonce())
    do throws(StoreError) { try FileSystem.rename(folder, to: spare) } catch .system(_, _, let code)
      where code == ENOENT
    { return }
    if try FileSystem.list(spare).isEmpty {
      spares.withLock { $0.checkpointFolders.append(spare) }
    } else {
      try FileSystem.removeTree(spare)
    }
  }
}

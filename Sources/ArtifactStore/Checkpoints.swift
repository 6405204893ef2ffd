public import ContentAddressing
public import SystemPackage

extension Store {
  /// The folder of an action's checkpoints, which outlives attempts: whoever takes the action over resumes from it.
  ///
  /// Checkpoints are made under another name in this folder, starting with a full stop, and published by rename.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func checkpointFolder(for key: ActionKey) throws(StoreError) -> FilePath {
    let folder = checkpointsFolder.appending(key.digest.hexadecimal)
    try FileSystem.makeFolders(folder)
    return folder
  }

  /// The names of an action's published checkpoints, in the order of their bytes.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func checkpoints(of key: ActionKey) throws(StoreError) -> [String] {
    try FileSystem.list(checkpointsFolder.appending(key.digest.hexadecimal)).filter { !$0.hasPrefix(".") }
  }

  /// Publishes a file or folder as a checkpoint of an action: what is seen under the name is whole.
  ///
  /// The file, or every file of the folder, is synced first. A checkpoint of that name is replaced.
  ///
  /// - Parameters:
  ///   - path: The file or folder, on the store's file system.
  ///   - name: The checkpoint's name, not starting with a full stop.
  ///   - key: The action.
  /// - Throws: `StoreError.invalidName`, or a failure of the system.
  public func publishCheckpoint(_ path: FilePath, as name: String, of key: ActionKey) throws(StoreError) {
    guard FileTitle.isValid(name), !name.hasPrefix("."), !name.utf8.contains(UInt8(ascii: "/")) else {
      throw .invalidName(name, rule: "a file name that does not start with a full stop")
    }
    let folder = try checkpointFolder(for: key)
    let target = folder.appending(name)
    if options.durability == .full { try syncTree(path) }
    if try FileSystem.status(target)?.kind == .folder {
      let aside = folder.appending(".old-" + nonce())
      try FileSystem.rename(target, to: aside)
      try FileSystem.rename(path, to: target)
      try FileSystem.removeTree(aside)
    } else {
      try FileSystem.rename(path, to: target)
    }
    if options.durability == .full { try FileSystem.sync(folder) }
  }

  /// Removes an action's checkpoints, once its result is recorded.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func removeCheckpoints(of key: ActionKey) throws(StoreError) {
    try FileSystem.removeTree(checkpointsFolder.appending(key.digest.hexadecimal))
  }

  private func syncTree(_ path: FilePath) throws(StoreError) {
    if try FileSystem.status(path)?.kind == .folder {
      for name in try FileSystem.list(path) { try syncTree(path.appending(name)) }
    }
    try FileSystem.sync(path)
  }
}

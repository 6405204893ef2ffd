import CPlatform
package import ContentAddressing
import Glibc
import SystemPackage

/// What it takes to make files in one folder and to move them, whole, to another.
extension OpenFolder {
  /// Opens a folder in this one, which is made where there is nothing.
  ///
  /// - Returns: The folder, and whether it was made.
  /// - Throws: `StoreError.inTheWay` where something else stands there.
  package func folderOrNew(_ name: String) throws(StoreError) -> (folder: OpenFolder, isNew: Bool) {
    let isNew = try make(name)
    guard let folder = try folder(name) else { throw StoreError("open", path.appending(name), ENOENT) }
    return (folder, isNew)
  }

  /// Takes the lock of the folder itself, which goes with this object or the process; false where another has it.
  package func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Lets only its owner look into it.
  package func makePrivate() throws(StoreError) {
    if fchmod(descriptor, 0o700) != 0 { throw StoreError("protect", path, errno) }
  }

  /// Renames an entry into another folder, to a name that nothing has; false where something stands there.
  package func place(_ name: String, in target: OpenFolder, as new: String) throws(StoreError) -> Bool {
    if platform_rename_new(descriptor, name, target.descriptor, new) == 0 { return true }
    if errno == EEXIST || errno == ENOTEMPTY { return false }
    if errno == EINVAL || errno == ENOSYS, try target.status(new) == nil {
      // A file system without that call: a folder never replaces one that holds something.
      if renameat(descriptor, name, target.descriptor, new) == 0 { return true }
    }
    throw StoreError("rename to", target.path.appending(new), errno)
  }

  /// Renames a file into another folder, where it replaces a file.
  package func replace(_ name: String, in target: OpenFolder, as new: String) throws(StoreError) {
    if renameat(descriptor, name, target.descriptor, new) != 0 {
      throw StoreError("replace", target.path.appending(new), errno)
    }
  }

  /// Gives a file a second name in another folder; where the file system has none, it is renamed.
  package func keep(_ name: String, in target: OpenFolder, as new: String) throws(StoreError) {
    if linkat(descriptor, name, target.descriptor, new, 0) == 0 { return }
    if renameat(descriptor, name, target.descriptor, new) != 0 {
      throw StoreError("put by", path.appending(name), errno)
    }
  }

  /// The digest and size of a regular file; nil where there is none, or it can't be read.
  package func content(_ name: String) -> FileHasher.Content? {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard (try? FileSystem.status(of: file, path))?.kind == .file else { return nil }
    var hasher = FileHasher()
    return try? hasher.content(of: FileDescriptor(rawValue: file))
  }
}

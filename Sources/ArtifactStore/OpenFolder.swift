import CPlatform
import Glibc
package import SystemPackage

/// An open folder: what is done in it goes by its descriptor and by plain names, so that no link that stands in a
/// parent's place leads elsewhere.
package final class OpenFolder: Sendable {
  /// Where it was opened, for messages.
  package let path: FilePath
  let descriptor: CInt

  private init(path: FilePath, descriptor: CInt) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW

  /// Opens a folder; links above it are followed, a link in its own place only where that is asked for.
  ///
  /// - Throws: `StoreError.inTheWay` where something else stands there.
  package static func open(_ path: FilePath, followingLinks: Bool = false) throws(StoreError) -> OpenFolder? {
    let flags = followingLinks ? flags & ~O_NOFOLLOW : flags
    let (descriptor, code) = path.withPlatformString { (Glibc.open($0, flags), errno) }
    if descriptor >= 0 { return OpenFolder(path: path, descriptor: descriptor) }
    if code == ENOENT { return nil }
    throw refusal(path, code)
  }

  /// Opens a folder in this one; nil where there is nothing.
  ///
  /// - Throws: `StoreError.inTheWay` where something else stands there.
  package func folder(_ name: String) throws(StoreError) -> OpenFolder? {
    let (opened, code) = (openat(descriptor, name, OpenFolder.flags), errno)
    if opened >= 0 { return OpenFolder(path: path.appending(name), descriptor: opened) }
    if code == ENOENT { return nil }
    throw OpenFolder.refusal(path.appending(name), code)
  }

  /// Opens a folder in this one; nil where there is nothing, or something else.
  func folderIfAny(_ name: String) throws(StoreError) -> OpenFolder? {
    do throws(StoreError) { return try folder(name) } catch .inTheWay { return nil }
  }

  /// Whether it still has a name.
  package var isLinked: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  private static func refusal(_ path: FilePath, _ code: CInt) -> StoreError {
    switch code {
    case ELOOP: .inTheWay(path, what: "a link")
    case ENOTDIR:
      .inTheWay(path, what: ((try? FileSystem.status(path)) ?? nil)?.kind == .link ? "a link" : "a file")
    default: StoreError("open", path, code)
    }
  }

  /// Makes a new folder in this one; false where something stands there.
  package func make(_ name: String) throws(StoreError) -> Bool {
    if mkdirat(descriptor, name, 0o777) == 0 { return true }
    if errno == EEXIST { return false }
    throw StoreError("make the folder", path.appending(name), errno)
  }

  /// The status of an entry, links not followed; nil where there is nothing.
  package func status(_ name: String) throws(StoreError) -> FileStatus? {
    var status = stat()
    if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return FileStatus(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw StoreError("look at", path.appending(name), errno)
  }

  /// The names in it, in the order of their bytes; one that is not UTF-8 stands with replacements.
  package func names() throws(StoreError) -> [String] {
    try unsortedNames().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The names in it as the file system gives them.
  func unsortedNames() throws(StoreError) -> [String] {
    // Opened anew: a copy of the descriptor would share its place with every other thread that lists.
    let list = openat(descriptor, ".", OpenFolder.flags)
    guard list >= 0 else { throw StoreError("list", path, errno) }
    guard let stream = fdopendir(list) else {
      let code = errno
      close(list)
      throw StoreError("list", path, code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw StoreError("list", path, errno) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// The text of a symbolic link; nil where there is none.
  func linkText(_ name: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      let count = readlinkat(descriptor, name, buffer.baseAddress!, buffer.count)
      guard count > 0, count < buffer.count else { return nil }
      return String(validating: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<count])), as: UTF8.self)
    }
  }

  /// Makes a symbolic link; false where something stands there.
  func link(_ name: String, to text: String) throws(StoreError) -> Bool {
    if symlinkat(text, descriptor, name) == 0 { return true }
    if errno == EEXIST { return false }
    throw StoreError("link", path.appending(name), errno)
  }

  /// The content of a small regular file; nil where there is none.
  func read(_ name: String, limit: Int) throws(StoreError) -> [UInt8]? {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      if [ENOENT, ENOTDIR, ELOOP].contains(errno) { return nil }
      throw StoreError("read", path.appending(name), errno)
    }
    defer { close(file) }
    guard try FileSystem.status(of: file, path.appending(name)).kind == .file else { return nil }
    return try FileSystem.read(file, path.appending(name), limit: limit)
  }

  /// Makes a new file and gives it to be written; nil where something stands there.
  func create<Value>(
    _ name: String, mode: mode_t = 0o644, _ body: (CInt) throws(StoreError) -> Value
  ) throws(StoreError) -> Value? {
    let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard file >= 0 else {
      if errno == EEXIST { return nil }
      throw StoreError("write", path.appending(name), errno)
    }
    defer { close(file) }
    return try body(file)
  }

  /// Makes a new file, or replaces one of that name by rename.
  func write(_ name: String, _ bytes: [UInt8]) throws(StoreError) {
    let fresh = ".new-" + nonce()
    _ = try create(fresh) { (file) throws(StoreError) in
      try FileSystem.writeAll(bytes, to: file, path.appending(fresh))
    }
    if renameat(descriptor, fresh, descriptor, name) != 0 {
      let code = errno
      _ = unlinkat(descriptor, fresh, 0)
      throw StoreError("write", path.appending(name), code)
    }
  }

  /// Removes a file or link, if it is there.
  package func remove(_ name: String) throws(StoreError) {
    if unlinkat(descriptor, name, 0) != 0, errno != ENOENT { throw StoreError("remove", path.appending(name), errno) }
  }

  /// Removes a folder; false where it is not empty.
  package func removeFolder(_ name: String) throws(StoreError) -> Bool {
    if unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
    if errno == ENOTEMPTY || errno == EEXIST { return false }
    throw StoreError("remove", path.appending(name), errno)
  }

  /// Renames an entry to a name that nothing has; false where something stands there.
  func rename(_ name: String, to target: String) throws(StoreError) -> Bool {
    if platform_rename_new(descriptor, name, descriptor, target) == 0 { return true }
    if errno == EEXIST { return false }
    if errno == EINVAL || errno == ENOSYS, try status(target) == nil {
      // A file system without that call: a folder never replaces one that holds something.
      if renameat(descriptor, name, descriptor, target) == 0 { return true }
    }
    throw StoreError("rename to", path.appending(target), errno)
  }

  /// Moves an entry to another folder; false where something stands there.
  func move(_ name: String, to target: OpenFolder) throws(StoreError) -> Bool {
    if platform_rename_new(descriptor, name, target.descriptor, name) == 0 { return true }
    if errno == EEXIST { return false }
    if errno == EINVAL || errno == ENOSYS, try target.status(name) == nil,
      renameat(descriptor, name, target.descriptor, name) == 0
    {
      return true
    }
    throw StoreError("rename to", target.path.appending(name), errno)
  }

  /// Exchanges two entries; false where the file system can't.
  func exchange(_ one: String, _ other: String) throws(StoreError) -> Bool {
    if platform_exchange_in(descriptor, one, other) == 0 { return true }
    if [EINVAL, ENOSYS, ENOENT].contains(errno) { return false }
    throw StoreError("replace", path.appending(other), errno)
  }
}

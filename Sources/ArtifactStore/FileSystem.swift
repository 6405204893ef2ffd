import CPlatform
import Glibc
public import SystemPackage

/// System calls with errors that name operation and place; interrupted calls are made again.
public enum FileSystem {
  /// Makes a call that returns -1 on failure.
  @discardableResult
  static func call(
    _ operation: String, _ path: FilePath, _ body: (UnsafePointer<CChar>) -> CInt
  ) throws(StoreError) -> CInt {
    while true {
      let (result, code) = path.withPlatformString { (body($0), errno) }
      if result != -1 { return result }
      if code != EINTR { throw StoreError(operation, path, code) }
    }
  }

  /// The status of a path, links not followed; nil where there is nothing.
  package static func status(_ path: FilePath, followingLinks: Bool = false) throws(StoreError) -> FileStatus? {
    var status = stat()
    let (result, code) = path.withPlatformString { name in
      (followingLinks ? stat(name, &status) : lstat(name, &status), errno)
    }
    if result == 0 { return FileStatus(status) }
    if code == ENOENT || code == ENOTDIR { return nil }
    throw StoreError("look at", path, code)
  }

  /// The status of an open file.
  static func status(of descriptor: CInt, _ path: FilePath) throws(StoreError) -> FileStatus {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw StoreError("look at", path, errno) }
    return FileStatus(status)
  }

  /// Opens a file for reading; nil where there is none.
  static func openForReading(_ path: FilePath, flags: CInt = 0) throws(StoreError) -> CInt? {
    do throws(StoreError) {
      return try call("read", path) { open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags) }
    } catch .system(_, _, let code) where code == ENOENT || code == ENOTDIR {
      return nil
    }
  }

  /// The content of a small file; nil where there is none.
  ///
  /// - Throws: `StoreError` where it can't be read or is larger.
  public static func read(_ path: FilePath, limit: Int = 64 << 20) throws(StoreError) -> [UInt8]? {
    guard let descriptor = try openForReading(path) else { return nil }
    defer { close(descriptor) }
    return try read(descriptor, path, limit: limit)
  }

  /// The content of a small open file.
  static func read(_ descriptor: CInt, _ path: FilePath, limit: Int) throws(StoreError) -> [UInt8] {
    var bytes: [UInt8] = []
    var capacity = 4096
    while true {
      var code: CInt = 0
      let start = bytes.count
      // One read serves most files; the end shows in a short count.
      let part = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        var result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        while result < 0 && errno == EINTR { result = Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        code = result < 0 ? errno : 0
        count = max(result, 0)
      }
      if code != 0 { throw StoreError("read", path, code) }
      if start == 0 { bytes = part } else { bytes += part }
      if bytes.count > limit { throw StoreError("read", path, EFBIG) }
      if part.isEmpty || (start == 0 && part.count < capacity) { return bytes }
      capacity = min(capacity * 4, 4 << 20)
    }
  }

  /// The first line of a file without its end, or as much of it as the limit allows; nil where there is no file.
  static func firstLine(of path: FilePath, limit: Int) throws(StoreError) -> [UInt8]? {
    guard let descriptor = try openForReading(path) else { return nil }
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: limit)
    let count = try retrying("read", path) { Glibc.read(descriptor, &head, limit) }
    return Array(head.prefix(count).prefix { $0 != 0x0A })
  }

  /// The last byte of a file; nil where there is none.
  static func lastByte(of path: FilePath) throws(StoreError) -> UInt8? {
    guard let descriptor = try openForReading(path) else { return nil }
    defer { close(descriptor) }
    let size = try status(of: descriptor, path).size
    guard size > 0 else { return nil }
    var byte: UInt8 = 0
    let count = try retrying("read", path) { pread(descriptor, &byte, 1, off_t(size - 1)) }
    return count == 1 ? byte : nil
  }

  /// A call that is made again where a signal came in between.
  private static func retrying(
    _ action: String, _ path: FilePath, _ body: () -> Int
  ) throws(StoreError) -> Int {
    while true {
      let result = body()
      if result >= 0 { return result }
      if errno != EINTR { throw StoreError(action, path, errno) }
    }
  }

  /// Writes all bytes to an open file.
  static func writeAll(_ bytes: [UInt8], to descriptor: CInt, _ path: FilePath) throws(StoreError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(StoreError) in try writeAll(bytes, to: descriptor, path) }
    }
    try result.get()
  }

  /// Writes all bytes to an open file.
  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: FilePath) throws(StoreError) {
    var done = 0
    while done < bytes.count {
      let count = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw StoreError("write", path, errno)
      }
      done += count
    }
  }

  /// Gives an open file another content.
  static func rewrite(_ bytes: [UInt8], _ descriptor: CInt, _ path: FilePath) throws(StoreError) {
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw StoreError("write", path, errno)
    }
    try writeAll(bytes, to: descriptor, path)
  }

  /// Writes a new file; an existing one is refused.
  static func create(
    _ path: FilePath, _ bytes: [UInt8], mode: mode_t = 0o644, synced: Bool = false
  ) throws(StoreError) {
    let descriptor = try call("write", path) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) }
    defer { close(descriptor) }
    do throws(StoreError) {
      try writeAll(bytes, to: descriptor, path)
      if synced { _ = try retrying("sync", path) { Int(fsync(descriptor)) } }
    } catch {
      _ = path.withPlatformString { unlink($0) }
      throw error
    }
  }

  /// Writes a file anew: a temporary file beside it, then a rename.
  static func replace(_ path: FilePath, _ bytes: [UInt8]) throws(StoreError) {
    var temporary = path
    temporary.removeLastComponent()
    temporary.append(".new-" + nonce())
    try create(temporary, bytes)
    do throws(StoreError) { try rename(temporary, to: path) } catch {
      try? remove(temporary)
      throw error
    }
  }

  /// Renames; what stands at the new name is replaced.
  static func rename(_ path: FilePath, to target: FilePath) throws(StoreError) {
    try call("rename to", target) { name in path.withPlatformString { Glibc.rename($0, name) } }
  }

  /// Gives a file a second name.
  static func link(_ path: FilePath, to target: FilePath) throws(StoreError) {
    try call("link to", target) { name in path.withPlatformString { Glibc.link($0, name) } }
  }

  /// Removes a file if it is there.
  static func remove(_ path: FilePath) throws(StoreError) {
    do throws(StoreError) { try call("remove", path) { unlink($0) } } catch .system(_, _, let code) where code == ENOENT
    {}
  }

  /// Makes a folder, and those above it, where there is none.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public static func makeFolders(_ path: FilePath) throws(StoreError) {
    do throws(StoreError) { try makeFolder(path) } catch .system(_, _, let code)
      where code == ENOENT && !path.removingLastComponent().isEmpty && path.lastComponent != nil
    {
      try makeFolders(path.removingLastComponent())
      // Some file systems, such as that of processes, say the same of a folder that they do not allow.
      try makeFolder(path)
    }
  }

  private static func makeFolder(_ path: FilePath) throws(StoreError) {
    do throws(StoreError) { try call("make the folder", path) { mkdir($0, 0o777) } } catch .system(_, _, let code)
      where code == EEXIST
    {}
  }

  /// The names in a folder, in the order of their bytes; none where there is no folder.
  ///
  /// - Throws: `StoreError` where it can't be read or a name is not UTF-8.
  public static func list(_ path: FilePath) throws(StoreError) -> [String] {
    let (folder, code) = path.withPlatformString { (opendir($0), errno) }
    guard let folder else {
      if code == ENOENT || code == ENOTDIR { return [] }
      throw StoreError("list", path, code)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else {
        if errno != 0 { throw StoreError("list", path, errno) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
      let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
      if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
      let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .invalidName(
          String(decoding: bytes, as: UTF8.self), rule: "a file name in UTF-8 below \(path)")
      }
      names.append(text)
    }
  }

  /// Removes a file, or a folder with all that is in it, whatever bytes its names are; links are not followed.
  package static func removeTree(_ path: FilePath) throws(StoreError) {
    guard let status = try status(path) else { return }
    guard status.kind == .folder else { return try remove(path) }
    _ = path.withPlatformString { chmod($0, 0o700) }
    let (folder, code) = path.withPlatformString { (open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), errno) }
    guard folder >= 0 else {
      if code == ENOENT { return }
      throw StoreError("remove", path, code)
    }
    let failure = removeContents(of: folder)
    if failure != 0 { throw StoreError("remove what is in", path, failure) }
    do throws(StoreError) { try call("remove", path) { rmdir($0) } } catch .system(_, _, let code) where code == ENOENT
    {}
  }

  /// Removes all that is in an open folder, and closes it.
  ///
  /// - Returns: 0, or the first error number.
  private static func removeContents(of folder: CInt) -> CInt {
    guard let stream = fdopendir(folder) else {
      defer { close(folder) }
      return errno
    }
    defer { closedir(stream) }
    var failure: CInt = 0
    while let entry = readdir(stream) {
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return ENOSYS }
      let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
      if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
      if unlinkat(folder, name, 0) == 0 || errno == ENOENT { continue }
      var code = errno
      if code == EISDIR || code == EPERM {
        _ = fchmodat(folder, name, 0o700, 0)
        let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inner >= 0 {
          code = removeContents(of: inner)
          if code == 0, unlinkat(folder, name, AT_REMOVEDIR) != 0, errno != ENOENT { code = errno }
        }
      }
      if code != 0, failure == 0 { failure = code }
    }
    return failure
  }

  /// Makes what was written to a file, or renamed within a folder, outlast a power cut.
  static func sync(_ path: FilePath) throws(StoreError) {
    let descriptor = try call("sync", path) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    _ = try retrying("sync", path) { Int(fsync(descriptor)) }
  }

  /// Makes all that was written to the file system of a path outlast a power cut.
  static func syncFileSystem(of path: FilePath) throws(StoreError) {
    let descriptor = try call("sync", path) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    if platform_syncfs(descriptor) != 0 { throw StoreError("sync", path, errno) }
  }

  /// A path without links; nil where there is nothing.
  static func real(_ path: FilePath) -> FilePath? {
    guard let text = path.withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(text) }
    return FilePath(platformString: text)
  }

  /// The target of a symbolic link; nil where there is none.
  static func linkTarget(_ path: FilePath) -> FilePath? {
    let text: String? = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      let count = path.withPlatformString {
        readlink($0, buffer.bindMemory(to: CChar.self).baseAddress!, buffer.count)
      }
      guard count > 0, count < buffer.count else { return nil }
      return String(validating: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
    }
    return text.map { FilePath($0) }
  }

  /// A whole file from another: shared blocks where the file system can, else a copy.
  static func copy(_ source: FilePath, to target: FilePath, mode: mode_t = 0o644) throws(StoreError) {
    let input = try call("read", source) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { close(input) }
    let output = try call("write", target) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) }
    defer { close(output) }
    try copy(from: input, source, to: output, target)
  }

  /// A whole open file into another that is empty.
  static func copy(
    from input: CInt, _ source: FilePath, to output: CInt, _ target: FilePath
  ) throws(StoreError) {
    if shareBlocks(of: input, with: output) { return }
    while true {
      let count = platform_copy_file_range(input, output, 1 << 30)
      if count == 0 { return }
      if count > 0 { continue }
      switch errno {
      case EINTR: continue
      case EXDEV, EINVAL, ENOSYS, EOPNOTSUPP: return try copyByReading(from: input, source, to: output, target)
      default: throw StoreError("write", target, errno)
      }
    }
  }

  private static func copyByReading(
    from input: CInt, _ source: FilePath, to output: CInt, _ target: FilePath
  ) throws(StoreError) {
    while true {
      var code: CInt = 0
      let part = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        let result = Glibc.read(input, buffer.baseAddress, buffer.count)
        code = result < 0 ? errno : 0
        count = max(result, 0)
      }
      if code == EINTR { continue }
      if code != 0 { throw StoreError("read", source, code) }
      if part.isEmpty { return }
      try writeAll(part, to: output, target)
    }
  }

  /// Lets an empty file share another's blocks (a reflink); false where the file system cannot.
  static func shareBlocks(of input: CInt, with output: CInt) -> Bool {
    platform_clone(input, output) == 0
  }
}

extension FileSystem {
  /// The number of bytes that a file system has room for; nil where it does not tell.
  package static func freeBytes(at path: FilePath) -> Int? {
    var status = statvfs()
    guard path.withPlatformString({ statvfs($0, &status) }) == 0 else { return nil }
    let (free, isVast) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return isVast ? .max : Int(clamping: free)
  }

  /// Appends bytes in one write, which other writers to the same file do not split; makes the file where there is none.
  static func append(_ bytes: [UInt8], to path: FilePath) throws(StoreError) {
    // Without waiting: in its place may stand a pipe that nobody reads.
    let descriptor = try call("write", path) {
      open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o644)
    }
    defer { close(descriptor) }
    guard try status(of: descriptor, path).kind == .file else { throw .refusedEntry(path, what: "no regular file") }
    try writeAll(bytes, to: descriptor, path)
  }

  /// Runs a body while this process alone holds a file's lock; the lock goes with the process.
  ///
  /// Where the file system has no locks the body runs without.
  static func withLock<Value>(
    _ path: FilePath, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let descriptor = try call("lock", path) { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
    return try body()
  }
}

import Glibc
import SystemPackage

/// Files that fit in memory many times over: requests, records, code of a user's stage.
enum SmallFile {
  /// The whole content.
  static func bytes(of path: FilePath) throws(Errno) -> [UInt8] {
    do {
      let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
      return try file.closeAfter {
        var status = stat()
        var content = [UInt8](repeating: 0, count: fstat(file.rawValue, &status) == 0 ? Int(status.st_size) + 1 : 4096)
        var count = 0
        while true {
          let read = try content.withUnsafeMutableBytes { buffer in
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
          }
          count += read
          if read == 0 { break }
          if count == content.count { content.append(contentsOf: repeatElement(0, count: count)) }
        }
        content.removeLast(content.count - count)
        return content
      }
    } catch {
      throw (error as? Errno) ?? .ioError
    }
  }

  /// The last bytes, at most `limit`.
  static func tail(of path: FilePath, limit: Int) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    return try file.closeAfter {
      let size = try file.seek(offset: 0, from: .end)
      try file.seek(offset: max(0, size - Int64(limit)), from: .start)
      return try [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }

  /// Writes a new file.
  static func write(_ path: FilePath, _ bytes: [UInt8], permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead])
    throws(Errno)
  {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: permissions)
      _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch {
      throw (error as? Errno) ?? .ioError
    }
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: FilePath) throws(Errno) {
    if mkdir(path.string, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, !path.removingLastComponent().isEmpty, path.removingLastComponent() != path else {
      throw Errno(rawValue: errno)
    }
    try makeFolder(path.removingLastComponent())
    if mkdir(path.string, 0o777) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
  }
}

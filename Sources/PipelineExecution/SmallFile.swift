import Glibc
import StageKit
import SystemPackage

/// Files that fit in memory many times over: requests, records, code of a user's stage.
enum SmallFile {
  /// The whole content.
  ///
  /// - Throws: `StageFailure` that names the file, at once where the path is a pipe or anything else than a file.
  static func bytes(of path: FilePath) throws(StageFailure) -> [UInt8] {
    do {
      let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
      return try file.closeAfter {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
          throw StageFailure("\(path) is no regular file", remedy: "put one there")
        }
        var content = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
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
    } catch let failure as StageFailure {
      throw failure
    } catch {
      throw StageFailure("\(path) can't be read: \(error)")
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
  static func write(
    _ path: FilePath, _ bytes: [UInt8], permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
  )
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

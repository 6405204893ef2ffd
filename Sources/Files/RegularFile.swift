import Glibc
public import SystemPackage

/// Why a path is not read.
public struct RegularFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What stands in the way.
  public enum Reason: Sendable, Hashable {
    /// The system refuses.
    case system(Errno)
    /// Something else than a file stands there, such as a named pipe.
    case otherKind(String)
  }

  /// The path.
  public var path: FilePath
  /// What stands in the way.
  public var reason: Reason

  /// An error.
  public init(_ path: FilePath, _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// The reason without the path, as messages that name the path already need it.
  public var text: String {
    switch reason {
    case .system(let error): "\(error)"
    case .otherKind(let kind): "it is \(kind), expected a regular file; copy what it holds into one"
    }
  }

  /// One sentence with the path.
  public var description: String { "\(path): can't be read: \(text)" }
}

/// Files that are opened only once it is known what they are: opening a named pipe would wait for a writer for ever,
/// and opening a device can do things.
public enum RegularFile {
  /// Opens a file to read it.
  ///
  /// - Parameter path: The file, or a link to one.
  /// - Returns: The descriptor, which the caller closes, and the file's size in bytes.
  /// - Throws: `RegularFileError` at once where the path is anything else.
  public static func open(_ path: FilePath) throws(RegularFileError) -> (descriptor: FileDescriptor, size: Int) {
    var status = stat()
    guard stat(path.string, &status) == 0 else { throw RegularFileError(path, .system(Errno(rawValue: errno))) }
    if let kind = kind(status) { throw RegularFileError(path, .otherKind(kind)) }
    // Without waiting, should the path have become a pipe in between.
    let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw RegularFileError(path, .system(Errno(rawValue: errno))) }
    guard fstat(descriptor, &status) == 0, kind(status) == nil else {
      close(descriptor)
      throw RegularFileError(path, .otherKind(kind(status) ?? "gone"))
    }
    return (FileDescriptor(rawValue: descriptor), Int(status.st_size))
  }

  /// The bytes of a file.
  ///
  /// - Throws: `RegularFileError`.
  public static func read(_ path: FilePath) throws(RegularFileError) -> [UInt8] {
    let (descriptor, size) = try open(path)
    defer { close(descriptor.rawValue) }
    do {
      return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let read = try descriptor.read(fromAbsoluteOffset: Int64(count), into: rest)
          if read == 0 { break }
          count += read
        }
      }
    } catch let error as Errno {
      throw RegularFileError(path, .system(error))
    } catch {
      throw RegularFileError(path, .otherKind("\(error)"))
    }
  }

  /// The words for what is no regular file; nil for one.
  private static func kind(_ status: stat) -> String? {
    switch status.st_mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "a folder"
    case S_IFIFO: "a named pipe"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "no file"
    }
  }
}

public import CanonicalJSON
import Glibc
public import SystemPackage

/// Whole files in and out.
public enum FileContent {
  /// Reads a file.
  /// - Throws: `RecordError` with the reason that the system gives, or where it changes while it is read.
  public static func read(_ file: FilePath) throws(RecordError) -> [UInt8] {
    let descriptor = try open(file)
    defer { try? descriptor.close() }
    let size = try status(of: descriptor, file).st_size
    guard size > 0 else { return try readStream(descriptor, file) }
    var bytes: [UInt8]
    do {
      bytes = try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
        while count < Int(size) {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let read = try descriptor.read(fromAbsoluteOffset: Int64(count), into: rest)
          if read == 0 { break }
          count += read
        }
      }
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
    guard bytes.count == Int(size) else { throw changed(file) }
    return bytes
  }

  /// All bytes of what has no size: a pipe, or a file of the kernel's.
  private static func readStream(_ descriptor: FileDescriptor, _ file: FilePath) throws(RecordError) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try piece.withUnsafeMutableBytes { buffer in
        Result { () throws(RecordError) in try read(descriptor, file, into: buffer) }
      }.get()
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  /// What the system says of an open file.
  static func status(of descriptor: FileDescriptor, _ file: FilePath) throws(RecordError) -> stat {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw RecordError(file: file, reason: "can't be read: \(Errno(rawValue: errno))")
    }
    return status
  }

  static func changed(_ file: FilePath) -> RecordError {
    RecordError(file: file, reason: "changed while it was read; try again when nothing writes it")
  }

  /// Whether a path stands for what this process was given open: `/dev/stdin`, or the `/dev/fd/63` of a shell's `<(…)`.
  static func isGivenOpen(_ file: FilePath) -> Bool {
    ["/dev/stdin", "/dev/fd", "/proc"].contains { file.starts(with: FilePath($0)) }
  }

  /// Opens a file to read it in order, without ever waiting for a writer.
  ///
  /// - Parameter file: A regular file, or a pipe that this process was given open.
  /// - Returns: The descriptor; reading from it waits where it is a pipe.
  /// - Throws: `RecordError` with the reason that the system gives, or where the path is a folder, a named pipe, a socket
  ///   or a device, which may never end.
  public static func open(_ file: FilePath) throws(RecordError) -> FileDescriptor {
    let (number, code) = file.withPlatformString {
      (Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), errno)
    }
    guard number >= 0 else {
      // That is how Linux answers for a socket.
      if code == ENXIO { throw RecordError(file: file, reason: "is a socket, no file; write it to a file first") }
      throw RecordError(file: file, reason: "can't be read: \(Errno(rawValue: code))")
    }
    let descriptor = FileDescriptor(rawValue: number)
    do throws(RecordError) {
      let kind = try status(of: descriptor, file).st_mode & S_IFMT
      switch kind {
      case S_IFREG: break
      case S_IFIFO where isGivenOpen(file):
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) & ~O_NONBLOCK)
      case S_IFIFO:
        throw RecordError(
          file: file, reason: "is a named pipe, no regular file; write it to a file, or pass it as /dev/stdin or <(…)")
      case S_IFDIR: throw RecordError(file: file, reason: "is a folder, no file")
      case S_IFSOCK: throw RecordError(file: file, reason: "is a socket, no file; write it to a file first")
      default: throw RecordError(file: file, reason: "is a device, no regular file; write it to a file first")
      }
    } catch {
      try? descriptor.close()
      throw error
    }
    return descriptor
  }

  /// Reads some bytes; 0 at the end.
  /// - Throws: `RecordError` with the reason that the system gives.
  static func read(
    _ descriptor: FileDescriptor, _ file: FilePath, into buffer: UnsafeMutableRawBufferPointer
  ) throws(RecordError) -> Int {
    do {
      return try descriptor.read(into: buffer)
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
  }

  /// Reads a file that holds one JSON value.
  /// - Throws: `RecordError` where it can't be read or is no JSON.
  public static func json(_ file: FilePath) throws(RecordError) -> JSONValue {
    let bytes = try read(file)
    do throws(JSONError) {
      return try JSONValue(parsing: bytes)
    } catch {
      throw RecordError(
        file: file, line: error.line, reason: "not valid JSON (column \(error.column)): \(error.reason)")
    }
  }

  /// Creates or empties a file.
  /// - Throws: `Errno`.
  public static func create(_ file: FilePath) throws -> FileDescriptor {
    try FileDescriptor.open(
      file, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }

  /// Writes a file.
  /// - Throws: `Errno`, such as `noSpace`.
  public static func write(_ bytes: some Sequence<UInt8>, to file: FilePath) throws {
    let descriptor = try create(file)
    _ = try descriptor.closeAfter { try descriptor.writeAll(bytes) }
  }

  /// Whether there is a file or folder.
  public static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }

  /// Whether there is a folder.
  public static func isFolder(_ path: FilePath) -> Bool {
    var status = stat()
    return stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The file `name` of an artifact: inside its folder, or the path itself where that is a file already.
  public static func file(_ name: String, of artifact: FilePath) -> FilePath {
    isFolder(artifact) ? artifact.appending(name) : artifact
  }

  /// Names in a folder, sorted by bytes; empty where there is none.
  public static func names(in folder: FilePath) -> [String] {
    guard let stream = opendir(folder.string) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

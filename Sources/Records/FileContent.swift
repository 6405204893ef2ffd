public import CanonicalJSON
import Files
import Glibc
public import SystemPackage

/// Whole files in and out.
public enum FileContent {
  /// Reads a file.
  /// - Throws: `RecordError` with the reason that the system gives.
  public static func read(_ file: FilePath) throws(RecordError) -> [UInt8] {
    do throws(RegularFileError) {
      return try RegularFile.read(file)
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error.text)")
    }
  }

  /// Opens a file to read it in order.
  /// - Throws: `RecordError` with the reason that the system gives.
  static func open(_ file: FilePath) throws(RecordError) -> FileDescriptor {
    do throws(RegularFileError) {
      return try RegularFile.open(file).descriptor
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error.text)")
    }
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

public import Records
public import SystemPackage

/// Where the bytes of a file come from, in order and once.
public protocol ByteSource: AnyObject {
  /// Reads some bytes.
  ///
  /// - Parameter buffer: Room for at least one byte.
  /// - Returns: How many were read; 0 at the end.
  /// - Throws: `RecordError` where the bytes can't be had.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// The bytes of a file as they lie on disk.
public final class FileBytes: ByteSource {
  private let file: FilePath
  private let descriptor: FileDescriptor

  /// Opens a file.
  /// - Throws: `RecordError` with the reason that the system gives.
  public init(_ file: FilePath) throws(RecordError) {
    self.file = file
    do {
      descriptor = try FileDescriptor.open(file, .readOnly)
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
  }

  deinit { try? descriptor.close() }

  /// Reads some bytes.
  /// - Throws: `RecordError` with the reason that the system gives.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    do {
      return try descriptor.read(into: buffer)
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
  }
}

/// Bytes that were read ahead, then the rest.
final class PrefixedBytes: ByteSource {
  private var prefix: ArraySlice<UInt8>
  private let rest: any ByteSource

  init(_ prefix: ArraySlice<UInt8>, then rest: any ByteSource) {
    self.prefix = prefix
    self.rest = rest
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if prefix.isEmpty { return try rest.read(into: buffer) }
    let count = min(prefix.count, buffer.count)
    buffer.copyBytes(from: prefix.prefix(count))
    prefix = prefix.dropFirst(count)
    return count
  }

  /// The first bytes of a source, as many as there are up to `count`.
  static func head(of source: any ByteSource, count: Int) throws -> [UInt8] {
    var head = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let read = try head.withUnsafeMutableBytes {
        try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      if read == 0 { break }
      filled += read
    }
    return Array(head.prefix(filled))
  }
}

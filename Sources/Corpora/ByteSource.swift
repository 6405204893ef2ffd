import Glibc
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

/// The bytes of a file as they lie on disk, or of a pipe as they come.
public final class FileBytes: ByteSource {
  private let file: FilePath
  private let descriptor: FileDescriptor
  private let begin: stat
  private let waiting: () throws -> Void
  private var position = 0

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - file: A regular file, or a pipe that this process was given open, such as `/dev/stdin`.
  ///   - waiting: Called several times a second while a pipe gives nothing; may throw to end the waiting.
  /// - Throws: `RecordError` with the reason that the system gives, or where the path may never end.
  public init(_ file: FilePath, waiting: @escaping () throws -> Void = {}) throws(RecordError) {
    self.file = file
    self.waiting = waiting
    let descriptor = try FileContent.open(file)
    self.descriptor = descriptor
    var status = stat()
    fstat(descriptor.rawValue, &status)
    begin = status
  }

  deinit { try? descriptor.close() }

  /// Whether it is a file of a size, which can be read again.
  public var isRegular: Bool { begin.st_mode & S_IFMT == S_IFREG }

  /// Reads some bytes.
  /// - Throws: `RecordError` with the reason that the system gives, or where the file changed while it was read.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !isRegular {
      var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      while Glibc.poll(&poll, 1, 100) <= 0 { try waiting() }
    }
    let count: Int
    do {
      count = try descriptor.read(into: buffer)
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
    position += count
    // One that grows as fast as it is read would never end; the kernel's own files say no size.
    let hasGrown = begin.st_size > 0 && position > Int(begin.st_size)
    if isRegular, count == 0 || hasGrown { try checkUnchanged() }
    return count
  }

  /// A file that grows, shrinks or is rewritten meanwhile would give rows that nobody wrote.
  private func checkUnchanged() throws(RecordError) {
    var end = stat()
    guard fstat(descriptor.rawValue, &end) == 0, end.st_size == begin.st_size,
      end.st_mtim.tv_sec == begin.st_mtim.tv_sec, end.st_mtim.tv_nsec == begin.st_mtim.tv_nsec,
      position >= Int(begin.st_size), begin.st_size == 0 || position == Int(begin.st_size)
    else { throw RecordError(file: file, reason: "changed while it was read; try again when nothing writes it") }
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

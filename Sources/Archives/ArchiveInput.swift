import Glibc
import SystemPackage

/// The bytes of an archive's file, as libarchive asks for them.
///
/// gzip, zstd and bzip2 are undone here, not in libarchive, which looks at neither checksum nor length of gzip, knows
/// neither skippable frames nor long windows of zstd, and takes bzip2 that is cut off for whole.
final class ArchiveInput {
  /// Where the bytes come from.
  enum Source {
    /// An open file or pipe, closed at the end if it is the input's own.
    case descriptor(CInt, owned: Bool)
    /// Whatever fills buffers; 0 at the end.
    case stream((UnsafeMutableRawBufferPointer) throws -> Int)
  }

  private let source: Source
  private let windowLog: Int
  private let capacity = 256 << 10
  private let raw: UnsafeMutableRawPointer
  private let plain: UnsafeMutableRawPointer
  private var decompression: (any Decompression)?
  private var hasBegun = false
  /// Raw bytes read so far.
  private(set) var position = 0
  /// The number of raw bytes; nil for a pipe or a stream.
  let size: Int?
  /// What stopped the input.
  private(set) var fault: ArchiveError.Fault?

  /// Begins with the first byte that comes.
  ///
  /// - Parameters:
  ///   - source: Where the bytes come from.
  ///   - windowLog: The power of two of the largest window of zstd that is taken.
  init(_ source: Source, windowLog: Int = 31) {
    self.source = source
    self.windowLog = windowLog
    raw = .allocate(byteCount: capacity, alignment: 4096)
    plain = .allocate(byteCount: capacity, alignment: 4096)
    var status = stat()
    guard case .descriptor(let descriptor, _) = source, fstat(descriptor, &status) == 0,
      status.st_mode & S_IFMT == S_IFREG
    else {
      size = nil
      return
    }
    size = Int(status.st_size)
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit {
    raw.deallocate()
    plain.deallocate()
    if case .descriptor(let descriptor, owned: true) = source { close(descriptor) }
  }

  /// Whether the bytes begin as gzip, zstd or bzip2 do; pipes and streams are taken as they come.
  var isPacked: Bool {
    guard size != nil, case .descriptor(let descriptor, _) = source else { return false }
    var magic: UInt32 = 0
    let count = withUnsafeMutableBytes(of: &magic) { pread(descriptor, $0.baseAddress, Self.magicLength, 0) }
    return withUnsafeBytes(of: magic) { bytes in
      let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, count)))
      return GzipMembers.begins(head) || ZstdFrames.begins(head) || Bzip2Streams.begins(head)
    }
  }

  /// The first bytes by which a compression is told.
  private static let magicLength = 4

  private func decompression(of head: UnsafeRawBufferPointer) throws(ArchiveError.Fault) -> (any Decompression)? {
    if GzipMembers.begins(head) { return try GzipMembers() }
    if ZstdFrames.begins(head) { return try ZstdFrames(windowLog: windowLog) }
    if Bzip2Streams.begins(head) { return Bzip2Streams() }
    return nil
  }

  /// Whether a compression is being undone.
  var isDecompressing: Bool { decompression != nil }

  /// The next bytes, valid until the next call; empty at the end, nil after a fault.
  func next() -> UnsafeRawBufferPointer? {
    do throws(ArchiveError.Fault) {
      if !hasBegun {
        hasBegun = true
        return try begin()
      }
      if let decompression { return try next(of: decompression) }
      return UnsafeRawBufferPointer(start: raw, count: try fill())
    } catch {
      fault = error
      return nil
    }
  }

  private func begin() throws(ArchiveError.Fault) -> UnsafeRawBufferPointer {
    var count = 0
    // Pipes give bytes in any pieces.
    while count < Self.magicLength {
      let more = try fill(at: count)
      if more == 0 { break }
      count += more
    }
    let bytes = UnsafeRawBufferPointer(start: raw, count: count)
    guard let decompression = try decompression(of: bytes) else { return bytes }
    self.decompression = decompression
    decompression.feed(bytes)
    return try next(of: decompression)
  }

  private func next(of decompression: any Decompression) throws(ArchiveError.Fault) -> UnsafeRawBufferPointer {
    while true {
      let count = try decompression.decompress(into: UnsafeMutableRawBufferPointer(start: plain, count: capacity))
      if count > 0 { return UnsafeRawBufferPointer(start: plain, count: count) }
      let more = try fill()
      if more == 0 {
        try decompression.end()
        return UnsafeRawBufferPointer(start: plain, count: 0)
      }
      decompression.feed(UnsafeRawBufferPointer(start: raw, count: more))
    }
  }

  /// How much may stand behind the archive within a compression: blocks of zeros fill it up.
  private static let mostBehind = 64 << 20

  /// Reads a compression on to its end, which a reader of what is within need not have seen.
  ///
  /// - Throws: The fault of data that is cut off or damaged there.
  func finish() throws(ArchiveError.Fault) {
    guard decompression != nil else { return }
    var rest = Self.mostBehind
    while let bytes = next() {
      if bytes.isEmpty { return }
      rest -= bytes.count
      guard rest >= 0 else { throw .damaged("more than \(Self.mostBehind >> 20) MiB stand behind the archive's end") }
    }
    if let fault { throw fault }
  }

  /// Moves within a plain file; nil where that fails.
  func seek(_ offset: Int, _ whence: CInt) -> Int? {
    guard case .descriptor(let descriptor, _) = source else { return nil }
    let place = lseek(descriptor, off_t(offset), whence)
    guard place >= 0 else { return nil }
    hasBegun = true
    position = Int(place)
    return position
  }

  /// Reads raw bytes behind those that are kept; 0 at the end.
  private func fill(at kept: Int = 0) throws(ArchiveError.Fault) -> Int {
    let buffer = UnsafeMutableRawBufferPointer(start: raw + kept, count: capacity - kept)
    let count: Int
    do {
      switch source {
      case .descriptor(let descriptor, _): count = try FileDescriptor(rawValue: descriptor).read(into: buffer)
      case .stream(let read): count = try read(buffer)
      }
    } catch {
      if case .descriptor = source { throw .system(error as? Errno ?? .ioError) }
      throw .source("\(error)")
    }
    position += count
    return count
  }
}

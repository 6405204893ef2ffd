import CZlib
import Glibc
import SystemPackage

/// The bytes of an archive's file, as libarchive asks for them.
///
/// gzip and zstd are undone here, not in libarchive, which looks at neither checksum nor length of gzip and knows neither
/// skippable frames nor long windows of zstd.
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
  /// On the heap: zlib's state points back at it.
  private var stream: UnsafeMutablePointer<z_stream>?
  private var isInsideMember = false
  private var frames: ZstdFrames?
  private var streams: Bzip2Streams?
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
    raw = .allocate(byteCount: 256 << 10, alignment: 4096)
    plain = .allocate(byteCount: 256 << 10, alignment: 4096)
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
    if let stream {
      inflateEnd(stream)
      stream.deallocate()
    }
    raw.deallocate()
    plain.deallocate()
    if case .descriptor(let descriptor, owned: true) = source { close(descriptor) }
  }

  /// Whether the bytes begin as gzip, zstd or bzip2 do; pipes and streams are taken as they come.
  var isPacked: Bool {
    guard size != nil, case .descriptor(let descriptor, _) = source else { return false }
    var magic: UInt32 = 0
    let count = withUnsafeMutableBytes(of: &magic) { pread(descriptor, $0.baseAddress, 4, 0) }
    return withUnsafeBytes(of: magic) { bytes in
      let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, count)))
      return Self.isGzip(head) || ZstdFrames.begin(head) || Bzip2Streams.begin(head)
    }
  }

  private static func isGzip(_ head: UnsafeRawBufferPointer) -> Bool {
    head.count >= 2 && head[0] == 0x1F && head[1] == 0x8B
  }

  /// Whether gzip, zstd or bzip2 is being undone.
  var isInflating: Bool { stream != nil || frames != nil || streams != nil }

  /// The next bytes, valid until the next call; empty at the end, nil after a fault.
  func next() -> UnsafeRawBufferPointer? {
    if stream != nil { return inflateMore() }
    if frames != nil { return decompressMore() }
    if streams != nil { return decompressStreams() }
    var count = fill()
    if count < 0 { return nil }
    if !hasBegun {
      hasBegun = true
      // Pipes give bytes in any pieces; these four tell the compression.
      while count < 4 {
        let more = fill(at: count)
        if more < 0 { return nil }
        if more == 0 { break }
        count += more
      }
      let bytes = UnsafeRawBufferPointer(start: raw, count: count)
      if Self.isGzip(bytes) { return beginInflating(count) ? inflateMore() : nil }
      if ZstdFrames.begin(bytes) {
        frames = ZstdFrames(raw, count, windowLog: windowLog)
        return decompressMore()
      }
      if Bzip2Streams.begin(bytes) {
        streams = Bzip2Streams(raw, count)
        return decompressStreams()
      }
    }
    return UnsafeRawBufferPointer(start: raw, count: count)
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

  /// Reads raw bytes behind those that are kept; 0 at the end, -1 after a fault.
  private func fill(at kept: Int = 0) -> Int {
    let count: Int
    let buffer = UnsafeMutableRawBufferPointer(start: raw + kept, count: capacity - kept)
    switch source {
    case .descriptor(let descriptor, _):
      do {
        count = try FileDescriptor(rawValue: descriptor).read(into: buffer)
      } catch {
        fault = .system(error as? Errno ?? .ioError)
        return -1
      }
    case .stream(let read):
      do {
        count = try read(buffer)
      } catch {
        fault = .source("\(error)")
        return -1
      }
    }
    position += count
    return count
  }

  // MARK: zstd

  private func decompressMore() -> UnsafeRawBufferPointer? {
    guard let frames else { return nil }
    do throws(ArchiveError.Fault) {
      while true {
        let count = try frames.decompress(into: UnsafeMutableRawBufferPointer(start: plain, count: capacity))
        if count > 0 { return UnsafeRawBufferPointer(start: plain, count: count) }
        let more = fill()
        if more < 0 { return nil }
        if more == 0 {
          try frames.end()
          return UnsafeRawBufferPointer(start: plain, count: 0)
        }
        frames.feed(raw, more)
      }
    } catch {
      fault = error
      return nil
    }
  }

  // MARK: bzip2

  private func decompressStreams() -> UnsafeRawBufferPointer? {
    guard let streams else { return nil }
    do throws(ArchiveError.Fault) {
      while true {
        let count = try streams.decompress(into: UnsafeMutableRawBufferPointer(start: plain, count: capacity))
        if count > 0 { return UnsafeRawBufferPointer(start: plain, count: count) }
        let more = fill()
        if more < 0 { return nil }
        if more == 0 {
          try streams.end()
          return UnsafeRawBufferPointer(start: plain, count: 0)
        }
        streams.feed(raw, more)
      }
    } catch {
      fault = error
      return nil
    }
  }

  // MARK: gzip

  private func beginInflating(_ count: Int) -> Bool {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    stream.pointee.next_in = raw.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(count)
    // 16 asks for gzip, 15 is its window.
    guard inflateInit2_(stream, 31, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      fault = .damaged("zlib has no memory")
      return false
    }
    self.stream = stream
    isInsideMember = true
    return true
  }

  private func inflateMore() -> UnsafeRawBufferPointer? {
    stream!.pointee.next_out = plain.assumingMemoryBound(to: UInt8.self)
    stream!.pointee.avail_out = UInt32(capacity)
    while Int(stream!.pointee.avail_out) == capacity {
      if isInsideMember {
        // Output may be pending where no input is left.
        switch inflate(stream!, Z_NO_FLUSH) {
        case Z_STREAM_END:
          isInsideMember = false
          continue
        case Z_OK, Z_BUF_ERROR:
          if Int(stream!.pointee.avail_out) < capacity || stream!.pointee.avail_in > 0 { continue }
        default:
          fault = .damaged("gzip: \(stream!.pointee.msg.map { String(cString: $0) } ?? "not readable")")
          return nil
        }
      } else if beginNextMember() {
        continue
      } else if fault != nil {
        return nil
      }
      let count = fill()
      if count < 0 { return nil }
      if count == 0 {
        if isInsideMember {
          fault = .damaged("the gzip data is cut off")
          return nil
        }
        break
      }
      stream!.pointee.next_in = raw.assumingMemoryBound(to: UInt8.self)
      stream!.pointee.avail_in = UInt32(count)
    }
    return UnsafeRawBufferPointer(start: plain, count: capacity - Int(stream!.pointee.avail_out))
  }

  /// Goes on with what stands behind a member: another one, or zeros that fill a block.
  private func beginNextMember() -> Bool {
    while stream!.pointee.avail_in > 0, stream!.pointee.next_in.pointee == 0 {
      stream!.pointee.next_in += 1
      stream!.pointee.avail_in -= 1
    }
    guard stream!.pointee.avail_in > 0 else { return false }
    guard stream!.pointee.next_in.pointee == 0x1F else {
      fault = .damaged("bytes that are no gzip stand behind the gzip data")
      return false
    }
    inflateReset(stream!)
    isInsideMember = true
    return true
  }
}

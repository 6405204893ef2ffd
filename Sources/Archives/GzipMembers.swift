import CZlib
import Glibc
import SystemPackage

/// gzip data as it comes: members one behind the other, and zeros that fill a block behind them.
///
/// Checksum and length of every member are compared.
final class GzipMembers: Decompression {
  /// On the heap: zlib's state points back at it.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var isInsideMember = true

  /// Whether bytes begin as a member does.
  static func begins(_ head: UnsafeRawBufferPointer) -> Bool { head.count >= 2 && head[0] == 0x1F && head[1] == 0x8B }

  /// - Throws: The system's error where there is no memory.
  init() throws(ArchiveError.Fault) {
    stream.initialize(to: z_stream())
    // 16 asks for gzip, 15 is its window.
    guard inflateInit2_(stream, 31, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .system(.noMemory)
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func feed(_ bytes: UnsafeRawBufferPointer) {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(bytes.count)
  }

  func decompress(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError.Fault) -> Int {
    stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(buffer.count)
    while Int(stream.pointee.avail_out) == buffer.count {
      if !isInsideMember, try !beginNextMember() { break }
      // Output may be pending where no input is left.
      switch inflate(stream, Z_NO_FLUSH) {
      case Z_STREAM_END: isInsideMember = false
      case Z_OK: continue
      // Nothing to go on with.
      case Z_BUF_ERROR: return buffer.count - Int(stream.pointee.avail_out)
      case Z_MEM_ERROR: throw .system(.noMemory)
      default: throw .damaged("gzip: \(stream.pointee.msg.map { String(cString: $0) } ?? "not readable")")
      }
    }
    return buffer.count - Int(stream.pointee.avail_out)
  }

  /// Goes on with what stands behind a member: another one, or zeros that fill a block.
  private func beginNextMember() throws(ArchiveError.Fault) -> Bool {
    while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
      stream.pointee.next_in += 1
      stream.pointee.avail_in -= 1
    }
    guard stream.pointee.avail_in > 0 else { return false }
    guard stream.pointee.next_in.pointee == 0x1F else {
      throw .damaged("bytes that are no gzip stand behind the gzip data")
    }
    inflateReset(stream)
    isInsideMember = true
    return true
  }

  func end() throws(ArchiveError.Fault) { if isInsideMember { throw .damaged("the gzip data is cut off") } }
}

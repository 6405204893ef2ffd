import CBzip2
import SystemPackage

/// bzip2 data as it comes: streams one behind the other, as pbzip2 writes them.
final class Bzip2Streams: Decompression {
  private let stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)
  private var isOpen = false
  /// Whether a stream has ended well before the present one.
  private var isBehindAnother = false

  /// Whether bytes begin as a stream does.
  static func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    head.count >= 4 && head[0] == UInt8(ascii: "B") && head[1] == UInt8(ascii: "Z") && head[2] == UInt8(ascii: "h")
      && (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(head[3])
  }

  init() { stream.initialize(to: bz_stream()) }

  deinit {
    if isOpen { BZ2_bzDecompressEnd(stream) }
    stream.deallocate()
  }

  func feed(_ bytes: UnsafeRawBufferPointer) {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
    stream.pointee.avail_in = UInt32(bytes.count)
  }

  func decompress(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError.Fault) -> Int {
    stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_out = UInt32(buffer.count)
    while Int(stream.pointee.avail_out) == buffer.count, stream.pointee.avail_in > 0 {
      if !isOpen { try open() }
      switch BZ2_bzDecompress(stream) {
      case BZ_OK: continue
      case BZ_STREAM_END:
        BZ2_bzDecompressEnd(stream)
        isOpen = false
        isBehindAnother = true
      case BZ_MEM_ERROR: throw .system(.noMemory)
      case BZ_DATA_ERROR_MAGIC where isBehindAnother:
        throw .damaged("bytes that are no bzip2 stand behind the bzip2 data")
      default: throw .damaged("bzip2: its data is damaged")
      }
    }
    return buffer.count - Int(stream.pointee.avail_out)
  }

  private func open() throws(ArchiveError.Fault) {
    guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .system(.noMemory) }
    isOpen = true
  }

  func end() throws(ArchiveError.Fault) { if isOpen { throw .damaged("the bzip2 data is cut off") } }
}

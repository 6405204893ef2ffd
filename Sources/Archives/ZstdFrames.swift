import CZstd
import SystemPackage

/// zstd data as it comes: frames one behind the other, skippable ones among them, with windows of up to 2 GiB unless less
/// is allowed.
final class ZstdFrames: Decompression {
  private let context: OpaquePointer
  private var input = ZSTD_inBuffer()
  private var isInsideFrame = true
  /// Whether the last call filled its buffer, so that there may be more without more input.
  private var isPending = false

  /// Whether bytes begin as a frame does, be it one to skip.
  static func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    guard head.count >= 4 else { return false }
    let magic = UInt32(littleEndian: head.loadUnaligned(as: UInt32.self))
    return magic == 0xFD2F_B528 || magic & 0xFFFF_FFF0 == 0x184D_2A50
  }

  /// Frames whose windows take at most a power of two.
  ///
  /// - Parameter windowLog: That power.
  /// - Throws: The system's error where there is no memory.
  init(windowLog: Int) throws(ArchiveError.Fault) {
    guard let context = ZSTD_createDCtx() else { throw .system(.noMemory) }
    self.context = context
    // The window is address space; memory is used as far as content comes.
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, CInt(windowLog))
  }

  deinit { ZSTD_freeDCtx(context) }

  func feed(_ bytes: UnsafeRawBufferPointer) {
    input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
  }

  func decompress(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError.Fault) -> Int {
    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    while output.pos == 0, isPending || input.pos < input.size {
      let wasInsideFrame = isInsideFrame
      let status = ZSTD_decompressStream(context, &output, &input)
      guard ZSTD_isError(status) == 0 else {
        let name = ZSTD_getErrorName(status).map { String(cString: $0) } ?? "not readable"
        if name.contains("memory") {
          throw .damaged(
            "zstd: its window takes more memory than there is, or than is allowed here; pack it anew without --long or "
              + "--ultra")
        }
        throw .damaged(
          wasInsideFrame || !name.contains("frame descriptor")
            ? "zstd: \(name)" : "bytes that are no zstd stand behind the zstd data")
      }
      isInsideFrame = status != 0
      isPending = isInsideFrame && output.pos == output.size
    }
    return output.pos
  }

  func end() throws(ArchiveError.Fault) { if isInsideFrame { throw .damaged("the zstd data is cut off") } }
}

import Glibc

/// Bytes whose lines end with LF where the file's end with CR, as old Macs wrote them; CRLF becomes LF.
///
/// A file is taken for such a one where it holds a CR and no LF at all, as far as the longest row may reach: a CR within a
/// line of a file whose lines end with LF is text, and parallel texts would no longer be parallel if it were not.
final class LineEnds: ByteSource {
  private let source: any ByteSource
  private var endsWithCarriageReturn = false

  private init(_ source: any ByteSource) { self.source = source }

  /// The source, behind a converter where its lines end with CR.
  static func unified(_ source: any ByteSource) throws -> any ByteSource {
    var head: [UInt8] = []
    // As much as tells it: most files have an LF at once.
    while head.count <= CorpusLimits.rowBytes {
      let part = try PrefixedBytes.head(of: source, count: max(1 << 16, head.count))
      head += part
      if part.isEmpty || part.contains(0x0A) { break }
    }
    let whole = PrefixedBytes(head[...], then: source)
    return head.contains(0x0D) && !head.contains(0x0A) ? LineEnds(whole) : whole
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = try source.read(into: buffer)
      if count == 0 { return 0 }
      var kept = 0
      for index in 0..<count {
        let byte = buffer[index]
        let isSecond = byte == 0x0A && endsWithCarriageReturn
        endsWithCarriageReturn = byte == 0x0D
        if isSecond { continue }
        buffer[kept] = byte == 0x0D ? 0x0A : byte
        kept += 1
      }
      if kept > 0 { return kept }
    }
  }
}

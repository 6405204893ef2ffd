import CanonicalJSON
import Records
import SystemPackage

/// Text that comes in pieces, up to the longest row.
struct TextGathering {
  private var bytes: [UInt8] = []
  private(set) var isOverflowing = false

  mutating func append(_ piece: UnsafeRawBufferPointer) {
    guard bytes.count + piece.count <= CorpusLimits.rowBytes else {
      isOverflowing = true
      return
    }
    bytes.append(contentsOf: piece)
  }

  /// The text so far, after which a new one begins.
  ///
  /// - Throws: `RecordError` where it was longer than a row may be.
  mutating func take(file: FilePath, line: Int) throws(RecordError) -> String {
    guard !isOverflowing else {
      throw RecordError(file: file, line: line, reason: "holds a text longer than \(CorpusLimits.rowBytes >> 20) MiB")
    }
    defer { bytes.removeAll(keepingCapacity: true) }
    // libxml2 hands out valid UTF-8 only.
    return bytes.withUnsafeBytes { String(utf8: $0) } ?? String(decoding: bytes, as: UTF8.self)
  }

  /// Begins a new text.
  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    isOverflowing = false
  }
}

import Records
import SystemPackage

/// UTF-8 made of ISO-2022-JP by the Encoding Standard's tables: iconv's are those of before Microsoft's, without NEC's
/// and IBM's characters.
///
/// Control characters, line ends among them, are taken in any of its sets.
final class ISO2022JPBytes: ByteSource {
  private enum CharacterSet {
    case ascii
    /// ASCII with a yen sign and an overline.
    case roman
    /// Katakana of half width.
    case katakana
    case kanji
  }

  private let file: FilePath
  private let source: any ByteSource
  private var characters = CharacterSet.ascii
  /// What has come of an escape sequence.
  private var escape: [UInt8] = []
  /// The first byte of a character of two.
  private var lead: UInt8?
  private var line = 1
  private var pending = [UInt8](repeating: 0, count: 1 << 16)
  private var decoded: ArraySlice<UInt8> = []

  /// - Parameters:
  ///   - source: The bytes of the file.
  ///   - file: Its name for messages.
  init(_ source: any ByteSource, file: FilePath) {
    self.source = source
    self.file = file
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while decoded.isEmpty {
      let count = try pending.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 {
        guard escape.isEmpty, lead == nil else { throw invalid }
        return 0
      }
      var text: [UInt8] = []
      text.reserveCapacity(2 * count)
      for index in 0..<count { try decode(pending[index], to: &text) }
      decoded = text[...]
    }
    let count = min(decoded.count, buffer.count)
    buffer.copyBytes(from: decoded.prefix(count))
    decoded = decoded.dropFirst(count)
    return count
  }

  private var invalid: RecordError {
    RecordError(file: file, line: line, reason: "is not valid ISO-2022-JP; declare the file's encoding with encoding")
  }

  private func decode(_ byte: UInt8, to text: inout [UInt8]) throws(RecordError) {
    if !escape.isEmpty { return try choose(byte) }
    if let first = lead {
      lead = nil
      return try append(JISCharacters.scalar(row: Int(first) - 0x20, cell: Int(byte) - 0x20), to: &text)
    }
    switch (byte, characters) {
    case (0x1B, _): escape = [byte]
    case (0x0E, _), (0x0F, _), (0x80..., _): throw invalid
    case (...0x20, _), (0x7F, _):
      if byte == 0x0A { line += 1 }
      text.append(byte)
    case (0x5C, .roman): try append("\u{A5}", to: &text)
    case (0x7E, .roman): try append("\u{203E}", to: &text)
    case (_, .ascii), (_, .roman): text.append(byte)
    case (0x21...0x5F, .katakana): try append(UnicodeScalar(0xFF40 + UInt32(byte)), to: &text)
    case (_, .katakana): throw invalid
    case (_, .kanji): lead = byte
    }
  }

  private func append(_ scalar: UnicodeScalar?, to text: inout [UInt8]) throws(RecordError) {
    guard let scalar else { throw invalid }
    text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  /// Takes the next byte of an escape sequence.
  private func choose(_ byte: UInt8) throws(RecordError) {
    escape.append(byte)
    switch escape.dropFirst() {
    case [0x28], [0x24]: return
    case [0x28, 0x42]: characters = .ascii
    case [0x28, 0x4A]: characters = .roman
    case [0x28, 0x49]: characters = .katakana
    case [0x24, 0x40], [0x24, 0x42]: characters = .kanji
    default: throw invalid
    }
    escape = []
  }
}

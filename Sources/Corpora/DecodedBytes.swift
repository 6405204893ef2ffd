import CanonicalJSON
import Glibc
import Records
import SystemPackage

/// UTF-8 made of bytes in another encoding, without a byte order mark.
final class DecodedBytes: ByteSource {
  /// Puts what browsers read in place of characters of one's own.
  ///
  /// - Returns: Whether there is something for all of them.
  private static func replaceOwnCharacters(_ text: UnsafeMutableRawBufferPointer) -> Bool {
    var index = 0
    while index < text.count {
      guard text[index] == 0xEE, index + 2 < text.count else {
        index += 1
        continue
      }
      // U+E000 and on: ten rows from row 85 on, 94 cells each.
      let cell = Int(text[index + 1] & 0x3F) << 6 | Int(text[index + 2] & 0x3F)
      let row = 85 + cell / 94
      guard (89...92).contains(row), let scalar = JISCharacters.scalar(row: row, cell: cell % 94 + 1),
        let own = UTF8.encode(scalar), own.count == 3
      else { return false }
      for (place, byte) in own.enumerated() { text[index + place] = byte }
      index += 3
    }
    return true
  }

  /// Room in which iconv can always write what comes next.
  private static let leastRoom = 64

  private let file: FilePath
  private let source: any ByteSource
  private let name: String
  private let exceptions: EncodingExceptions?
  private let converter: iconv_t
  private var pending = [UInt8](repeating: 0, count: 1 << 16)
  /// What is read and not converted stands in `pending` from `start` up to `filled`.
  private var start = 0
  private var filled = 0
  private var ended = false
  private var hasFlushed = false
  /// What was decoded for a buffer that was too small.
  private var spare: ArraySlice<UInt8> = []
  /// The line that conversion has reached.
  private var line = 1

  private init(
    file: FilePath, source: any ByteSource, name: String, exceptions: EncodingExceptions?, converter: iconv_t
  ) {
    self.file = file
    self.exceptions = exceptions
    self.source = source
    self.name = name
    self.converter = converter
  }

  deinit { iconv_close(converter) }

  /// A source of UTF-8 for a source in the encoding that is declared or that the file tells.
  ///
  /// - Parameters:
  ///   - source: The bytes of the file.
  ///   - encoding: What the user declares.
  ///   - file: The file's name for messages.
  ///   - declaring: Where the file may declare its encoding itself.
  /// - Returns: UTF-8, not yet validated where the file is UTF-8.
  /// - Throws: `RecordError` where declaration and byte order mark disagree, or the encoding is unknown.
  static func utf8(
    _ source: any ByteSource, _ encoding: TextEncoding, file: FilePath, declaring: EncodingDeclaration = .none
  ) throws -> any ByteSource {
    let head = try PrefixedBytes.head(of: source, count: declaring.headBytes)
    let mark = TextEncoding.mark(head)
    if let mark, let declared = encoding.name, !mark.name.hasPrefix(declared) {
      throw RecordError(
        file: file, reason: "has a byte order mark of \(mark.name), but encoding says \(declared.lowercased())")
    }
    let bytes = PrefixedBytes(head.dropFirst(mark?.length ?? 0), then: source)
    var chosen = encoding
    if let mark {
      chosen = TextEncoding(name: mark.name, isStandard: false)
    } else if encoding.name == nil, let label = declaring.label(in: head) {
      chosen = EncodingLabel.encoding(label) ?? TextEncoding(name: label.uppercased(), isStandard: false)
      // A declaration that could be read as ASCII is not written in UTF-16.
      if chosen.name?.hasPrefix("UTF-16") == true { chosen = TextEncoding(name: "UTF-8", isStandard: false) }
      guard chosen.isKnown else {
        throw RecordError(
          file: file, reason: "declares the encoding \(label.shown(limit: 40)), which is unknown; set encoding")
      }
    } else if encoding.name == nil, case .xml = declaring, let wide = EncodingDeclaration.wideXML(head) {
      chosen = TextEncoding(name: wide, isStandard: false)
    }
    let name = chosen.name ?? "UTF-8"
    if name == "UTF-8" { return bytes }
    if name == "UTF-16" || name == "UTF-32" {
      throw RecordError(
        file: file, reason: "has no byte order mark; set encoding to \(name.lowercased())le or \(name.lowercased())be")
    }
    if name == "ISO-2022-JP", chosen.isStandard { return ISO2022JPBytes(bytes, file: file) }
    guard let converter = iconv_open("UTF-8", name), converter != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw RecordError(file: file, reason: "no memory to read the encoding \(name)")
    }
    return DecodedBytes(
      file: file, source: bytes, name: name, exceptions: chosen.isStandard ? EncodingExceptions.of(name) : nil,
      converter: converter)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard spare.isEmpty, buffer.count < Self.leastRoom else {
      if spare.isEmpty { return try decode(into: buffer) }
      return takeSpare(into: buffer)
    }
    spare = try [UInt8](unsafeUninitializedCapacity: Self.leastRoom) { room, count in
      count = try decode(into: UnsafeMutableRawBufferPointer(room))
    }[...]
    return takeSpare(into: buffer)
  }

  private func takeSpare(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(spare.count, buffer.count)
    buffer.copyBytes(from: spare.prefix(count))
    spare = spare.dropFirst(count)
    return count
  }

  /// Decodes into room for any one character.
  private func decode(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      try fill()
      if start == filled, ended {
        // Some converters hold the last character until they know that no accent follows.
        defer { hasFlushed = true }
        return hasFlushed ? 0 : flush(into: buffer)
      }
      if let written = exception(into: buffer) { return written }
      let (written, problem) = convert(into: buffer)
      if written > 0 {
        let text = UnsafeMutableRawBufferPointer(rebasing: buffer[..<written])
        guard exceptions?.hasIBMRows != true || Self.replaceOwnCharacters(text) else { throw invalid }
        return written
      }
      if problem == EILSEQ, let written = control(into: buffer) { return written }
      if problem != 0, problem != EINVAL || ended { throw invalid }
    }
  }

  private var invalid: RecordError {
    RecordError(file: file, line: line, reason: "is not valid \(name); declare the file's encoding with encoding")
  }

  /// Reads more of the source, if there is room for it.
  private func fill() throws {
    guard !ended else { return }
    if start == filled { (start, filled) = (0, 0) }
    if filled == pending.count, filled - start <= pending.count / 2 {
      pending.withUnsafeMutableBytes { _ = memmove($0.baseAddress!, $0.baseAddress! + start, filled - start) }
      (start, filled) = (0, filled - start)
    }
    guard filled < pending.count else { return }
    let read = try pending.withUnsafeMutableBytes {
      try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
    }
    if read == 0 { ended = true } else { filled += read }
  }

  /// Writes the character that stands next where the Encoding Standard has another than iconv; nil where it has none.
  private func exception(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let exceptions else { return nil }
    let found = pending.withUnsafeBytes {
      exceptions.character(at: UnsafeRawBufferPointer(rebasing: $0[start..<filled]))
    }
    return found.map { write($0.scalar, length: $0.length, into: buffer) }
  }

  /// Writes the control character of the next byte's number, which iconv refuses; nil where the standard does, too.
  private func control(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard exceptions?.hasControls == true, start < filled, pending[start] & 0xE0 == 0x80 else { return nil }
    return write(UnicodeScalar(pending[start]), length: 1, into: buffer)
  }

  /// Writes a character in place of the next bytes.
  private func write(_ scalar: UnicodeScalar, length: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    start += length
    // A character that the converter holds comes before it.
    let held = flush(into: buffer)
    let bytes = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyBytes(from: bytes)
    return held + bytes.count
  }

  private func convert(into buffer: UnsafeMutableRawBufferPointer) -> (written: Int, problem: Int32) {
    var problem: Int32 = 0
    var outputLeft = buffer.count
    let count = pending.withUnsafeBytes { bytes in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<filled])
      return exceptions?.reach(in: rest, limit: buffer.count) ?? rest.count
    }
    let end = start + count
    var inputLeft = count
    pending.withUnsafeMutableBytes { bytes in
      var input = bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
      var output = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      if iconv(converter, &input, &inputLeft, &output, &outputLeft) == -1 { problem = errno }
    }
    start = end - inputLeft
    return (counted(buffer, outputLeft), problem)
  }

  private func flush(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var outputLeft = buffer.count
    var output = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
    iconv(converter, nil, nil, &output, &outputLeft)
    return counted(buffer, outputLeft)
  }

  /// How many bytes were written, of which the line ends are counted.
  private func counted(_ buffer: UnsafeMutableRawBufferPointer, _ left: Int) -> Int {
    let written = buffer.count - left
    for byte in buffer[..<written] where byte == 0x0A { line += 1 }
    return written
  }
}

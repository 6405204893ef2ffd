import CanonicalJSON
import Glibc
import Records
import SystemPackage

/// UTF-8 made of bytes in another encoding, without a byte order mark.
final class DecodedBytes: ByteSource {
  private let file: FilePath
  private let source: any ByteSource
  private let name: String
  private let leftover: TextEncoding.Leftover
  private let converter: iconv_t
  private var pending = [UInt8](repeating: 0, count: 1 << 16)
  private var filled = 0
  private var ended = false
  /// The line that conversion has reached.
  private var line = 1

  private init(
    file: FilePath, source: any ByteSource, name: String, leftover: TextEncoding.Leftover, converter: iconv_t
  ) {
    self.file = file
    self.leftover = leftover
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
      chosen = TextEncoding(name: mark.name, leftover: .refused)
    } else if encoding.name == nil, let label = declaring.label(in: head) {
      chosen = EncodingLabel.encoding(label) ?? TextEncoding(name: label.uppercased(), leftover: .refused)
      // A declaration that could be read as ASCII is not written in UTF-16.
      if chosen.name?.hasPrefix("UTF-16") == true { chosen = TextEncoding(name: "UTF-8", leftover: .refused) }
      guard chosen.isKnown else {
        throw RecordError(
          file: file, reason: "declares the encoding \(label.shown(limit: 40)), which is unknown; set encoding")
      }
    } else if encoding.name == nil, case .xml = declaring, let wide = EncodingDeclaration.wideXML(head) {
      chosen = TextEncoding(name: wide, leftover: .refused)
    }
    let name = chosen.name ?? "UTF-8"
    if name == "UTF-8" { return bytes }
    if name == "UTF-16" || name == "UTF-32" {
      throw RecordError(
        file: file, reason: "has no byte order mark; set encoding to \(name.lowercased())le or \(name.lowercased())be")
    }
    guard let converter = iconv_open("UTF-8", name), converter != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw RecordError(file: file, reason: "no memory to read the encoding \(name)")
    }
    return DecodedBytes(file: file, source: bytes, name: name, leftover: chosen.leftover, converter: converter)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if !ended, filled < pending.count {
        let read = try pending.withUnsafeMutableBytes {
          try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
        }
        if read == 0 { ended = true } else { filled += read }
      }
      if filled == 0, ended { return 0 }
      let (written, problem) = convert(into: buffer)
      if written > 0 { return written }
      if problem == EILSEQ, let written = leftOver(into: buffer) { return written }
      if problem == EILSEQ || ended {
        throw RecordError(
          file: file, line: line, reason: "is not valid \(name); declare the file's encoding with encoding")
      }
    }
  }

  /// Writes the character that the Encoding Standard has for a byte that iconv refuses; nil where it has none.
  private func leftOver(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard filled > 0, buffer.count >= 3 else { return nil }
    let scalar: UnicodeScalar
    switch leftover {
    case .control where pending[0] & 0xE0 == 0x80: scalar = UnicodeScalar(pending[0])
    case .euro where pending[0] == 0x80: scalar = "€"
    default: return nil
    }
    pending.withUnsafeMutableBytes { _ = memmove($0.baseAddress!, $0.baseAddress! + 1, filled - 1) }
    filled -= 1
    let bytes = Array(String(Character(scalar)).utf8)
    buffer.copyBytes(from: bytes)
    return bytes.count
  }

  private func convert(into buffer: UnsafeMutableRawBufferPointer) -> (written: Int, problem: Int32) {
    var problem: Int32 = 0
    var inputLeft = filled
    var outputLeft = buffer.count
    pending.withUnsafeMutableBytes { bytes in
      var input = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      var output = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      if iconv(converter, &input, &inputLeft, &output, &outputLeft) == -1 { problem = errno }
      let used = filled - inputLeft
      memmove(bytes.baseAddress!, bytes.baseAddress! + used, inputLeft)
    }
    filled = inputLeft
    let written = buffer.count - outputLeft
    for byte in buffer[..<written] where byte == 0x0A { line += 1 }
    return (written, problem)
  }
}

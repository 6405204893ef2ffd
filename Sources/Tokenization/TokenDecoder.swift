/// Turns the pieces of tokens back into text.
enum TokenDecoder: Sendable, Equatable {
  /// Pieces in the byte alphabet; bytes that are no UTF-8 become U+FFFD.
  case byteLevel
  /// One step after the other over a list of texts, which are joined at last.
  case sequence([Step])
  /// No decoder: pieces with blanks between.
  case none

  enum Step: Sendable, Equatable {
    /// One text in place of another.
    case replace([UInt8], with: [UInt8])
    /// `<0x61>` becomes its byte; runs that are no UTF-8 become as many U+FFFD.
    case byteFallback
    /// All texts become one.
    case fuse
    /// So many of a character are taken from start and end.
    case strip(Unicode.Scalar, start: Int, stop: Int)
    /// Byte-level within a sequence.
    case byteLevel
  }

  /// The text of pieces, each given as the vocabulary writes it.
  func text(of pieces: [[UInt8]]) -> String {
    switch self {
    case .byteLevel: return String(decoding: Self.bytes(of: pieces), as: UTF8.self)
    case .none: return String(decoding: Array(pieces.joined(separator: [UInt8(ascii: " ")])), as: UTF8.self)
    case .sequence(let steps):
      var texts = pieces
      for step in steps { texts = Self.apply(step, to: texts) }
      return String(decoding: Array(texts.joined()), as: UTF8.self)
    }
  }

  /// The bytes of a byte-level piece; one with a character outside the byte alphabet is taken as it is.
  static func bytes(of piece: [UInt8]) -> [UInt8] {
    ByteAlphabet.bytes(of: String(decoding: piece, as: UTF8.self)) ?? piece
  }

  private static func bytes(of pieces: [[UInt8]]) -> [UInt8] { pieces.flatMap { bytes(of: $0) } }

  private static func apply(_ step: Step, to texts: [[UInt8]]) -> [[UInt8]] {
    switch step {
    case .replace(let pattern, let replacement):
      let normalizer = Normalizer(steps: [.replace(pattern, with: replacement)])
      return texts.map { normalizer.normalize($0) }
    case .fuse: return [Array(texts.joined())]
    case .byteLevel: return [Array(String(decoding: bytes(of: texts), as: UTF8.self).utf8)]
    case .strip(let scalar, let start, let stop): return texts.map { strip($0, scalar, start, stop) }
    case .byteFallback: return joiningBytes(texts)
    }
  }

  private static func strip(_ text: [UInt8], _ scalar: Unicode.Scalar, _ start: Int, _ stop: Int) -> [UInt8] {
    let unit = Array(UTF8.encode(scalar)!)
    var range = text[...]
    for _ in 0..<min(start, text.count) where range.starts(with: unit) { range = range.dropFirst(unit.count) }
    for _ in 0..<min(stop, text.count) where range.count >= unit.count && range.suffix(unit.count).elementsEqual(unit) {
      range = range.dropLast(unit.count)
    }
    return Array(range)
  }

  private static func joiningBytes(_ texts: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        for _ in bytes { result.append(Array("\u{FFFD}".utf8)) }
      }
      bytes.removeAll()
    }
    for text in texts {
      if let byte = fallbackByte(text) {
        bytes.append(byte)
      } else {
        flush()
        result.append(text)
      }
    }
    flush()
    return result
  }

  /// The byte that `<0x61>` stands for, in either case of digits.
  private static func fallbackByte(_ text: [UInt8]) -> UInt8? {
    guard text.count == 6, text.starts(with: "<0x".utf8), text[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
  }
}

extension TokenDecoder {
  /// What a piece by itself stands for, blanks at its start kept.
  func visible(_ piece: [UInt8]) -> String {
    guard case .sequence(let steps) = self else { return String(decoding: piece, as: UTF8.self) }
    let lasting = steps.filter { if case .strip = $0 { false } else { true } }
    return TokenDecoder.sequence(lasting).text(of: [piece])
  }
}

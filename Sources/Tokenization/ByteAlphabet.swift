/// GPT-2's bijection between bytes and printable characters, in which byte-level vocabularies are written.
///
/// Bytes that print as themselves in Latin-1 keep their code point; the 68 others take U+0100 onwards in order.
enum ByteAlphabet {
  /// The character of every byte.
  static let scalars: [Unicode.Scalar] = {
    var scalars: [Unicode.Scalar] = []
    var next: UInt32 = 0x100
    for byte in UInt32(0)..<256 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: scalars.append(Unicode.Scalar(byte)!)
      default:
        scalars.append(Unicode.Scalar(next)!)
        next += 1
      }
    }
    return scalars
  }()

  /// The bytes in code-point order of their characters, as trainers number them.
  static let bytesInScalarOrder: [UInt8] = (UInt8.min...UInt8.max).sorted {
    scalars[Int($0)] < scalars[Int($1)]
  }

  /// The byte of every character from U+0000 to U+0143, or nil where a character stands for none.
  private static let bytes: [UInt8?] = {
    var bytes: [UInt8?] = Array(repeating: nil, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
    return bytes
  }()

  /// The byte that a character stands for, or nil.
  static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    scalar.value < 0x144 ? bytes[Int(scalar.value)] : nil
  }

  /// The bytes that a piece of a byte-level vocabulary stands for; nil if a character stands for none.
  static func bytes(of piece: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(piece.utf8.count)
    for scalar in piece.unicodeScalars {
      guard let byte = byte(of: scalar) else { return nil }
      result.append(byte)
    }
    return result
  }

  /// Bytes as a byte-level vocabulary writes them.
  static func piece(of bytes: some Sequence<UInt8>) -> String {
    var piece = String.UnicodeScalarView()
    for byte in bytes { piece.append(scalars[Int(byte)]) }
    return String(piece)
  }
}

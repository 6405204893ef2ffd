/// Tells UTF-8 from other bytes, eight ASCII bytes at a time.
enum UTF8Check {
  enum Finding {
    case ascii
    case utf8
    case invalid
  }

  /// What bytes are, by table 3-7 of the Unicode standard.
  static func look(at bytes: UnsafeRawBufferPointer) -> Finding {
    let count = bytes.count
    var index = 0
    var isASCII = true
    func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
      index + offset < count && range.contains(bytes[index + offset])
    }
    while index < count {
      if index + 8 <= count {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let high = word & 0x8080_8080_8080_8080
        if high == 0 {
          index += 8
          continue
        }
        index += high.trailingZeroBitCount / 8
      }
      let lead = bytes[index]
      if lead < 0x80 {
        index += 1
        continue
      }
      isASCII = false
      switch lead {
      case 0xC2...0xDF where continues(1): index += 2
      case 0xE0 where continues(1, 0xA0...0xBF) && continues(2): index += 3
      case 0xED where continues(1, 0x80...0x9F) && continues(2): index += 3
      case 0xE1...0xEF where lead != 0xED && continues(1) && continues(2): index += 3
      case 0xF0 where continues(1, 0x90...0xBF) && continues(2) && continues(3): index += 4
      case 0xF1...0xF3 where continues(1) && continues(2) && continues(3): index += 4
      case 0xF4 where continues(1, 0x80...0x8F) && continues(2) && continues(3): index += 4
      default: return .invalid
      }
    }
    return isASCII ? .ascii : .utf8
  }
}

extension String {
  /// The text of bytes, or nil where they are no valid UTF-8; much faster than the standard library on long texts that
  /// are not ASCII.
  package init?(utf8 bytes: UnsafeRawBufferPointer) {
    let finding = UTF8Check.look(at: bytes)
    if finding == .invalid { return nil }
    self = bytes.withMemoryRebound(to: UInt8.self) {
      String(copying: UTF8Span(unchecked: $0.span, isKnownASCII: finding == .ascii))
    }
  }
}

/// Recognises a JSON text of a known layout without making values of it.
///
/// It says yes only where the parser would; it may say no to good JSON in another layout, which is then parsed.
package struct JSONGlance {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// A text, valid as long as the bytes are; nil where they are no UTF-8.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard UTF8Check.look(at: bytes) != .invalid else { return nil }
    self.bytes = bytes
  }

  /// Whether everything was recognised.
  package var isAtEnd: Bool { position == bytes.count }

  /// Whether these very bytes follow; they are passed over.
  package mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
    position += count
    return true
  }

  /// Whether a string follows, without `\u` escapes; it is passed over.
  package mutating func skipString() -> Bool {
    guard skip("\"") else { return false }
    while true {
      position = StringScan.special(in: bytes, from: position)
      guard position < bytes.count else { return false }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return true
      case UInt8(ascii: "\\"):
        guard position + 1 < bytes.count else { return false }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
          UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
          position += 2
        default: return false
        }
      default: return false
      }
    }
  }
}

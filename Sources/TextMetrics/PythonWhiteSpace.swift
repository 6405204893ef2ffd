/// White space as Python's `str.split()`, `str.rstrip()` and `str.isspace()` see it, on UTF-8 bytes.
///
/// The reference libraries are written in Python, so their words are what Python calls words: the information
/// separators U+001C…001F are white space there, U+200B is not.
enum PythonWhiteSpace {
  /// Whether a scalar is white space.
  @inline(__always)
  static func contains(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 {
      return scalar == 0x20 || (scalar >= 0x09 && scalar <= 0x0D) || (scalar >= 0x1C && scalar <= 0x1F)
    }
    switch scalar {
    case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return true
    default: return false
    }
  }

  /// The number of bytes of the white space character that begins at `position`, or 0.
  @inline(__always)
  static func length(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
    let first = text[position]
    if first < 0x80 { return contains(UInt32(first)) ? 1 : 0 }
    return lengthBeyondASCII(text, at: position)
  }

  private static func lengthBeyondASCII(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
    switch text[position] {
    case 0xC2: return text[position + 1] == 0x85 || text[position + 1] == 0xA0 ? 2 : 0
    case 0xE1, 0xE2, 0xE3:
      let scalar =
        UInt32(text[position] & 0x0F) << 12 | UInt32(text[position + 1] & 0x3F) << 6 | UInt32(text[position + 2] & 0x3F)
      return contains(scalar) ? 3 : 0
    default: return 0
    }
  }

  /// The text without white space at its end, as `str.rstrip()`.
  static func trimmingEnd(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var end = text.count
    while end > 0 {
      var start = end - 1
      while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
      if length(text, at: start) == 0 { break }
      end = start
    }
    return UnsafeBufferPointer(rebasing: text[0..<end])
  }

  /// Calls `body` with each word, as `str.split()`.
  @inline(__always)
  static func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard let base = text.baseAddress else { return }
    var start = 0
    var position = 0
    while position < text.count {
      let space = length(text, at: position)
      if space == 0 {
        position += 1
        continue
      }
      if position > start { body(UnsafeBufferPointer(start: base + start, count: position - start)) }
      position += space
      start = position
    }
    if position > start { body(UnsafeBufferPointer(start: base + start, count: position - start)) }
  }
}

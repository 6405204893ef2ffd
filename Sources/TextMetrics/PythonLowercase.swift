/// Lower case as Python's `str.lower()` writes it, on UTF-8 bytes.
///
/// The full Unicode mapping, so that İ becomes i and a combining dot, and Σ at the end of a word becomes ς.
enum PythonLowercase {
  /// Appends the lower-case form of `text` to `output`.
  static func append(_ text: UnsafeBufferPointer<UInt8>, to output: inout GrowingBuffer<UInt8>) {
    output.reserve(text.count)
    var position = 0
    while position < text.count {
      let byte = text[position]
      if byte < 0x80 {
        output.append(byte &- 0x41 < 26 ? byte | 0x20 : byte)
        position += 1
        continue
      }
      let (value, length) = UTF8Scalars.decode(text, at: position)
      appendLowered(value, of: text, at: position, length: length, to: &output)
      position += length
    }
  }

  private static func appendLowered(
    _ value: UInt32, of text: UnsafeBufferPointer<UInt8>, at position: Int, length: Int,
    to output: inout GrowingBuffer<UInt8>
  ) {
    guard let scalar = Unicode.Scalar(value) else { return }
    if value == 0x3A3 {
      output.append(0xCF)
      output.append(isFinalSigma(text, at: position) ? 0x82 : 0x83)
      return
    }
    for byte in scalar.properties.lowercaseMapping.utf8 { output.append(byte) }
  }

  /// Whether the Σ at `position` ends a word: a cased letter before it, none after, case-ignorable ones skipped.
  private static func isFinalSigma(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
    var before = position
    var preceded = false
    while before > 0 {
      before -= 1
      while before > 0, text[before] & 0xC0 == 0x80 { before -= 1 }
      guard let scalar = Unicode.Scalar(UTF8Scalars.decode(text, at: before).value) else { break }
      if scalar.properties.isCaseIgnorable { continue }
      preceded = scalar.properties.isCased
      break
    }
    guard preceded else { return false }
    var after = position + 2
    while after < text.count {
      let (value, length) = UTF8Scalars.decode(text, at: after)
      after += length
      guard let scalar = Unicode.Scalar(value) else { break }
      if scalar.properties.isCaseIgnorable { continue }
      return !scalar.properties.isCased
    }
    return true
  }
}

/// A number in decimal digits, compared exactly: `$1,234.50` equals `1234.5`.
public struct DecimalNumber: Sendable, Hashable, CustomStringConvertible {
  private var isNegative: Bool
  /// Digits before the point, without leading zeros.
  private var whole: [UInt8]
  /// Digits after the point, without trailing zeros.
  private var fraction: [UInt8]

  /// Reads a number.
  ///
  /// White space around it, a plus sign, `$`, `%`, one full stop at its end and commas that set off three digits are
  /// read over. Nil where no decimal number is left.
  /// - Parameter text: For instance `-$1,234.50.`.
  public init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    while let byte = rest.first, Self.isSpace(byte) { rest.removeFirst() }
    while let byte = rest.last, Self.isSpace(byte) { rest.removeLast() }
    if rest.last == UInt8(ascii: ".") { rest.removeLast() }
    while let byte = rest.last, byte == UInt8(ascii: "%") || byte == UInt8(ascii: "$") { rest.removeLast() }
    var sign: UInt8?
    // `-$5` and `$-5` are both written.
    while let byte = rest.first {
      if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+"), sign == nil {
        sign = byte
      } else if byte != UInt8(ascii: "$"), byte != UInt8(ascii: "%") {
        break
      }
      rest.removeFirst()
    }
    isNegative = sign == UInt8(ascii: "-")
    let point = rest.firstIndex(of: UInt8(ascii: ".")) ?? rest.endIndex
    guard let whole = Self.withoutCommas(rest[..<point]) else { return nil }
    fraction = Array(rest[point...].dropFirst())
    guard fraction.allSatisfy(Self.isDigit), point == rest.endIndex ? !whole.isEmpty : !fraction.isEmpty else {
      return nil
    }
    self.whole = Array(whole.drop { $0 == 0x30 })
    while fraction.last == 0x30 { fraction.removeLast() }
    if self.whole.isEmpty, fraction.isEmpty { isNegative = false }
  }

  /// The digits of groups such as `1,234,567`; nil where a comma sets off anything but three digits.
  private static func withoutCommas(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let groups = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard groups.allSatisfy({ $0.allSatisfy(isDigit) }) else { return nil }
    if groups.count > 1 {
      guard (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }) else { return nil }
    }
    return groups.flatMap(\.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  /// The number in its shortest form.
  public var description: String {
    let digits = (isNegative ? [UInt8(ascii: "-")] : []) + (whole.isEmpty ? [0x30] : whole)
    return String(decoding: fraction.isEmpty ? digits : digits + [UInt8(ascii: ".")] + fraction, as: UTF8.self)
  }
}

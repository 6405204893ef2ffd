/// A number in decimal digits, compared exactly: 1,234.50 equals $1234.5.
public struct DecimalNumber: Sendable, Hashable, CustomStringConvertible {
  private var negative: Bool
  /// Digits before the point, without leading zeros.
  private var whole: [UInt8]
  /// Digits after the point, without trailing zeros.
  private var fraction: [UInt8]

  /// Reads a number, ignoring white space around it, `$`, thousands commas and a full stop at its end.
  ///
  /// Nil where the text is no decimal number.
  /// - Parameter text: For instance `-1,234.50`.
  public init?(_ text: String) {
    var digits = text.utf8.filter { $0 != UInt8(ascii: "$") && $0 != UInt8(ascii: ",") }[...]
    while let byte = digits.first, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) { digits.removeFirst() }
    while let byte = digits.last, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) { digits.removeLast() }
    negative = digits.first == UInt8(ascii: "-")
    if negative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ $0.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
      parts.contains(where: { !$0.isEmpty })
    else { return nil }
    whole = Array(parts[0].drop { $0 == 0x30 })
    fraction = parts.count == 2 ? Array(parts[1]) : []
    while fraction.last == 0x30 { fraction.removeLast() }
    if whole.isEmpty, fraction.isEmpty { negative = false }
  }

  /// The number in its shortest form.
  public var description: String {
    let digits = (negative ? [UInt8(ascii: "-")] : []) + (whole.isEmpty ? [0x30] : whole)
    return String(decoding: fraction.isEmpty ? digits : digits + [UInt8(ascii: ".")] + fraction, as: UTF8.self)
  }
}

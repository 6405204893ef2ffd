import CanonicalJSON

/// The core schema of YAML 1.2 (§10.3.2): what a plain scalar means where no type is declared.
enum CoreSchema {
  /// Null, a Boolean, a number or, failing these, the text itself.
  static func resolve(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": .null
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: number(text).map { exactly(text, $0) } ?? .string(text)
    }
  }

  /// An integer of more digits than a double holds stays as it is written.
  private static func exactly(_ text: String, _ number: Double) -> JSONValue {
    guard number.isFinite, number.magnitude >= 0x1p53 else { return .number(number) }
    let digits = text.drop { $0 == "+" || $0 == "-" }
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return .number(number) }
    let significant = digits.drop { $0 == "0" }
    return .numeral((text.first == "-" ? "-" : "") + significant)
  }

  /// The number that a plain scalar writes, or nil; `.inf` and `.nan` are numbers that no parameter takes.
  static func number(_ text: String) -> Double? {
    var digits = Substring(text)
    if digits.hasPrefix("0x") { return hexadecimalOrOctal(digits.dropFirst(2), radix: 16) }
    if digits.hasPrefix("0o") { return hexadecimalOrOctal(digits.dropFirst(2), radix: 8) }
    if digits.first == "+" || digits.first == "-" { digits.removeFirst() }
    switch digits {
    case ".inf", ".Inf", ".INF": return text.utf8.first == UInt8(ascii: "-") ? -.infinity : .infinity
    case ".nan", ".NaN", ".NAN": return digits.count == text.count ? .nan : nil
    default: return isDecimal(digits.utf8) ? Double(text) : nil
    }
  }

  private static func hexadecimalOrOctal(_ digits: Substring, radix: Int) -> Double? {
    guard digits.utf8.first != UInt8(ascii: "+"), digits.utf8.first != UInt8(ascii: "-") else { return nil }
    return UInt64(digits, radix: radix).map { Double($0) }
  }

  /// The schema's decimal form without sign: `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
  private static func isDecimal(_ bytes: Substring.UTF8View) -> Bool {
    var rest = bytes
    func digits() -> Int {
      let count = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
      rest = rest.dropFirst(count)
      return count
    }
    let whole = digits()
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = digits()
    }
    guard whole + fraction > 0 else { return false }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}

/// A number in decimal digits, compared exactly: 1,234.50 equals $1234.5.
public struct DecimalNumber: Sendable, Hashable, CustomStringConvertible {
  private var negative: Bool
  /// Digits before the point, without leading zeros.
  private var whole: [UInt8]
  /// Digits after the point, without trailing zeros.
  private var fraction: [UInt8]

  /// Reads a number, ignoring white space around it, `$`, thousands commas and a full stop at its end.
  ///
  /// - Parameter text: For instance `-1,234.50`.
  /// - Returns: Nil where the text is no decimal number.
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

/// Where the answer of a text stands.
public struct AnswerRule: Sendable {
  /// The regular expression, or nil for the text after `####`.
  public let pattern: String?

  /// The text after the first `####`, to the end of its line, as GSM8K writes answers.
  public static let afterHashes = AnswerRule()

  private init() { pattern = nil }

  /// The first match of a regular expression: its first group, or the whole match where it has none.
  ///
  /// - Parameter pattern: The expression, in the syntax of Swift's `Regex`.
  /// - Throws: `ScoringError.pattern` where it cannot be read.
  public init(pattern: String) throws(ScoringError) {
    self.pattern = pattern
    do { _ = try Regex(pattern) } catch { throw .pattern(pattern, reason: "\(error)") }
  }

  /// Finds answers by the rule.
  public func reader() -> AnswerReader { AnswerReader(rule: self) }
}

/// Reads answers from texts by one rule.
public struct AnswerReader {
  private let regex: Regex<AnyRegexOutput>?

  init(rule: AnswerRule) {
    regex = rule.pattern.flatMap { try? Regex($0) }.map { $0.matchingSemantics(.unicodeScalar) }
  }

  /// The answer of a text, without white space around it; nil where there is none.
  public func answer(in text: String) -> String? {
    if let regex {
      guard let match = try? regex.firstMatch(in: text) else { return nil }
      let group = match.output.count > 1 ? match.output[1].substring : match.output[0].substring
      return group.map { Self.trimmed($0.utf8) }
    }
    let bytes = Array(text.utf8)
    let mark = UInt8(ascii: "#")
    guard bytes.count >= 4,
      let start = (0...(bytes.count - 4)).first(where: { position in
        (0..<4).allSatisfy { bytes[position + $0] == mark }
      })
    else { return nil }
    let line = bytes[(start + 4)...].prefix { $0 != 0x0A }
    let answer = Self.trimmed(line)
    return answer.isEmpty ? nil : answer
  }

  private static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
    var rest = bytes[...]
    while let byte = rest.first, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) { rest = rest.dropFirst() }
    while let byte = rest.last, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) { rest = rest.dropLast() }
    return String(decoding: rest, as: UTF8.self)
  }

  /// Whether two answers are the same: as decimal numbers where both are, else byte for byte.
  public static func agree(_ first: String, _ second: String) -> Bool {
    if let first = DecimalNumber(first), let second = DecimalNumber(second) { return first == second }
    return first.utf8.elementsEqual(second.utf8)
  }
}

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
      return group.map { Self.trimmed($0.utf8) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    var text = text
    return text.withUTF8 { Self.answerAfterHashes($0) }
  }

  private static func answerAfterHashes(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    let mark = UInt8(ascii: "#")
    var start = 0
    var marks = 0
    while start < bytes.count, marks < 4 {
      marks = bytes[start] == mark ? marks + 1 : 0
      start += 1
    }
    guard marks == 4 else { return nil }
    let line = bytes[start...].prefix { $0 != 0x0A }
    let answer = trimmed(line)
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

/// Where the answer of a text stands.
public struct AnswerRule: Sendable, Hashable {
  /// Which match counts where there are several.
  public enum Choice: String, Sendable, CaseIterable {
    /// The first.
    case first
    /// The last of those that do not overlap, counted from the text's start.
    case last
  }

  /// The expression for answers as GSM8K writes them: the first number behind `####`.
  public static let usualPattern = "#### *([-$0-9.,]+)"

  /// The rule for answers as GSM8K writes them.
  public static let afterHashes = AnswerRule(usual: ())

  /// The regular expression, in RE2's syntax.
  public let pattern: String
  /// Which match counts.
  public let choice: Choice

  private init(usual: Void) {
    pattern = Self.usualPattern
    choice = .first
  }

  /// The match of a regular expression: its first group that matched something, or all of it where no group took part.
  ///
  /// - Parameters:
  ///   - pattern: The expression, in RE2's syntax.
  ///   - choice: Which match counts.
  /// - Throws: `ScoringError.pattern` where RE2 refuses it.
  public init(pattern: String, choice: Choice = .first) throws(ScoringError) {
    self.pattern = pattern
    self.choice = choice
    guard !pattern.utf8.elementsEqual(Self.usualPattern.utf8) else { return }
    do throws(RegularExpression.Refusal) {
      _ = try RegularExpression(pattern)
    } catch {
      throw .pattern(pattern, reason: error.reason)
    }
  }

  /// Finds answers by the rule.
  public func reader() -> AnswerReader { AnswerReader(rule: self) }
}

/// Reads answers from texts by one rule.
public struct AnswerReader: Sendable {
  private let expression: RegularExpression
  private let choice: AnswerRule.Choice
  /// Whether the expression may ask for the text's end.
  private let asksForEnd: Bool

  init(rule: AnswerRule) {
    guard let expression = try? RegularExpression(rule.pattern) else {
      preconditionFailure("a rule's expression has been compiled before")
    }
    self.expression = expression
    choice = rule.choice
    asksForEnd =
      !rule.pattern.utf8.elementsEqual(AnswerRule.usualPattern.utf8) && rule.pattern.utf8.contains(UInt8(ascii: "$"))
  }

  /// The answer of a text, without white space around it; nil where there is none.
  public func answer(in text: String) -> String? {
    var text = text
    return text.withUTF8 { bytes in
      guard let match = chosenMatch(in: bytes), let whole = match[0] else { return nil }
      let groups = match.dropFirst().compactMap(\.self)
      // A group that matched nothing finds nothing, as in lm-evaluation-harness.
      let range = groups.isEmpty ? whole : groups.first { !$0.isEmpty } ?? whole.lowerBound..<whole.lowerBound
      let answer = Self.trimmed(bytes[range])
      return answer.isEmpty ? nil : answer
    }
  }

  private func chosenMatch(in text: UnsafeBufferPointer<UInt8>) -> [Range<Int>?]? {
    let match = chosenMatch(upToEndOf: text)
    guard asksForEnd, text.last == UInt8(ascii: "\n") else { return match }
    // In Python `$` stands before a final line end, too; RE2's stands at the very end alone.
    guard let before = chosenMatch(upToEndOf: UnsafeBufferPointer(rebasing: text.dropLast())), let start = before[0]
    else { return match }
    guard let match, let other = match[0] else { return before }
    let isBetter = choice == .first ? start.lowerBound < other.lowerBound : start.lowerBound > other.lowerBound
    return isBetter ? before : match
  }

  private func chosenMatch(upToEndOf text: UnsafeBufferPointer<UInt8>) -> [Range<Int>?]? {
    guard let first = expression.match(in: text, from: 0) else { return nil }
    guard choice == .last else { return first }
    var last = first
    while let range = last[0] {
      // Behind an empty match the next begins a character further.
      let start = range.isEmpty ? Self.nextCharacter(in: text, after: range.upperBound) : range.upperBound
      guard start <= text.count, let next = expression.match(in: text, from: start) else { break }
      last = next
    }
    return last
  }

  private static func nextCharacter(in text: UnsafeBufferPointer<UInt8>, after place: Int) -> Int {
    var next = place + 1
    while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
    return next
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

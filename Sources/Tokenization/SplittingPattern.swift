/// A regular expression that cuts text into words, written out by hand.
///
/// Each pattern matches at every position, so words follow one another without gaps.
enum SplittingPattern: Sendable, Equatable {
  /// GPT-2's: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  case gpt2
  /// GPT-4's, as in Llama 3 (digits in threes) and Qwen 2 (single digits):
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  case gpt4(maximumDigits: Int)

  /// The pattern that a regular expression of a `tokenizer.json` means; nil for one that is not known here.
  init?(regularExpression: String) {
    let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    let head = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    switch regularExpression {
    case #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
      #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#:
      self = .gpt2
    case head + #"\p{N}{1,3}"# + tail: self = .gpt4(maximumDigits: 3)
    case head + #"\p{N}"# + tail: self = .gpt4(maximumDigits: 1)
    default: return nil
    }
  }

  typealias Position = UnsafePointer<UInt8>

  /// The end of the word that starts at `start`, which is before `end`.
  @inline(__always)
  func wordEnd(from start: Position, before end: Position, _ traits: ScalarTraits) -> Position {
    switch self {
    case .gpt2: Self.gpt2(start, end, traits)
    case .gpt4(let digits): Self.gpt4(start, end, traits, maximumDigits: digits)
    }
  }

  // MARK: The two patterns

  @inline(__always)
  private static func gpt2(_ start: Position, _ end: Position, _ traits: ScalarTraits) -> Position {
    if start.pointee == UInt8(ascii: "'"), let end = contraction(start, end, foldingCase: false) { return end }
    var position = start
    var (found, length) = traits.at(position, before: end)
    if start.pointee == UInt8(ascii: " "), start + 1 < end {
      let next = traits.at(start + 1, before: end)
      if next.traits & ScalarTraits.space == 0 {
        position += 1
        (found, length) = next
      }
    }
    let category = found & ScalarTraits.category
    if category == ScalarTraits.space { return whiteSpace(start, end, traits) }
    return run(of: category, position + length, end, traits)
  }

  @inline(__always)
  private static func gpt4(
    _ start: Position, _ end: Position, _ traits: ScalarTraits, maximumDigits: Int
  ) -> Position {
    if start.pointee == UInt8(ascii: "'"), let end = contraction(start, end, foldingCase: true) { return end }
    let (found, length) = traits.at(start, before: end)
    let category = found & ScalarTraits.category
    if category == ScalarTraits.letter { return run(of: category, start + length, end, traits) }
    if category == ScalarTraits.number {
      var position = start + length
      for _ in 1..<max(maximumDigits, 1) where position < end {
        let next = traits.at(position, before: end)
        if next.traits & ScalarTraits.number == 0 { break }
        position += next.length
      }
      return position
    }
    // One character before letters, or one blank before punctuation.
    let isLineEnd = start.pointee == 0x0D || start.pointee == 0x0A
    var next = start + length
    if !isLineEnd, next < end {
      let following = traits.at(next, before: end)
      let kind = following.traits & ScalarTraits.category
      if kind == ScalarTraits.letter { return run(of: kind, next + following.length, end, traits) }
      if kind == 0, category == 0 || start.pointee == UInt8(ascii: " ") {
        next = run(of: 0, next + following.length, end, traits)
        return lineEnds(next, end)
      }
    }
    if category == 0 { return lineEnds(next, end) }
    return whiteSpace(start, end, traits, endingInLines: true)
  }

  // MARK: Their parts

  /// The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`.
  private static func contraction(_ start: Position, _ end: Position, foldingCase: Bool) -> Position? {
    func letter(_ index: Int) -> UInt8 {
      guard start + index < end else { return 0 }
      let byte = start[index]
      return foldingCase && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
    switch (letter(1), letter(2)) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    // ſ (U+017F) is a small s to an engine that folds case.
    case (0xC5, 0xBF): return foldingCase ? start + 3 : nil
    default: return nil
    }
  }

  /// The end of the run of characters of one category.
  @inline(__always)
  private static func run(
    of category: UInt8, _ start: Position, _ end: Position, _ traits: ScalarTraits
  ) -> Position {
    var position = start
    while position < end {
      let next = traits.at(position, before: end)
      if next.traits & ScalarTraits.category != category { break }
      position += next.length
    }
    return position
  }

  private static func lineEnds(_ start: Position, _ end: Position) -> Position {
    var position = start
    while position < end, position.pointee == 0x0D || position.pointee == 0x0A { position += 1 }
    return position
  }

  /// `\s*[\r\n]+` where asked for, then `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word
  /// that follows it.
  private static func whiteSpace(
    _ start: Position, _ end: Position, _ traits: ScalarTraits, endingInLines: Bool = false
  ) -> Position {
    var position = start
    var last = start
    var afterLineEnd: Position? = nil
    while position < end {
      let next = traits.at(position, before: end)
      if next.traits & ScalarTraits.space == 0 { break }
      last = position
      position += next.length
      if last.pointee == 0x0D || last.pointee == 0x0A { afterLineEnd = position }
    }
    if endingInLines, let afterLineEnd { return afterLineEnd }
    return position == end || last == start ? position : last
  }
}

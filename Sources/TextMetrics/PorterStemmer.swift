/// Porter's suffix stripping with the extensions that NLTK's `PorterStemmer` has by default.
///
/// M. F. Porter, "An algorithm for suffix stripping", Program 14.3 (1980); the extensions are those of
/// `nltk.stem.porter` (`NLTK_EXTENSIONS`). Works on lower-case ASCII letters and digits.
public struct PorterStemmer: Sendable {
  /// A stemmer; it has no state.
  public init() {}

  /// The stem of a word of lower-case ASCII letters and digits.
  public func stem(_ word: String) -> String {
    var bytes = Array(word.utf8)
    stem(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Replaces a word by its stem.
  func stem(_ word: inout [UInt8]) {
    for (form, stem) in Self.irregular where word.elementsEqual(form.utf8) {
      word = Array(stem.utf8)
      return
    }
    if word.count <= 2 { return }
    Self.plural(&word)
    Self.pastAndGerund(&word)
    Self.finalY(&word)
    Self.doubleSuffix(&word)
    Self.apply(Self.step3, to: &word)
    Self.longSuffix(&word)
    Self.finalE(&word)
    if word.hasSuffix("ll"), measure(word, word.count - 1) > 1 { word.removeLast() }
  }

  private static let irregular: [(StaticSuffix, StaticSuffix)] = [
    ("sky", "sky"), ("skies", "sky"), ("dying", "die"), ("lying", "lie"), ("tying", "tie"), ("news", "news"),
    ("innings", "inning"), ("inning", "inning"), ("outings", "outing"), ("outing", "outing"),
    ("cannings", "canning"), ("canning", "canning"), ("howe", "howe"), ("proceed", "proceed"),
    ("exceed", "exceed"), ("succeed", "succeed"),
  ]

  /// A rule: suffix, what replaces it where the rest has a measure above zero.
  private typealias Rule = (suffix: StaticSuffix, replacement: StaticSuffix)

  private static let step2: [Rule] = [
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
  ]

  private static let step3: [Rule] = [
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
  ]

  private static let step4: [StaticSuffix] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
  ]

  /// Step 1a.
  private static func plural(_ word: inout [UInt8]) {
    if word.hasSuffix("ies") {
      word.removeLast(word.count == 4 ? 1 : 2)
    } else if word.hasSuffix("sses") {
      word.removeLast(2)
    } else if word.hasSuffix("s"), !word.hasSuffix("ss") {
      word.removeLast()
    }
  }

  /// Step 1b.
  private static func pastAndGerund(_ word: inout [UInt8]) {
    if word.hasSuffix("ied") {
      word.removeLast(word.count == 4 ? 1 : 2)
      return
    }
    if word.hasSuffix("eed") {
      if measure(word, word.count - 3) > 0 { word.removeLast() }
      return
    }
    let stemLength =
      word.hasSuffix("ed") && containsVowel(word, word.count - 2)
      ? word.count - 2 : word.hasSuffix("ing") && containsVowel(word, word.count - 3) ? word.count - 3 : 0
    guard stemLength > 0 else { return }
    word.removeLast(word.count - stemLength)
    let last = word[stemLength - 1]
    if word.hasSuffix("at") || word.hasSuffix("bl") || word.hasSuffix("iz") {
      word.append(UInt8(ascii: "e"))
    } else if endsInDoubleConsonant(word) {
      if last != UInt8(ascii: "l"), last != UInt8(ascii: "s"), last != UInt8(ascii: "z") { word.removeLast() }
    } else if measure(word, stemLength) == 1, endsInShortSyllable(word, stemLength) {
      word.append(UInt8(ascii: "e"))
    }
  }

  /// Step 1c: only after a consonant that is not the whole stem.
  private static func finalY(_ word: inout [UInt8]) {
    guard word.hasSuffix("y"), word.count > 2, isConsonant(word, word.count - 2) else { return }
    word[word.count - 1] = UInt8(ascii: "i")
  }

  /// Step 2; where "alli" falls to "al" the step is taken again.
  private static func doubleSuffix(_ word: inout [UInt8]) {
    while word.hasSuffix("alli"), measure(word, word.count - 4) > 0 { word.removeLast(2) }
    if apply(step2, to: &word) { return }
    // The l of "logi" counts as part of the stem, so that "geologi" has a measure.
    if word.hasSuffix("logi"), measure(word, word.count - 3) > 0 { word.removeLast() }
  }

  /// Step 4.
  private static func longSuffix(_ word: inout [UInt8]) {
    for suffix in step4 where word.hasSuffix(suffix) {
      let rest = word.count - suffix.count
      guard measure(word, rest) > 1 else { return }
      if suffix == "ion", word[rest - 1] != UInt8(ascii: "s"), word[rest - 1] != UInt8(ascii: "t") { return }
      word.removeLast(suffix.count)
      return
    }
  }

  /// Step 5a.
  private static func finalE(_ word: inout [UInt8]) {
    guard word.hasSuffix("e") else { return }
    let rest = word.count - 1
    let measure = measure(word, rest)
    if measure > 1 || (measure == 1 && !endsInShortSyllable(word, rest)) { word.removeLast() }
  }

  /// Applies the first rule whose suffix the word has; true where there was one, even if it changed nothing.
  @discardableResult
  private static func apply(_ rules: [Rule], to word: inout [UInt8]) -> Bool {
    for rule in rules where word.hasSuffix(rule.suffix) {
      let rest = word.count - rule.suffix.count
      if measure(word, rest) > 0 {
        word.removeLast(rule.suffix.count)
        word.append(contentsOf: rule.replacement.utf8)
      }
      return true
    }
    return false
  }
}

// MARK: Consonants and vowels

private func isVowelLetter(_ letter: UInt8) -> Bool {
  switch letter {
  case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"): true
  default: false
  }
}

/// A letter other than a vowel, and other than y after a consonant.
private func isConsonant(_ word: [UInt8], _ index: Int) -> Bool {
  var index = index
  var negated = false
  while index > 0, word[index] == UInt8(ascii: "y") {
    negated.toggle()
    index -= 1
  }
  return isVowelLetter(word[index]) == negated
}

/// The number of vowel–consonant sequences in the first `length` letters.
private func measure(_ word: [UInt8], _ length: Int) -> Int {
  var measure = 0
  var afterConsonant = false
  for index in 0..<length {
    let consonant =
      word[index] == UInt8(ascii: "y") ? index == 0 || !afterConsonant : !isVowelLetter(word[index])
    if consonant, index > 0, !afterConsonant { measure += 1 }
    afterConsonant = consonant
  }
  return measure
}

private func containsVowel(_ word: [UInt8], _ length: Int) -> Bool {
  var afterConsonant = false
  for index in 0..<length {
    let consonant =
      word[index] == UInt8(ascii: "y") ? index == 0 || !afterConsonant : !isVowelLetter(word[index])
    if !consonant { return true }
    afterConsonant = consonant
  }
  return false
}

private func endsInDoubleConsonant(_ word: [UInt8]) -> Bool {
  word.count >= 2 && word[word.count - 1] == word[word.count - 2] && isConsonant(word, word.count - 1)
}

/// Whether the first `length` letters end in consonant, vowel, consonant other than w, x, y, or are vowel, consonant.
private func endsInShortSyllable(_ word: [UInt8], _ length: Int) -> Bool {
  if length == 2 { return !isConsonant(word, 0) && isConsonant(word, 1) }
  guard length >= 3, isConsonant(word, length - 3), !isConsonant(word, length - 2), isConsonant(word, length - 1)
  else { return false }
  let last = word[length - 1]
  return last != UInt8(ascii: "w") && last != UInt8(ascii: "x") && last != UInt8(ascii: "y")
}

/// An ASCII suffix written in the program.
private struct StaticSuffix: ExpressibleByStringLiteral, Equatable {
  let utf8: [UInt8]
  var count: Int { utf8.count }
  init(stringLiteral value: String) { utf8 = Array(value.utf8) }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ suffix: StaticSuffix) -> Bool {
    guard count >= suffix.count else { return false }
    let start = count - suffix.count
    for index in 0..<suffix.count where self[start + index] != suffix.utf8[index] { return false }
    return true
  }
}

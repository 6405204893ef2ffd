/// The characters and words of the texts of one prompt, counted once and compared in any combination.
///
/// A text is the sorted list of its windows of six characters, each packed into one integer; n-grams of a lower order
/// are prefixes, so the common n-grams of two texts are counted by merging two sorted lists.
struct CharacterFScoreGroup: ~Copyable {
  /// The best counts of one sample, for chrF and for chrF++.
  struct Best {
    var charactersOnly: [Double]
    var withWords: [Double]
  }

  private var wide = false
  private var bits: UInt64 = 0
  private var characters = GrowingBuffer<UInt32>(capacity: 1 << 10)
  private var borders: [Int] = [0]
  private var keys = GrowingBuffer<UInt64>(capacity: 1 << 10)
  private var wideKeys = GrowingBuffer<UInt128>()
  private var index = NGramIndex(order: 2)
  private var words = GrowingBuffer<Int32>()
  private var counts = GrowingBuffer<Int32>()
  private var alphabet: [UInt32: UInt32] = [:]
  private var asciiAlphabet = [UInt32](repeating: 0, count: 128)

  /// Takes the texts of a prompt; from here on they are numbered by their place in `members`.
  mutating func set(_ texts: borrowing TextTable, _ members: [Int], _ table: inout WordTable) {
    characters.removeAll()
    borders.removeAll(keepingCapacity: true)
    borders.append(0)
    alphabet.removeAll(keepingCapacity: true)
    for scalar in 0..<128 { asciiAlphabet[scalar] = 0 }
    index.removeAll()
    var distinct: UInt32 = 0
    for text in members {
      appendCharacters(texts[text], &distinct)
      borders.append(characters.count)
      words.removeAll()
      Self.appendWords(texts[text], to: &words, &table)
      index.add(words.elements)
    }
    counts.extend(to: Int(index.highest) + 1, filling: 0)
    bits = UInt64(32 - distinct.leadingZeroBitCount)
    wide = bits * UInt64(CharacterFScore.characterOrder) > 64
    if wide {
      wideKeys.removeAll()
      wideKeys.extend(to: characters.count, filling: 0)
      Self.sortWindows(characters.elements, borders, bits: bits, into: wideKeys.start)
    } else {
      keys.removeAll()
      keys.extend(to: characters.count, filling: 0)
      Self.sortWindows(characters.elements, borders, bits: bits, into: keys.start)
    }
  }

  /// Numbers the characters of the prompt from 1, so that 0 stands for what is beyond a text's end.
  private mutating func appendCharacters(_ text: UnsafeBufferPointer<UInt8>, _ distinct: inout UInt32) {
    characters.reserve(text.count)
    var position = 0
    while position < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: position)
      position += length
      if PythonWhiteSpace.contains(scalar) { continue }
      var number = scalar < 128 ? asciiAlphabet[Int(scalar)] : alphabet[scalar] ?? 0
      if number == 0 {
        distinct += 1
        number = distinct
        if scalar < 128 { asciiAlphabet[Int(scalar)] = number } else { alphabet[scalar] = number }
      }
      characters.append(number)
    }
  }

  private static func sortWindows<Key: FixedWidthInteger & BitwiseCopyable>(
    _ characters: UnsafeBufferPointer<UInt32>, _ borders: [Int], bits: UInt64, into keys: UnsafeMutablePointer<Key>
  ) {
    let order = CharacterFScore.characterOrder
    let mask = bits * UInt64(order) == UInt64(Key.bitWidth) ? ~Key(0) : (Key(1) << Key(bits * UInt64(order))) - 1
    for text in 0..<borders.count - 1 {
      let (first, end) = (borders[text], borders[text + 1])
      var window: Key = 0
      for position in first..<end + order - 1 {
        window = ((window << Key(bits)) | (position < end ? Key(characters[position]) : 0)) & mask
        if position - first >= order - 1 { keys[position - order + 1] = window }
      }
      var windows = UnsafeMutableBufferPointer(start: keys + first, count: end - first)
      windows.sort()
    }
  }

  /// Words as chrF++ sees them: split at white space, one punctuation mark split off the end, else off the beginning.
  private static func appendWords(
    _ text: UnsafeBufferPointer<UInt8>, to words: inout GrowingBuffer<Int32>, _ table: inout WordTable
  ) {
    PythonWhiteSpace.split(text) { word in
      let last = word.count - 1
      if last > 0, isPunctuation(word[last]) {
        words.append(table.number(of: UnsafeBufferPointer(rebasing: word[..<last])))
        words.append(table.number(of: UnsafeBufferPointer(rebasing: word[last...])))
      } else if last > 0, isPunctuation(word[0]) {
        words.append(table.number(of: UnsafeBufferPointer(rebasing: word[..<1])))
        words.append(table.number(of: UnsafeBufferPointer(rebasing: word[1...])))
      } else {
        words.append(table.number(of: word))
      }
    }
  }

  @inline(__always)
  private static func isPunctuation(_ byte: UInt8) -> Bool {
    (byte >= 0x21 && byte <= 0x2F) || (byte >= 0x3A && byte <= 0x40) || (byte >= 0x5B && byte <= 0x60)
      || (byte >= 0x7B && byte <= 0x7E)
  }

  /// The counts of each sample against the reference with the best F-score, for both metrics.
  mutating func statistics(samples: [Int], references: [Int]) -> [Best] {
    var best = [Best](repeating: Best(charactersOnly: [], withWords: []), count: samples.count)
    var scores = [(Double, Double)](repeating: (-1, -1), count: samples.count)
    let characterWidth = CharacterFScore().width
    var values = [Double](repeating: 0, count: CharacterFScore(withWords: true).width)
    for reference in references {
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = entry.count }
      for (place, sample) in samples.enumerated() {
        compare(sample, reference, &values)
        let (short, long) = values.withUnsafeBufferPointer {
          (CharacterFScore.score(of: .init(rebasing: $0[..<characterWidth])), CharacterFScore.score(of: $0))
        }
        if short > scores[place].0 {
          scores[place].0 = short
          best[place].charactersOnly = Array(values[..<characterWidth])
        }
        if long > scores[place].1 {
          scores[place].1 = long
          best[place].withWords = values
        }
      }
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = 0 }
    }
    return best
  }

  private func compare(_ sample: Int, _ reference: Int, _ values: inout [Double]) {
    let order = CharacterFScore.characterOrder
    let (first, second) = (borders[sample]..<borders[sample + 1], borders[reference]..<borders[reference + 1])
    // A text's last windows are cut short and padded; n windows of equal texts would match in their padding.
    var commonEnd = 0
    while commonEnd < min(order, first.count, second.count),
      characters[first.upperBound - 1 - commonEnd] == characters[second.upperBound - 1 - commonEnd]
    { commonEnd += 1 }
    for n in 1...order {
      let totals = (
        NGramIndex.total(length: first.count, order: n), NGramIndex.total(length: second.count, order: n)
      )
      let shift = UInt64(order - n) * bits
      let matches =
        wide
        ? Self.common(wideKeys.elements, first, second, shift) : Self.common(keys.elements, first, second, shift)
      values[3 * n - 3] = Double(totals.1 > 0 ? totals.0 : 0)
      values[3 * n - 2] = Double(totals.1)
      values[3 * n - 1] = Double(matches - min(n - 1, commonEnd))
    }
    for n in 1...2 {
      let totals = (
        NGramIndex.total(length: index.length(of: sample), order: n),
        NGramIndex.total(length: index.length(of: reference), order: n)
      )
      var matches: Int32 = 0
      for entry in index.entries(of: sample, order: n) { matches += min(entry.count, counts[Int(entry.number)]) }
      values[3 * (order + n) - 3] = Double(totals.1 > 0 ? totals.0 : 0)
      values[3 * (order + n) - 2] = Double(totals.1)
      values[3 * (order + n) - 1] = Double(matches)
    }
  }

  /// The size of the common multiset of two sorted ranges, after a shift.
  @inline(__always)
  private static func common<Key: FixedWidthInteger & BitwiseCopyable>(
    _ keys: UnsafeBufferPointer<Key>, _ first: Range<Int>, _ second: Range<Int>, _ shift: UInt64
  ) -> Int {
    guard let keys = keys.baseAddress else { return 0 }
    var (i, j, common) = (first.lowerBound, second.lowerBound, 0)
    while i < first.upperBound, j < second.upperBound {
      let left = keys[i] &>> Key(truncatingIfNeeded: shift)
      let right = keys[j] &>> Key(truncatingIfNeeded: shift)
      // Without branches: which way the merge goes cannot be predicted.
      i &+= left <= right ? 1 : 0
      j &+= right <= left ? 1 : 0
      common &+= left == right ? 1 : 0
    }
    return common
  }
}

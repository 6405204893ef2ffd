/// Words as rouge-score's default tokenizer makes them: lower case, runs of ASCII letters and digits, with sentence
/// ends at line feeds.
struct ROUGEWords: ~Copyable {
  private var table = WordTable()
  private var scratch = GrowingBuffer<UInt8>()
  /// Number of a word's stem, or −1 where it is not known yet, −2 where the stem is empty.
  private var stems = GrowingBuffer<Int32>()
  private let stemmer = PorterStemmer()

  /// Appends the words of `text` as numbers, and the word counts at which sentences end.
  mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, to words: inout GrowingBuffer<Int32>, sentenceEnds: inout [Int]
  ) {
    scratch.removeAll()
    scratch.reserve(text.count + 1)
    let first = words.count
    var position = 0
    while position < text.count {
      let byte = text[position]
      position += 1
      let lowered = Self.lowercase[Int(byte)]
      if lowered != 0 {
        scratch.append(lowered)
        continue
      }
      // Two scalars beyond ASCII have an ASCII letter in their lower case: İ (i and a combining dot) and the
      // Kelvin sign (k).
      if byte == 0xC4, text[position] == 0xB0 {
        scratch.append(UInt8(ascii: "i"))
        position += 1
      } else if byte == 0xE2, text[position] == 0x84, text[position + 1] == 0xAA {
        scratch.append(UInt8(ascii: "k"))
        position += 2
        continue
      }
      endWord(&words)
      if byte == 0x0A { Self.endSentence(words.count - first, &sentenceEnds) }
    }
    endWord(&words)
    Self.endSentence(words.count - first, &sentenceEnds)
  }

  private static func endSentence(_ count: Int, _ ends: inout [Int]) {
    if count > (ends.last ?? 0) { ends.append(count) }
  }

  @inline(__always)
  private mutating func endWord(_ words: inout GrowingBuffer<Int32>) {
    if scratch.count == 0 { return }
    words.append(table.number(of: scratch.elements))
    scratch.removeAll()
  }

  /// The number of the stem of a word, or nil where nothing is left.
  ///
  /// Words of up to three letters are their own stems.
  mutating func stem(of word: Int32) -> Int32? {
    stems.extend(to: table.count, filling: -1)
    let known = stems[Int(word)]
    if known != -1 { return known == -2 ? nil : known }
    var bytes = Array(table.word(word))
    if bytes.count > 3 { stemmer.stem(&bytes) }
    let number = bytes.isEmpty ? -2 : bytes.withUnsafeBufferPointer { table.number(of: $0) }
    stems[Int(word)] = number
    return number == -2 ? nil : number
  }

  /// Lower-case form of ASCII letters and digits, 0 for every other byte.
  private static let lowercase: InlineArray<256, UInt8> = {
    var table = InlineArray<256, UInt8>(repeating: 0)
    for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = byte }
    for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
      table[Int(byte)] = byte
      table[Int(byte) - 32] = byte
    }
    return table
  }()
}

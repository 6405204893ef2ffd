/// The immutable part of byte-pair encoding: a vocabulary and its merges.
///
/// R. Sennrich, B. Haddow, A. Birch: Neural Machine Translation of Rare Words with Subword Units (ACL 2016).
struct BytePairModel: Sendable {
  /// What stands for a character that the vocabulary lacks.
  struct Unknown: Sendable {
    var token: Int32
    /// Whether neighbours become one.
    var isFused: Bool
  }

  /// Pieces as the file writes them, with their numbers.
  let vocabulary: ByteStringTable
  /// Rank of a pair by its key; a lower rank is merged first.
  let ranks: PairTable
  /// The token that a merge makes, by rank.
  let merged: [Int32]
  let unknown: Unknown?
  /// Tokens `<0x00>` … `<0xFF>` for characters that the vocabulary lacks; those that exist.
  let byteFallback: [Int32?]?
  /// Whether a word that is in the vocabulary is taken as it is.
  let takesWholeWords: Bool
  /// Whether words are written in the byte alphabet.
  let isByteLevel: Bool
  /// In a byte-level model the token of each byte, where all have one.
  let byteTokens: [Int32]?

  init(
    vocabulary: ByteStringTable, ranks: PairTable, merged: [Int32], unknown: Unknown?, hasByteFallback: Bool,
    takesWholeWords: Bool, isByteLevel: Bool
  ) {
    self.vocabulary = vocabulary
    self.ranks = ranks
    self.merged = merged
    self.unknown = unknown
    self.takesWholeWords = takesWholeWords
    self.isByteLevel = isByteLevel
    byteFallback =
      hasByteFallback ? (0..<256).map { vocabulary.value(of: Self.fallbackPiece(UInt8($0))) } : nil
    let tokens = ByteAlphabet.scalars.map { vocabulary.value(of: String($0)) }
    byteTokens = isByteLevel && !tokens.contains(nil) ? tokens.compactMap { $0 } : nil
  }

  /// The piece that stands for a byte where the character has none.
  static func fallbackPiece(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x" + (digits.count == 1 ? "0" : "") + digits + ">"
  }

  /// The tokens of a word before any merge.
  func appendCharacters(of word: UnsafeBufferPointer<UInt8>, to symbols: inout [Int32]) {
    if let byteTokens {
      for byte in word { symbols.append(byteTokens[Int(byte)]) }
      return
    }
    var pending = 0  // unknown characters not written yet
    func flush() {
      if let unknown, pending > 0 { symbols.append(unknown.token) }
      pending = 0
    }
    let text = isByteLevel ? ByteAlphabet.piece(of: word) : String(decoding: word, as: UTF8.self)
    for scalar in text.unicodeScalars {
      let character = Array(UTF8.encode(scalar)!)
      if let token = vocabulary.value(of: character) {
        flush()
        symbols.append(token)
        continue
      }
      // As the reference does, bytes overtake an unknown character that waits for others to be fused with.
      if let byteFallback {
        let tokens = character.compactMap { byteFallback[Int($0)] }
        if tokens.count == character.count {
          symbols.append(contentsOf: tokens)
          continue
        }
      }
      guard let unknown else { continue }
      if !unknown.isFused { flush() }
      pending += 1
    }
    flush()
  }

  /// The token of a whole word, or nil.
  func token(of word: UnsafeBufferPointer<UInt8>) -> Int32? {
    if isByteLevel { return vocabulary.value(of: ByteAlphabet.piece(of: word)) }
    return vocabulary.index(of: word, hash: ByteStringTable.hash(word)).map { vocabulary[$0] }
  }
}

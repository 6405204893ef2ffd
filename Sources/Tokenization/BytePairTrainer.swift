internal import CanonicalJSON

/// Learns a byte-level byte-pair vocabulary from texts.
///
/// The result is that of the `tokenizers` library's trainer on the same texts: GPT-2's splitting pattern without a
/// leading space, the special token first, then the 256 bytes in code-point order of their characters, then merges.
/// The most frequent pair is merged first, of equal counts the pair of lower ids. It depends on the texts alone, not
/// on their order.
public struct BytePairTrainer {
  /// The one special token, which begins and ends texts and to which no text is encoded.
  public static let specialToken = "<|endoftext|>"
  /// The least size of a vocabulary: the special token and all bytes.
  public static let leastSize = 257

  /// The number of tokens to reach; fewer where texts run out of pairs.
  public let vocabularySize: Int
  /// A pair seen less often is not merged.
  public let minimumFrequency: Int

  private var words = WordCounter()
  private let traits = ScalarTraits()
  private static let preTokenizer = PreTokenizer(steps: [.pattern(.gpt2)], isByteLevel: true)

  /// A trainer that has seen no text.
  ///
  /// - Parameters:
  ///   - vocabularySize: The number of tokens to reach.
  ///   - minimumFrequency: A pair seen less often is not merged.
  /// - Throws: `TokenizerError.vocabularyTooSmall` below `leastSize`.
  public init(vocabularySize: Int, minimumFrequency: Int = 2) throws(TokenizerError) {
    if vocabularySize < Self.leastSize {
      throw .vocabularyTooSmall(size: vocabularySize, least: Self.leastSize)
    }
    self.vocabularySize = vocabularySize
    self.minimumFrequency = minimumFrequency
  }

  /// Counts the words of a text.
  public mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add($0) }
  }

  /// Counts the words of a text given as UTF-8.
  public mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
    Self.preTokenizer.split(text, traits, into: &words)
  }

  /// The tokenizer that the texts so far teach.
  ///
  /// - Throws: Nothing but what a tokenizer read from a file throws.
  public func train() throws(TokenizerError) -> Tokenizer {
    var learner = MergeLearner(words)
    learner.learn(upTo: vocabularySize, minimumFrequency: minimumFrequency)
    let pieces = [Self.specialToken] + learner.pieces.dropFirst().map { ByteAlphabet.piece(of: $0) }
    let text = TokenizerText(
      vocabulary: pieces.enumerated().map { ($1, $0) },
      merges: learner.distinctMerges.map { (pieces[Int($0.left)], pieces[Int($0.right)]) },
      addedTokens: [AddedToken(token: 0, content: Self.specialToken, isSpecial: true)])
    return try Tokenizer(TokenizerFiles(tokenizer: text.bytes, configuration: Self.configuration))
  }

  /// A `tokenizer_config.json` that `transformers` reads the same way.
  private static var configuration: [UInt8] {
    let value: JSONValue = [
      "add_prefix_space": false, "bos_token": .string(specialToken), "clean_up_tokenization_spaces": false,
      "eos_token": .string(specialToken), "tokenizer_class": "PreTrainedTokenizerFast",
    ]
    return Array(value.prettyText.utf8)
  }
}

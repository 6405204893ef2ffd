/// What turns text into tokens, none of it changing.
struct EncodingPipeline: Sendable {
  /// Added tokens that are matched in the text as it is.
  var verbatimTokens: AddedTokenMatcher
  var normalizer: Normalizer
  /// Added tokens that are matched in the normalised text.
  var normalizedTokens: AddedTokenMatcher
  var preTokenizer: PreTokenizer
  var model: BytePairModel
}

/// The state of one encoding at a time: remembered words and buffers.
struct TextEncoder: WordSink {
  /// Longer words are rare and merged anew each time.
  private static let longestRemembered = 128
  private static let mostRemembered = 1 << 16

  private let pipeline: EncodingPipeline
  private let traits = ScalarTraits()
  private var merger = WordMerger()
  private var output: [TokenID] = []
  private var addedTokenCount = 0

  /// Words seen before; the value of each is where its tokens start in `remembered`, its count first.
  private var words = ByteStringTable(capacity: 1 << 12)
  private var remembered: [Int32] = []

  init(_ pipeline: EncodingPipeline) { self.pipeline = pipeline }

  /// Appends the tokens of a text.
  mutating func encode(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
    swap(&output, &tokens)
    encode(text)
    swap(&output, &tokens)
  }

  private mutating func encode(_ text: UnsafeBufferPointer<UInt8>) {
    if pipeline.verbatimTokens.isEmpty { return encodeVerbatim(text) }
    var scanner = AddedTokenMatcher.Scanner()
    while let piece = pipeline.verbatimTokens.next(&scanner, in: text, traits) {
      switch piece {
      case .text(let range): encodeVerbatim(UnsafeBufferPointer(rebasing: text[range]))
      case .token(let token):
        output.append(TokenID(token))
        addedTokenCount += 1
      }
    }
  }

  private mutating func encodeVerbatim(_ text: UnsafeBufferPointer<UInt8>) {
    if pipeline.normalizer.isIdentity { return encodeNormalized(text) }
    pipeline.normalizer.normalize(text).withUnsafeBufferPointer { encodeNormalized($0) }
  }

  private mutating func encodeNormalized(_ text: UnsafeBufferPointer<UInt8>) {
    if pipeline.normalizedTokens.isEmpty { return pipeline.preTokenizer.split(text, traits, into: &self) }
    var scanner = AddedTokenMatcher.Scanner()
    while let piece = pipeline.normalizedTokens.next(&scanner, in: text, traits) {
      switch piece {
      case .text(let range):
        pipeline.preTokenizer.split(UnsafeBufferPointer(rebasing: text[range]), traits, into: &self)
      case .token(let token):
        output.append(TokenID(token))
        addedTokenCount += 1
      }
    }
  }

  /// Appends the tokens of a word.
  @inline(__always)
  mutating func take(_ word: UnsafeBufferPointer<UInt8>) {
    if word.count > Self.longestRemembered { return take(unremembered: word) }
    let hash = ByteStringTable.hash(word)
    guard let index = words.index(of: word, hash: hash) else { return take(new: word, hash: hash) }
    let start = Int(words[index])
    for offset in 1...Int(remembered[start]) { output.append(TokenID(remembered[start + offset])) }
  }

  private mutating func take(unremembered word: UnsafeBufferPointer<UInt8>) {
    merger.merge(word, pipeline.model)
    for token in merger.symbols { output.append(TokenID(token)) }
  }

  private mutating func take(new word: UnsafeBufferPointer<UInt8>, hash: UInt64) {
    take(unremembered: word)
    // A word without tokens (unknown characters, no unknown token) is not worth remembering.
    guard !merger.symbols.isEmpty else { return }
    if words.count >= Self.mostRemembered {
      words.removeAll()
      remembered.removeAll(keepingCapacity: true)
    }
    words.append(word, hash: hash, value: Int32(remembered.count))
    remembered.append(Int32(merger.symbols.count))
    remembered.append(contentsOf: merger.symbols)
  }

  /// How many added tokens stand in a text.
  mutating func addedTokens(in text: UnsafeBufferPointer<UInt8>) -> Int {
    // Without normalised tokens the text between need not be looked at.
    addedTokenCount = 0
    if pipeline.normalizedTokens.isEmpty {
      var scanner = AddedTokenMatcher.Scanner()
      while let piece = pipeline.verbatimTokens.next(&scanner, in: text, traits) {
        if case .token = piece { addedTokenCount += 1 }
      }
    } else {
      encode(text)
      output.removeAll(keepingCapacity: true)
    }
    return addedTokenCount
  }
}

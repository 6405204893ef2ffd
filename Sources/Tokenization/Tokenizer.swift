internal import CanonicalJSON
internal import Synchronization
public import SystemPackage

/// A byte-pair tokenizer as Hugging Face's `tokenizer.json` describes it.
///
/// Token ids and decoded texts are those of the `tokenizers` library. A value may be used by any number of threads at
/// once; each encoding borrows a set of buffers and remembered words.
public final class Tokenizer: Sendable {
  /// One more than the largest token id: the number of rows that an embedding needs.
  public let vocabularySize: Int
  /// The token that begins a text, if the configuration or the template names one.
  public let beginToken: TokenID?
  /// The token that ends a text, if the configuration names one, or the vocabulary has just one of `<|endoftext|>`, `</s>`
  /// and `<eos>`.
  public let endToken: TokenID?
  /// The special tokens that the tokenizer puts around a text.
  public let template: SpecialTokenTemplate
  /// What stands around the tokens of a prompt, as the configuration names it.
  public let promptConvention: PromptConvention

  /// Sentences about what the files state differently, and what was made of it.
  public let notes: [String]

  let pipeline: EncodingPipeline
  let decoder: TokenDecoder
  let files: TokenizerFiles
  let addedTokens: [AddedToken]
  /// Pieces by id, as the vocabulary writes them; nil for ids without a token.
  private let pieces: [[UInt8]?]
  /// What a piece of a byte-level vocabulary stands for.
  private let pieceBytes: [[UInt8]]
  private let isSpecial: [Bool]
  private let encoders = Mutex<[EncoderBox]>([])

  /// Buffers of one encoding, which one thread has at a time.
  private final class EncoderBox: @unchecked Sendable {
    var encoder: TextEncoder
    init(_ pipeline: EncodingPipeline) { encoder = TextEncoder(pipeline) }
  }

  /// Reads `tokenizer.json`, or `vocab.json` with `merges.txt`, and what stands beside it.
  ///
  /// `tokenizer_config.json` and `special_tokens_map.json` name the begin and the end token. Truncation and padding
  /// that a `tokenizer.json` asks for are left to the caller, as in `transformers`.
  ///
  /// - Parameter path: A folder, or a `tokenizer.json` with its neighbours.
  /// - Throws: `TokenizerError`, naming the component where one is not supported.
  public convenience init(contentsOf path: FilePath) throws(TokenizerError) {
    try self.init(TokenizerFiles(contentsOf: path))
  }

  /// The same tokenizer with another end token, which its configuration then names.
  ///
  /// - Throws: `TokenizerError.unknownToken` where no token has that id.
  public convenience init(_ other: Tokenizer, endToken: TokenID) throws(TokenizerError) {
    guard let piece = other.vocabularyEntry(endToken) else {
      throw .unknownToken(
        file: TokenizerFiles.tokenizerName, member: "the vocabulary", token: "the token of id \(endToken)")
    }
    var files = other.files
    var members = try other.configuration()
    members["eos_token"] = .string(piece)
    if let begin = other.beginToken.flatMap(other.vocabularyEntry), members["bos_token"]?.isNull ?? true {
      members["bos_token"] = .string(begin)
    }
    files.configuration = Array(JSONValue.object(members).prettyText.utf8)
    files.specialTokens = nil
    try self.init(files)
  }

  init(_ files: TokenizerFiles) throws(TokenizerError) {
    let reading = try TokenizerReading(files)
    self.files = files
    pipeline = reading.pipeline
    decoder = reading.decoder
    template = reading.special.template
    notes = reading.notes
    addedTokens = reading.special.added
    vocabularySize = try TokenizerReading.vocabularySize(reading.pipeline.model.vocabulary, reading.special.added)
    promptConvention = PromptConvention(
      configuration: try TokenizerFiles.parse(files.configuration, TokenizerFiles.configurationName))
    var pieces: [[UInt8]?] = []
    var isSpecial: [Bool] = []
    func set(_ token: Int32, _ piece: [UInt8], special: Bool) {
      while pieces.count <= Int(token) {
        pieces.append(nil)
        isSpecial.append(false)
      }
      pieces[Int(token)] = piece
      isSpecial[Int(token)] = special
    }
    let vocabulary = reading.pipeline.model.vocabulary
    for index in 0..<vocabulary.count { set(vocabulary[index], Array(vocabulary.key(at: index)), special: false) }
    // As the reference does, a token matched after normalisation is written normalised, and one that this changes is
    // no longer taken for special.
    for added in reading.special.added {
      let content = Array(added.content.utf8)
      let piece = added.isNormalized ? reading.pipeline.normalizer.normalize(content) : content
      set(added.token, piece, special: added.isSpecial && piece == content)
    }
    self.pieces = pieces
    self.isSpecial = isSpecial
    pieceBytes = reading.decoder == .byteLevel ? pieces.map { TokenDecoder.bytes(of: $0 ?? []) } : []
    (beginToken, endToken) = (reading.special.begin, reading.special.end)
  }

  // MARK: Encoding

  /// The tokens of a text.
  ///
  /// - Parameters:
  ///   - text: Any text; added tokens written in it become themselves.
  ///   - addSpecialTokens: Whether `template` is put around them.
  /// - Returns: The tokens in order; none of an empty text.
  public func encode(_ text: String, addSpecialTokens: Bool) -> [TokenID] {
    var tokens = addSpecialTokens ? template.before : []
    var text = text
    text.withUTF8 { encode($0, into: &tokens) }
    if addSpecialTokens { tokens += template.after }
    return tokens
  }

  /// Appends the tokens of a text, without special ones around it.
  ///
  /// Nothing is allocated for words that were met before, if the array has room.
  ///
  /// - Parameters:
  ///   - text: UTF-8; bytes that are none are encoded as they are by a byte-level model.
  ///   - tokens: Receives the tokens.
  public func encode(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
    let box = borrowEncoder()
    box.encoder.encode(text, into: &tokens)
    giveBack(box)
  }

  /// How many added tokens, special ones among them, stand written in a text and so are not encoded as text.
  public func addedTokenCount(in text: String) -> Int {
    var text = text
    let box = borrowEncoder()
    defer { giveBack(box) }
    return text.withUTF8 { box.encoder.addedTokens(in: $0) }
  }

  private func borrowEncoder() -> EncoderBox { encoders.withLock { $0.popLast() } ?? EncoderBox(pipeline) }
  private func giveBack(_ box: EncoderBox) { encoders.withLock { $0.append(box) } }

  // MARK: Decoding

  /// The text of tokens; bytes that are no UTF-8 become U+FFFD, ids without a token nothing.
  ///
  /// - Parameters:
  ///   - tokens: Ids, of this tokenizer or not.
  ///   - skipSpecialTokens: Whether special tokens leave no trace.
  /// - Returns: The text.
  public func decode(_ tokens: some Sequence<TokenID>, skipSpecialTokens: Bool) -> String {
    if decoder == .byteLevel {
      var bytes: [UInt8] = []
      for token in tokens where isDecoded(token, skipSpecialTokens) {
        bytes.append(contentsOf: pieceBytes[Int(token.value)])
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    return decoder.text(
      of: tokens.compactMap { isDecoded($0, skipSpecialTokens) ? pieces[Int($0.value)] : nil })
  }

  private func isDecoded(_ token: TokenID, _ skipSpecialTokens: Bool) -> Bool {
    pieces.indices.contains(Int(token.value)) && !(skipSpecialTokens && isSpecial[Int(token.value)])
  }

  // MARK: The vocabulary

  /// The token of a piece, written as the vocabulary writes it (`Ġthe`, `<|endoftext|>`); nil where there is none.
  public func token(of piece: String) -> TokenID? {
    let bytes = Array(piece.utf8)
    return pipeline.model.vocabulary.value(of: bytes).map { TokenID($0) }
      ?? pieces.firstIndex(of: bytes).map { TokenID($0) }
  }

  /// A token as the vocabulary writes it; nil where no token has that id.
  public func vocabularyEntry(_ token: TokenID) -> String? {
    guard pieces.indices.contains(Int(token.value)), let piece = pieces[Int(token.value)] else { return nil }
    return String(decoding: piece, as: UTF8.self)
  }

  /// The bytes that a token stands for; none where no token has that id.
  public func bytes(_ token: TokenID) -> [UInt8] {
    guard pieces.indices.contains(Int(token.value)), let piece = pieces[Int(token.value)] else { return [] }
    return pieceBytes.isEmpty ? Array(decoder.visible(piece).utf8) : pieceBytes[Int(token.value)]
  }

  /// A token as people read it: its text, with bytes that are no whole character as `\xE2`.
  public func piece(_ token: TokenID) -> String {
    let bytes = bytes(token)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    var rest = bytes[...]
    while !rest.isEmpty {
      let length = (1...min(4, rest.count)).first { String(validating: rest.prefix($0), as: UTF8.self) != nil }
      if let length {
        text += String(decoding: rest.prefix(length), as: UTF8.self)
      } else {
        text += "\\x" + (rest[rest.startIndex] < 16 ? "0" : "")
        text += String(rest[rest.startIndex], radix: 16, uppercase: true)
      }
      rest = rest.dropFirst(length ?? 1)
    }
    return text
  }

  /// Whether a token is special: markup, not text.
  public func isSpecial(_ token: TokenID) -> Bool {
    isSpecial.indices.contains(Int(token.value)) && isSpecial[Int(token.value)]
  }
}

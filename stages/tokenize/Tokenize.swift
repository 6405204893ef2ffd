import CanonicalJSON
import Records
public import StageKit
import SystemPackage
import Tokenization

/// Turns a dataset into rows of tokens.
public struct Tokenize: Stage {
  enum Source: String, ChoiceParameter { case bpe, given }
  enum Overflow: String, ChoiceParameter { case fail, drop, cut }
  enum Begin: String, ChoiceParameter { case auto, none }
  enum PromptEnd: String, ChoiceParameter { case none, end }

  static let source = Parameter(
    "tokenizer", default: Source?.none,
    doc: "bpe trains one on the train split, given takes that of the port; default: given where the port is connected.")
  private static let usualVocabularySize = 2048
  static let vocabularySize = Parameter(
    "vocab_size", default: usualVocabularySize, in: BytePairTrainer.leastSize...(1 << 20), unit: "tokens",
    doc: "Size of a trained vocabulary: the end token, the 256 bytes, then merges.")
  static let maximumLength = Parameter<Int?>(
    "max_length", in: 2...(1 << 31), unit: "tokens", doc: "Longest row, prompt and completion together; default: none.")
  static let overflow = Parameter(
    "overflow", default: Overflow.fail,
    doc: "What becomes of a longer row: an error, left out, or cut at its end; a cut row has no end token.")
  static let begin = Parameter(
    "begin", default: Begin.auto, doc: "Tokens before a prompt: as the tokenizer's template does, or none.")
  static let promptEnd = Parameter(
    "prompt_end", default: PromptEnd.none, doc: "Whether the end token closes the prompt, as encoders expect it.")

  static let endToken = Parameter<String?>(
    "end_token", default: nil,
    doc: "Token that ends a completion, its text or its id; default: what the tokenizer names.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "tokenize", revision: 2,
    summary: "Trains a byte-level BPE tokenizer or takes one, and encodes every split of a dataset.",
    inputs: [
      PortDeclaration("dataset", .dataset, doc: "Prompts and completions by split."),
      PortDeclaration("tokenizer", .tokenizer, optional: true, doc: "A tokenizer to use as it is."),
    ],
    outputs: [
      PortDeclaration("tokens", .tokens, doc: "Rows of prompt and completion, encoded apart, the end token last."),
      PortDeclaration("tokenizer", .tokenizer, doc: "The tokenizer that encoded them."),
    ],
    parameters: [
      source.declaration, vocabularySize.declaration, maximumLength.declaration, overflow.declaration,
      begin.declaration, promptEnd.declaration, endToken.declaration,
    ],
    aliases: [
      "vocabulary_size": "vocab_size", "max_seq_length": "max_length", "max_seq_len": "max_length",
      "sequence_len": "max_length", "cutoff_len": "max_length", "truncation": "overflow",
      "add_bos_token": "begin", "eos_token": "end_token",
    ])

  private let source: Source?
  private let vocabularySize: Int
  private let maximumLength: Int?
  private let overflow: Overflow
  private let begin: Begin
  private let promptEnd: PromptEnd
  private let endToken: String?

  /// The stage with checked parameters.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    source = parameters[Self.source]
    vocabularySize = parameters[Self.vocabularySize]
    maximumLength = parameters[Self.maximumLength]
    overflow = parameters[Self.overflow]
    begin = parameters[Self.begin]
    promptEnd = parameters[Self.promptEnd]
    endToken = parameters[Self.endToken]
  }

  /// `tokenizer: given` and the port belong together, `bpe` needs it free.
  public func check(connected ports: Set<String>) throws(ConnectionError) {
    switch (source, ports.contains("tokenizer")) {
    case (.bpe, true):
      throw ConnectionError(
        port: "tokenizer", found: "a tokenizer beside tokenizer: bpe", expected: "tokenizer: given, or no port")
    case (.given, false):
      throw ConnectionError(
        port: "tokenizer", found: "no tokenizer beside tokenizer: given", expected: "the port, or tokenizer: bpe")
    case (.bpe, false), (.given, true), (nil, _): return
    }
  }

  /// Reads the dataset, trains or reads the tokenizer, and writes tokens and tokenizer.
  public func run(_ context: StageContext) throws {
    let dataset = context.input("dataset").path
    if maximumLength == nil, overflow != .fail {
      context.report(.warning("overflow: \(overflow.rawValue) does nothing without max_length: no row is too long"))
    }
    let splits = DatasetFiles.splits(in: dataset)
    let tokenizer = try ending(try tokenizer(for: splits, in: dataset, context), context)
    for note in tokenizer.notes { context.report(.warning(note)) }
    guard let end = tokenizer.endToken else {
      throw StageFailure(
        "the tokenizer names no end token, which every completion needs",
        remedy: "give end_token, or set eos_token in its tokenizer_config.json")
    }
    let convention = PromptConvention(begins: begin == .auto, ends: promptEnd == .end)
    let encoder = RowEncoder(tokenizer: tokenizer, convention: convention, end: end)
    let tokens = try TokenRowsWriter(to: context.output("tokens"), work: context.work)
    var counts: [String] = []
    for split in splits {
      try tokens.begin(split)
      try encode(split, of: dataset, encoder, into: tokens, context)
      guard tokens.count > 0 else {
        throw StageFailure("split \(split.rawValue) has no rows left", remedy: "raise max_length")
      }
      counts.append("\(tokens.count) \(split.rawValue)")
    }
    try tokens.finish()
    try tokenizer.write(to: context.output("tokenizer"), convention)
    let rows = counts.joined(separator: " · ")
    context.report(.summary("\(rows) · \(tokens.tokenCount) tokens · vocabulary \(tokenizer.vocabularySize)"))
  }

  private func tokenizer(for splits: [Split], in dataset: FilePath, _ context: StageContext) throws -> Tokenizer {
    if let given = context.optionalInput("tokenizer") {
      if vocabularySize != Self.usualVocabularySize {
        context.report(.warning("vocab_size is not used: the tokenizer is given"))
      }
      return try Tokenizer(contentsOf: given.path)
    }
    guard splits.contains(.train) else {
      throw StageFailure(
        "the dataset has no train split to learn a vocabulary from", remedy: "connect a tokenizer instead")
    }
    var trainer = try BytePairTrainer(vocabularySize: vocabularySize)
    var count = 0
    try DatasetFiles.forEach(.train, in: dataset) { row in
      if count % 4096 == 0 {
        if context.isInterrupted { throw context.interruption }
        context.report(.progress(done: count, total: nil, unit: "rows", rate: nil, note: "learning the vocabulary"))
      }
      count += 1
      trainer.add(row.prompt)
      trainer.add(row.completion)
    }
    let tokenizer = try trainer.train()
    if tokenizer.vocabularySize < vocabularySize {
      context.report(
        .warning(
          "the vocabulary has \(tokenizer.vocabularySize) tokens, not \(vocabularySize): no pair is left that train "
            + "holds twice"))
    }
    return tokenizer
  }

  /// The tokenizer with the end token that the user names.
  private func ending(_ tokenizer: Tokenizer, _ context: StageContext) throws -> Tokenizer {
    guard let endToken else { return tokenizer }
    // Digits are an id; a piece of digits is no end of a text.
    let token = Int32(endToken).map { TokenID($0) } ?? tokenizer.token(of: endToken)
    guard let token, tokenizer.vocabularyEntry(token) != nil else {
      throw StageFailure(
        "end_token \(endToken) is no token of the tokenizer, by text or by id",
        remedy: "name one that it has, such as \(tokenizer.endToken.flatMap(tokenizer.vocabularyEntry) ?? "</s>")")
    }
    if token == tokenizer.endToken { return tokenizer }
    let own = tokenizer.endToken.flatMap(tokenizer.vocabularyEntry)
    context.report(
      .warning(
        "the end token is \(tokenizer.vocabularyEntry(token) ?? "") (\(token)); the tokenizer's files name "
          + "\(own ?? "none"), the tokenizer that is written names the first"))
    return try Tokenizer(tokenizer, endToken: token)
  }

  /// Encodes a split row by row; neither its rows nor its tokens are in memory whole.
  private func encode(
    _ split: Split, of dataset: FilePath, _ encoder: RowEncoder, into tokens: TokenRowsWriter, _ context: StageContext
  ) throws {
    let count = try DatasetFiles.count(split, in: dataset)
    var withAddedTokens = RowList()
    var dropped = RowList()
    var cut = RowList()
    var index = 0
    // Sixty-four bits an id, so that a million of them take little room; only where two are equal are ids compared.
    var ids: Set<Int> = []
    var mayRepeat = false
    try DatasetFiles.forEach(split, in: dataset) { row in
      if !ids.insert(Self.hash(of: row.id)).inserted { mayRepeat = true }
      if index % 4096 == 0 {
        if context.isInterrupted { throw context.interruption }
        context.report(.progress(done: index, total: count, unit: "rows", rate: nil, note: split.rawValue))
      }
      index += 1
      let (prompt, completion) = encoder.encode(row)
      if encoder.holdsAddedTokens(row) { withAddedTokens.append(row.id) }
      let length = prompt.count + completion.count
      let limit = maximumLength ?? length
      if length <= limit {
        try tokens.append(id: row.id, prompt: prompt.map { $0.value }, completion: completion.map { $0.value })
        return
      }
      switch overflow {
      case .fail:
        throw StageFailure(
          "row \(row.id.shown(limit: 80)) has \(length) tokens, more than max_length \(limit)",
          remedy: "raise max_length, or set overflow to drop or cut")
      // Nothing is left to learn from a row whose prompt alone is too long.
      case .cut where prompt.count < limit:
        cut.append(row.id)
        try tokens.append(
          id: row.id, prompt: prompt.map { $0.value },
          completion: completion.prefix(limit - prompt.count).map { $0.value })
      case .drop, .cut: dropped.append(row.id)
      }
    }
    if mayRepeat { try refuseRepeatedIDs(split, of: dataset) }
    let total = "of \(count) rows of \(split.rawValue)"
    for (list, what) in [
      (withAddedTokens, "hold added tokens in their text, encoded as those tokens"),
      (dropped, "are longer than max_length and left out"), (cut, "are cut at max_length and have no end token"),
    ] where list.count > 0 {
      context.report(.warning("\(list.count) \(total) \(what): \(list.names)"))
    }
  }

  private static func hash(of id: String) -> Int {
    var (id, hasher) = (id, Hasher())
    id.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return hasher.finalize()
  }

  /// Compares all ids of a split: two rows with one can't be told apart by what follows.
  private func refuseRepeatedIDs(_ split: Split, of dataset: FilePath) throws {
    var ids: [String] = []
    try DatasetFiles.forEach(split, in: dataset) { ids.append($0.id) }
    guard let repeated = RepeatedID(in: ids) else { return }
    throw StageFailure(
      "\(DatasetFiles.file(of: split, in: dataset)): \(repeated)",
      remedy: "rows are told apart by their ids; give every row its own")
  }

  /// Rows of which something is to be said: how many, and the first by name.
  private struct RowList {
    private static let most = 100
    private(set) var count = 0
    private var ids: [String] = []

    mutating func append(_ id: String) {
      count += 1
      if ids.count < Self.most { ids.append(id.shown(limit: 80)) }
    }

    var names: String { ids.joined(separator: ", ") + (count > ids.count ? " and \(count - ids.count) more" : "") }
  }
}

import CanonicalJSON
import CheckpointFormat
import Records
public import StageKit
import SystemPackage
import Tensors
import Tokenization
import Transformers

/// Makes a new model from a configuration, or imports one that there is.
public struct InitModel: Stage {
  enum Architecture: String, ChoiceParameter { case llama, gpt2, qwen2, t5 }

  static let architecture = Parameter(
    "architecture", default: Architecture.llama, doc: "Kind of model; only llama as yet.")
  static let layers = Parameter("layers", default: 4, in: 1...1000, doc: "Blocks of attention and MLP.")
  static let width = Parameter("width", default: 256, in: 2...65536, doc: "Elements of a hidden state.")
  static let heads = Parameter("heads", default: 4, in: 1...1024, doc: "Query heads.")
  static let keyValueHeads = Parameter<Int?>(
    "kv_heads", in: 1...1024, doc: "Key-value heads, a divisor of heads; as many as heads where it is not given.")
  static let headWidth = Parameter<Int?>(
    "head_width", in: 2...65536, doc: "Elements of a head, an even number; width / heads where it is not given.")
  static let feedForward = Parameter<Int?>(
    "feed_forward", in: 1...1_000_000,
    doc: "Inner elements of the MLP; 8/3 of the width, down to a multiple of 32, where it is not given.")
  static let context = Parameter(
    "context", default: 1024, in: 2...1_000_000, unit: "tokens", doc: "Longest sequence, prompt and completion.")
  static let tied = Parameter(
    "tied", default: true, doc: "Whether the output matrix is the embedding table.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of the new model's numbers.")
  static let vocabularySize = Parameter<Int?>(
    "vocab_size", in: 2...10_000_000, unit: "tokens",
    doc: "Tokens of a new model; needed without a tokenizer, else at least as many as the tokenizer has.")
  static let endToken = Parameter<Int?>(
    "end_token", in: 0...10_000_000,
    doc: "Id of the token that ends a text; needed without a tokenizer, else the tokenizer's eos_token.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "init-model", revision: 2,
    summary: "Makes a new model from a configuration, or imports a Hugging Face directory.",
    inputs: [
      PortDeclaration(
        "tokenizer", .tokenizer, optional: true, doc: "Gives vocabulary and end token; travels with the model."),
      PortDeclaration(
        "model", .model, optional: true, doc: "A Hugging Face directory to import; the shape is then its own."),
    ],
    outputs: [PortDeclaration("model", .model, doc: "The model in single precision.")],
    parameters: [
      architecture.declaration, layers.declaration, width.declaration, heads.declaration, keyValueHeads.declaration,
      headWidth.declaration, feedForward.declaration, context.declaration, tied.declaration, seed.declaration,
      vocabularySize.declaration, endToken.declaration,
    ],
    aliases: [
      "num_hidden_layers": "layers", "n_layer": "layers", "hidden_size": "width", "n_embd": "width", "d_model": "width",
      "num_attention_heads": "heads", "n_head": "heads", "num_key_value_heads": "kv_heads", "head_dim": "head_width",
      "intermediate_size": "feed_forward", "d_ff": "feed_forward", "max_position_embeddings": "context",
      "n_positions": "context", "max_seq_length": "context", "tie_word_embeddings": "tied",
      "model_type": "architecture",
      "eos_token_id": "end_token",
    ])

  private let parameters: ParameterValues

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for an architecture that is not available, or heads that don't fit.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    self.parameters = parameters
    let architecture = parameters[Self.architecture]
    guard architecture == .llama else {
      throw ParameterError(
        parameter: "architecture", found: architecture.rawValue, expected: "llama: no other is available yet")
    }
    let (width, heads) = (parameters[Self.width], parameters[Self.heads])
    if let keyValueHeads = parameters[Self.keyValueHeads], heads % keyValueHeads != 0 {
      throw ParameterError(
        parameter: "kv_heads", found: "\(keyValueHeads)", expected: "a divisor of the \(heads) heads")
    }
    if let headWidth = parameters[Self.headWidth] {
      guard headWidth % 2 == 0 else {
        throw ParameterError(parameter: "head_width", found: "\(headWidth)", expected: "an even number")
      }
    } else if width % heads != 0 || width / heads % 2 != 0 {
      throw ParameterError(
        parameter: "width", found: "\(width)",
        expected: "an even multiple of the \(heads) heads, unless head_width is given")
    }
    // transformers refuses to load what it can't divide, head_dim or not.
    if width % heads != 0 {
      throw ParameterError(parameter: "width", found: "\(width)", expected: "a multiple of the \(heads) heads")
    }
    if let size = parameters[Self.vocabularySize], let end = parameters[Self.endToken], end >= size {
      throw ParameterError(parameter: "end_token", found: "\(end)", expected: "an id below vocab_size \(size)")
    }
  }

  /// A new model takes its vocabulary and end token from a tokenizer or from parameters.
  public func check(connected ports: Set<String>) throws(ConnectionError) {
    guard ports.isDisjoint(with: ["model", "tokenizer"]) else { return }
    let missing = [
      ("vocab_size", parameters[Self.vocabularySize] == nil), ("end_token", parameters[Self.endToken] == nil),
    ].filter(\.1).map(\.0)
    guard missing.isEmpty else {
      throw ConnectionError(
        port: "tokenizer", found: "neither a tokenizer nor \(missing.joined(separator: " and "))",
        expected: "a tokenizer, or vocab_size and end_token, for a new model")
    }
  }

  /// Writes the model's directory.
  /// - Throws: `StageFailure`, or an error that names file, field or tensor.
  public func run(_ context: StageContext) throws {
    let device = try Device.ready(threads: context.threads)
    let tokenizer = context.optionalInput("tokenizer")?.path
    let outline = try tokenizer.map { path throws(TokenizerError) in try TokenizerOutline(contentsOf: path) }
    let output = context.output("model")
    let model: LlamaModel
    if let source = context.optionalInput("model")?.path {
      warnOfIgnored(context)
      let facts = try ModelFacts(of: source, tokenizer: outline)
      for note in facts.notes { context.report(.warning(note)) }
      model = try ModelFolder.load(source, facts.configuration, on: device, trained: false)
      if let outline { try check(model, outline) }
      if let tokenizer { try compare(tokenizer, withThatOf: source, context) }
      if tokenizer == nil { try TokenizerFiles.copy(from: source, to: output) }
      // How it was trained stays with the model.
      if TrainingFile.readIfSound(from: source, warn: { context.report(.warning($0)) }) != nil {
        try FileContent.write(
          FileContent.read(source.appending(TrainingFile.name)), to: output.appending(TrainingFile.name))
      }
    } else {
      for note in outline?.notes ?? [] { context.report(.warning(note)) }
      let configuration = try configuration(outline, context)
      let count = LlamaModel.layout(of: configuration).reduce(0) { $0 + $1.shape.count }
      try Device.requireMemory(4 * count, for: "a model of \(count) parameters")
      model = LlamaModel(configuration, seed: UInt64(parameters[Self.seed]), on: device, trained: false)
    }
    try ModelFolder.write(model, to: output)
    if let tokenizer {
      try TokenizerFiles.copy(
        from: FileContent.isFolder(tokenizer) ? tokenizer : tokenizer.removingLastComponent(), to: output)
    }
    let shape = model.configuration
    context.report(
      .summary(
        "\(model.parameters.count) parameters · \(shape.layers) layers × \(shape.width), vocabulary \(shape.vocabularySize)"
      ))
  }

  /// The configuration of a new model.
  private func configuration(_ tokenizer: TokenizerOutline?, _ context: StageContext) throws -> LlamaConfiguration {
    let given = parameters[Self.vocabularySize]
    guard let vocabulary = given ?? tokenizer?.vocabularySize else { preconditionFailure("the ports were not checked") }
    if let tokenizer, vocabulary < tokenizer.vocabularySize {
      throw StageFailure(
        "vocab_size is \(vocabulary), the tokenizer has \(tokenizer.vocabularySize) tokens", status: .invalid)
    }
    let named = tokenizer?.endToken?.value
    if let given = parameters[Self.endToken], given >= vocabulary {
      throw StageFailure(
        "end_token is \(given), the vocabulary has \(vocabulary) tokens", remedy: "give an id below \(vocabulary)",
        status: .invalid)
    }
    guard let end = parameters[Self.endToken].map(Int32.init) ?? named, end < vocabulary else {
      throw StageFailure(
        "a new model needs an end token", remedy: "name eos_token in tokenizer_config.json, or give end_token",
        status: .invalid)
    }
    if let named, named != end {
      context.report(
        .warning(
          "end_token is \(end), the tokenizer's end token \(named); the model ends with \(end), rows that tokenize makes "
            + "with this tokenizer end with \(named)"))
    }
    let width = parameters[Self.width]
    return LlamaConfiguration(
      vocabularySize: vocabulary, width: width, layers: parameters[Self.layers], heads: parameters[Self.heads],
      keyValueHeads: parameters[Self.keyValueHeads], headWidth: parameters[Self.headWidth],
      feedForward: parameters[Self.feedForward] ?? max(32, 8 * width / 3 / 32 * 32),
      contextLength: parameters[Self.context], isTied: parameters[Self.tied], beginToken: tokenizer?.beginToken?.value,
      endTokens: [end])
  }

  private func check(_ model: LlamaModel, _ tokenizer: TokenizerOutline) throws {
    guard tokenizer.vocabularySize <= model.vocabularySize else {
      throw StageFailure(
        "the tokenizer has \(tokenizer.vocabularySize) tokens, the model knows \(model.vocabularySize)",
        remedy: "take the model's own tokenizer")
    }
  }

  /// A model reads ids: with another tokenizer than its own it would take them for other words.
  private func compare(_ tokenizer: FilePath, withThatOf model: FilePath, _ context: StageContext) throws {
    guard FileContent.exists(model.appending("tokenizer.json")) else { return }
    let given = try Tokenizer(contentsOf: tokenizer)
    guard let own = try? Tokenizer(contentsOf: model) else {
      return context.report(
        .warning("the tokenizer in \(model) can't be read, so that the port's is not compared with it"))
    }
    guard given.encodesTexts(like: own) else {
      throw StageFailure(
        "the tokenizer of the port, \(tokenizer), is not that of the model, \(model): their tokenizer.json differ",
        remedy:
          "leave the port tokenizer out, which takes the model's own; one that was extended on purpose belongs into "
          + "the model's folder", status: .invalid)
    }
  }

  /// An imported model has its own shape; whoever gives another should know that it is not used.
  private func warnOfIgnored(_ context: StageContext) {
    let ignored = Self.declaration.parameters.filter { parameters.object[$0.name] != $0.defaultValue }
    guard !ignored.isEmpty else { return }
    context.report(
      .warning("a model is imported as it is; not used: " + ignored.map(\.name).joined(separator: ", ")))
  }
}

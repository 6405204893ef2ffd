import CanonicalJSON
import CheckpointFormat
import Decoding
import Records
public import StageKit
import SystemPackage
import Tensors
import Tokenization
import Transformers

/// Samples completions from a model.
public struct Generate: Stage {
  enum Decoding: String, ChoiceParameter { case greedy, sample }

  static let decoding = Parameter(
    "decoding", default: Decoding.sample, doc: "Whether tokens are drawn, or the most probable is taken.")
  static let samples = Parameter("samples", default: 1, in: 1...100_000, doc: "Completions for each prompt.")
  static let temperature = Parameter(
    "temperature", default: 1, in: 0.001...1000, doc: "Divides the logits before tokens are drawn.")
  static let topK = Parameter(
    "top_k", default: 0, in: 0...(1 << 31), unit: "tokens",
    doc: "Draws from the most probable tokens only; 0 takes all.")
  static let topP = Parameter(
    "top_p", default: 1, in: 0.000001...1,
    doc: "Draws from the most probable tokens that together have this probability.")
  static let maximumNewTokens = Parameter<Int?>(
    "max_new_tokens", in: 1...(1 << 31), unit: "tokens",
    doc: "The longest completion, its end token included; default: what the context leaves, at most 256.")
  static let ignoreEnd = Parameter(
    "ignore_end", default: false, doc: "Whether the end token is chosen and fed like any other and does not stop.")
  static let split = Parameter<String?>(
    "split", default: nil, doc: "Which split's prompts are completed; default: test, else validation, else train.")
  static let limit = Parameter(
    "limit", default: 0, in: 0...(1 << 53), unit: "prompts", doc: "Takes the first prompts; 0 takes all.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of all draws.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "generate", revision: 2, summary: "Samples completions of prompts from a model.",
    inputs: [
      PortDeclaration("model", .model, doc: "The model that completes."),
      PortDeclaration("dataset", .dataset, optional: true, doc: "Prompts as text, with their references."),
      PortDeclaration("tokens", .tokens, optional: true, doc: "Prompts as tokens."),
      PortDeclaration("tokenizer", .tokenizer, optional: true, doc: "Default: the model's own."),
    ],
    outputs: [PortDeclaration("samples", .samples, doc: "Completions with exact log-probabilities and entropies.")],
    parameters: [
      decoding.declaration, samples.declaration, temperature.declaration, topK.declaration, topP.declaration,
      maximumNewTokens.declaration, ignoreEnd.declaration, split.declaration, limit.declaration, seed.declaration,
    ],
    aliases: [
      "num_return_sequences": "samples", "n": "samples", "max_tokens": "max_new_tokens", "max_length": "max_new_tokens",
      "do_sample": "decoding", "num_samples": "samples",
    ])

  private let parameters: ParameterValues
  private let split: Split?

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for an unknown split, or for settings of drawing where tokens are not drawn.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    self.parameters = parameters
    split = try parameters[Self.split].map { name throws(ParameterError) in
      guard let split = Split(rawValue: name) else {
        throw ParameterError(parameter: "split", found: name, expected: "train, validation or test")
      }
      return split
    }
    guard parameters[Self.decoding] == .greedy else { return }
    for (name, isSet) in [
      ("temperature", parameters[Self.temperature] != 1), ("top_k", parameters[Self.topK] != 0),
      ("top_p", parameters[Self.topP] != 1),
    ] where isSet {
      throw ParameterError(parameter: name, found: "decoding: greedy", expected: "decoding: sample beside \(name)")
    }
    if parameters[Self.samples] > 1 {
      throw ParameterError(
        parameter: "samples", found: "decoding: greedy, which gives the same completion every time",
        expected: "decoding: sample beside samples above 1")
    }
  }

  /// Prompts come from `dataset` or from `tokens`.
  public func check(connected ports: Set<String>) throws(ConnectionError) {
    try ConnectionError.requireOne(of: "dataset", "tokens", among: ports)
  }

  /// Completes the prompts and writes the samples.
  public func run(_ context: StageContext) throws {
    let tokenizer = try GivenTokenizer(context).tokenizer
    let folder = context.input("model").path
    let facts = try ModelFacts(of: folder, tokenizer: tokenizer.map { TokenizerOutline($0) })
    for note in facts.notes { context.report(.warning(note)) }
    let model = try ModelFolder.load(
      folder, facts.configuration, on: Device.ready(threads: context.threads), trained: false)
    let source = try PromptSource(context, tokenizer: tokenizer, split: split, limit: parameters[Self.limit])
    try source.check(
      vocabularySize: model.vocabularySize, contextLength: model.contextLength,
      maximumNewTokens: parameters[Self.maximumNewTokens])
    if parameters[Self.topK] > model.vocabularySize {
      context.report(
        .warning("top_k \(parameters[Self.topK]) takes all \(model.vocabularySize) tokens that the model knows"))
    }
    if model.endTokens.isEmpty, !parameters[Self.ignoreEnd] {
      context.report(.warning("the model names no end token (eos_token_id); every completion runs to its limit"))
    }
    if parameters[Self.decoding] == .greedy, parameters[Self.seed] != 0 {
      context.report(.warning("seed has no effect: decoding greedy draws nothing"))
    }
    try warnOfIgnoredDefaults(context)
    let generator = Generator(model, settings: settings)
    try Device.requireMemory(
      generator.cacheBytes(source.prompts), beside: 4 * model.parameters.count,
      for: "decoding \(generator.sequences(source.prompts)) sequences at once")
    let total = source.prompts.count * parameters[Self.samples]
    let clock = ContinuousClock()
    let start = clock.now
    var rate = 0.0
    let completions = try generator.complete(source.prompts) { done, tokens in
      let elapsed = (clock.now - start) / .seconds(1)
      rate = elapsed > 0 ? Double(tokens) / elapsed : 0
      context.report(
        .progress(done: done, total: total, unit: "samples", rate: nil, note: "\(Self.rounded(rate)) tokens/s"))
      return !context.isInterrupted
    }
    guard let completions else { throw context.interruption }
    let rows = source.rows(completions)
    try SampleFiles.write(rows, settings: recordedSettings(source), to: context.output("samples"))
    report(rows, rate: rate, context)
  }

  private var settings: DecodingSettings {
    let strategy: DecodingStrategy =
      switch parameters[Self.decoding] {
      case .greedy: .greedy
      case .sample:
        .sample(
          Sampling(
            temperature: Float(parameters[Self.temperature]),
            topK: parameters[Self.topK] == 0 ? nil : parameters[Self.topK], topP: parameters[Self.topP]))
      }
    return DecodingSettings(
      strategy: strategy, samples: parameters[Self.samples],
      maximumNewTokens: parameters[Self.maximumNewTokens] ?? PromptSource.defaultNewTokens,
      ignoresEnd: parameters[Self.ignoreEnd], seed: UInt64(parameters[Self.seed]))
  }

  /// What `settings.json` holds: every parameter, and the split that was taken.
  private func recordedSettings(_ source: PromptSource) -> JSONObject {
    var settings = parameters.object
    settings["split"] = .string(source.split.rawValue)
    if parameters[Self.decoding] == .greedy {
      for name in ["temperature", "top_k", "top_p", "seed"] { settings[name] = nil }
    }
    return settings
  }

  /// Defaults that hide in `generation_config.json` are named, not obeyed.
  private func warnOfIgnoredDefaults(_ context: StageContext) throws {
    let file = context.input("model").path.appending("generation_config.json")
    guard FileContent.exists(file), let object = try FileContent.json(file).object else { return }
    let names = [
      "temperature", "top_k", "top_p", "do_sample", "num_beams", "repetition_penalty", "length_penalty", "min_p",
      "max_new_tokens", "max_length", "no_repeat_ngram_size",
    ]
    let set = object.members.filter { names.contains($0.name) && !$0.value.isNull }
    guard !set.isEmpty else { return }
    let text = set.map { "\($0.name) \($0.value.text)" }.joined(separator: ", ")
    context.report(.warning("generation_config.json asks for \(text); this is not obeyed, set it in the pipeline"))
  }

  private func report(_ rows: [SampleRow], rate: Double, _ context: StageContext) {
    let tokens = rows.reduce(0) { $0 + ($1.tokens?.count ?? 0) }
    let ended = rows.filter { $0.finish == .end }.count
    let share = rows.isEmpty ? 0 : 100 * Double(ended) / Double(rows.count)
    context.report(.measure(name: "tokens_per_second", value: rate))
    context.report(
      .summary(
        "\(rows.count) samples · \(tokens) tokens · \(Self.rounded(share)) % ended · \(Self.rounded(rate)) tokens/s"))
  }

  /// A number without decimals, whatever it is.
  private static func rounded(_ value: Double) -> String {
    Int(exactly: value.rounded()).map(String.init) ?? "\(value)"
  }
}

import CanonicalJSON
import CheckpointFormat
import Imitation
import Records
public import StageKit
import SystemPackage
import Tensors
import Transformers

/// Reads rewards off a model's logits: r_t = q_t[a_t] − γ v_{t+1}.
public struct ExtractReward: Stage {
  enum SplitName: String, ChoiceParameter { case train, validation, test }

  static let gamma = Parameter(
    "gamma", default: 1.0, in: 0...1, doc: "Discount γ of the next state's value in r = q − γ v′.")
  static let split = Parameter<SplitName?>(
    "split", default: nil, doc: "Split of tokens to read; test, else validation, else train where it is not given.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "extract-reward", revision: 2, summary: "Reads token rewards, values and returns off a model's logits.",
    inputs: [
      PortDeclaration("model", .model, doc: "The model whose logits are read as soft Q-values."),
      PortDeclaration("samples", .samples, optional: true, doc: "Completions to reward; this or tokens."),
      PortDeclaration("tokens", .tokens, optional: true, doc: "Completions to reward; this or samples."),
    ],
    outputs: [PortDeclaration("rewards", .rewards, doc: "Log-probability, value and reward of every token.")],
    parameters: [gamma.declaration, split.declaration],
    aliases: ["discount": "gamma", "subset": "split"])

  /// Nats from one number of single precision to the next, beyond which values say little.
  private static let coarsest: Float = 0.01

  private let gamma: Double
  private let split: Split?

  /// The stage with checked parameters.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    gamma = parameters[Self.gamma]
    split = parameters[Self.split].flatMap { Split(rawValue: $0.rawValue) }
  }

  /// Completions come from `samples` or from `tokens`.
  public func check(connected ports: Set<String>) throws(ConnectionError) {
    try ConnectionError.requireOne(of: "samples", "tokens", among: ports)
    if let split, ports.contains("samples") {
      throw ConnectionError(
        port: "samples", found: "samples beside split: \(split.rawValue)",
        expected: "tokens, which have splits; leave split out for samples")
    }
  }

  /// Writes `rewards.jsonl`, a row for each sample or row in their order.
  /// - Throws: `StageFailure`, or an error that names file, row or tensor.
  public func run(_ context: StageContext) throws {
    let (rows, samples) = try completions(context)
    if rows.count == 0 { throw StageFailure("there is no completion to reward") }
    let source = context.input("model").path
    let facts = try ModelFacts(of: source)
    for note in facts.notes { context.report(.warning(note)) }
    let model = try ModelFolder.load(
      source, facts.configuration, on: Device.ready(threads: context.threads), trained: false)
    if model.levelOffset.ulp > Self.coarsest {
      context.report(
        .warning(
          "level_offset \(model.levelOffset) of \(source) leaves values to the nearest \(model.levelOffset.ulp) only; "
            + "log-probabilities do not depend on it, v_0 says little"))
    }
    for index in 0..<rows.count {
      try UnfitRow.check(
        id: rows.ids[index], rows.row(index), context: model.contextLength, vocabulary: model.vocabularySize)
    }
    var rewards: [RewardRow] = []
    for group in rows.groups(ofTokens: 4096) {
      if context.isInterrupted { throw context.interruption }
      let batch = RaggedBatch(rows, group, endTokens: model.endTokens)
      for (index, reward) in zip(group, model.rewards(of: batch, gamma: gamma)) {
        if let token = reward.firstNotFinite {
          throw StageFailure(
            "the model's logits are not finite at token \(token) of row \(rows.ids[index]): value "
              + "\(reward.values[token]), reward \(reward.rewards[token])",
            remedy: "take a checkpoint from before the training diverged")
        }
        rewards.append(
          RewardRow(
            id: rows.ids[index], sample: samples?[index] ?? 0, tokens: Array(rows.completion(index)),
            logProbabilities: reward.logProbabilities, values: reward.values, rewards: reward.rewards,
            return: reward.return))
      }
      context.report(
        .progress(done: group.upperBound, total: rows.count, unit: "completions", rate: nil, note: nil))
    }
    try RewardFiles.write(rewards, to: context.output("rewards"))
    summarise(rewards, cutOff: (0..<rows.count).count { !rows.isTerminal($0, endTokens: model.endTokens) }, context)
  }

  private func summarise(_ rewards: [RewardRow], cutOff: Int, _ context: StageContext) {
    let tokens = rewards.reduce(0) { $0 + $1.tokens.count }
    let total = rewards.reduce(0) { $0 + $1.return }
    let mean = (total / Double(max(rewards.count, 1)) * 100).rounded() / 100
    var text = "\(rewards.count) completions, \(tokens) tokens · mean return \(JSONValue(mean).text)"
    if cutOff > 0 { text += " · \(cutOff) cut off" }
    context.report(.summary(text))
  }

  /// The completions of whichever port is connected, and their sample numbers.
  private func completions(_ context: StageContext) throws -> (rows: TokenRows, samples: [Int]?) {
    switch (context.optionalInput("samples"), context.optionalInput("tokens")) {
    case (let samples?, nil): return try completions(ofSamples: samples.path)
    case (nil, let tokens?): return (try completions(ofTokens: tokens.path), nil)
    case (nil, nil), (_?, _?): preconditionFailure("the ports were not checked")
    }
  }

  private func completions(ofTokens tokens: FilePath) throws -> TokenRows {
    let available = TokenRows.splits(in: tokens)
    let wanted = split ?? Split.allCases.reversed().first(where: available.contains)
    guard let wanted, available.contains(wanted) else {
      throw StageFailure(
        "\(tokens) has no split \(wanted?.rawValue ?? "")", remedy: "it has \(available.map(\.rawValue))")
    }
    let rows = try TokenRows(wanted, in: tokens)
    if let repeated = RepeatedID(in: rows.ids) {
      throw StageFailure("\(TokenRows.file(of: wanted, in: tokens)): \(repeated)", remedy: Self.ownIDs)
    }
    return rows
  }

  /// What to do about ids that are there twice.
  private static let ownIDs = "rewards are told apart by id and sample; give every row its own"

  private func completions(ofSamples samples: FilePath) throws -> (rows: TokenRows, samples: [Int]) {
    var rows = TokenRows()
    var numbers: [Int] = []
    let all = try SampleFiles.read(samples)
    if let repeated = RepeatedID(in: all.lazy.map { "\($0.id), sample \($0.sample)" }) {
      throw StageFailure("\(samples): \(repeated)", remedy: Self.ownIDs)
    }
    for sample in all {
      guard let prompt = sample.promptTokens, let tokens = sample.tokens else {
        throw StageFailure(
          "\(samples): sample \(sample.sample) of \(sample.id) has no prompt_tokens or no tokens",
          remedy: "rewards belong to token ids; samples written by generate have them")
      }
      guard !prompt.isEmpty else { throw UnfitRow(id: sample.id, .emptyPrompt) }
      rows.append(id: sample.id, prompt: prompt, completion: tokens)
      numbers.append(sample.sample)
    }
    return (rows, numbers)
  }
}

import CanonicalJSON
public import SystemPackage

/// The reward that a model's logits say a completion earned, token by token.
public struct RewardRow: Sendable, Hashable {
  /// The id of the prompt's row.
  public var id: String
  /// Which sample of the prompt, from 0.
  public var sample: Int
  /// Tokens of the completion, `[T]`.
  public var tokens: [Int32]
  /// log π(a_t | s_t), `[T]`, nats.
  public var logProbabilities: [Float]
  /// v_t = logsumexp(q_t), `[T]`, nats.
  public var values: [Float]
  /// r_t = q_t[a_t] − γ v_{t+1}, `[T]`.
  public var rewards: [Float]
  /// Σ_t r_t, undiscounted.
  public var `return`: Double

  /// A row.
  public init(
    id: String, sample: Int, tokens: [Int32], logProbabilities: [Float], values: [Float], rewards: [Float],
    return: Double
  ) {
    self.id = id
    self.sample = sample
    self.tokens = tokens
    self.logProbabilities = logProbabilities
    self.values = values
    self.rewards = rewards
    self.return = `return`
  }

  init(_ line: JSONLine) throws(RecordError) {
    id = try line.string("id")
    sample = line.has("sample") ? try line.integer("sample") : 0
    tokens = try line.tokens("tokens")
    logProbabilities = try line.floats("logprobs")
    values = try line.floats("values")
    rewards = try line.floats("rewards")
    self.return = try line.number("return")
    for (name, count) in [
      ("logprobs", logProbabilities.count), ("values", values.count), ("rewards", rewards.count),
    ] where count != tokens.count {
      throw line.failure("has \(tokens.count) tokens and \(count) \(name)")
    }
    // Not finite, they are the reader's matter, who can name the token.
    let sum = rewards.reduce(0) { $0 + Double($1) }
    let size = rewards.reduce(0) { $0 + Double(abs($1)) }
    if sum.isFinite, self.return.isFinite, abs(self.return - sum) > Self.rounding(count: rewards.count, size: size) {
      throw line.failure("has the return \(self.return), and its rewards add up to \(sum)")
    }
  }

  /// How far a return may lie from the sum of rewards: those of others are rounded to three decimals perhaps, and single
  /// precision adds an error of its own.
  private static func rounding(count: Int, size: Double) -> Double { 1e-3 * Double(max(count, 1)) + 1e-5 * size }
}

/// A rewards folder: `rewards.jsonl`.
public enum RewardFiles {
  /// Reads a rewards folder, or a `rewards.jsonl` itself.
  /// - Throws: `RecordError` with file and line.
  public static func read(_ artifact: FilePath) throws -> [RewardRow] {
    var rows: [RewardRow] = []
    try forEach(artifact) { row, _ in rows.append(row) }
    return rows
  }

  /// Reads the rewards one by one: every sample once, a log-probability, a value and a reward for each token, and a return
  /// that is the sum of the rewards.
  ///
  /// - Parameters:
  ///   - artifact: The folder, or a `rewards.jsonl` itself.
  ///   - body: Called with each row and its line, from 1.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public static func forEach(_ artifact: FilePath, _ body: (RewardRow, Int) throws -> Void) throws {
    var lines: [SampleKey: Int] = [:]
    try JSONLines.read(FileContent.file("rewards.jsonl", of: artifact)) { line in
      let row = try RewardRow(line)
      if let first = lines.updateValue(line.number, forKey: SampleKey(id: row.id, sample: row.sample)) {
        throw line.failure(
          "sample \(row.sample) of id \(row.id.shown(limit: 200)) stands twice, the first time in row \(first); rewards are "
            + "told apart by id and sample")
      }
      try body(row, line.number)
    }
  }

  /// Checks a rewards folder, or a `rewards.jsonl` itself; no row is kept.
  /// - Throws: `RecordError` as `forEach` does, and where there is no row.
  public static func check(_ artifact: FilePath) throws {
    var count = 0
    try forEach(artifact) { _, _ in count += 1 }
    if count == 0 {
      throw RecordError(file: FileContent.file("rewards.jsonl", of: artifact), reason: "holds no reward")
    }
  }

  /// Writes a rewards folder.
  /// - Throws: `Errno`.
  public static func write(_ rows: some Sequence<RewardRow>, to folder: FilePath) throws {
    try JSONLines.write(rows, to: folder.appending("rewards.jsonl")) { row, text in
      text.raw("{\"id\":")
      text.append(row.id)
      text.raw(",\"sample\":")
      text.append(row.sample)
      text.raw(",\"tokens\":")
      text.array(row.tokens) { $0.append(Int($1)) }
      text.raw(",\"logprobs\":")
      text.array(row.logProbabilities) { $0.append($1) }
      text.raw(",\"values\":")
      text.array(row.values) { $0.append($1) }
      text.raw(",\"rewards\":")
      text.array(row.rewards) { $0.append($1) }
      text.raw(",\"return\":")
      text.append(row.return)
      text.raw("}")
    }
  }
}

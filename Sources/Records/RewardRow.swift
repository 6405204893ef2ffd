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

  /// Reads the rewards one by one.
  ///
  /// - Parameters:
  ///   - artifact: The folder, or a `rewards.jsonl` itself.
  ///   - body: Called with each row and its line, from 1.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public static func forEach(_ artifact: FilePath, _ body: (RewardRow, Int) throws -> Void) throws {
    try JSONLines.read(FileContent.file("rewards.jsonl", of: artifact)) { line in
      try body(
        RewardRow(
          id: try line.string("id"), sample: line.has("sample") ? try line.integer("sample") : 0,
          tokens: try line.tokens("tokens"), logProbabilities: try line.floats("logprobs"),
          values: try line.floats("values"), rewards: try line.floats("rewards"), return: try line.number("return")),
        line.number)
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

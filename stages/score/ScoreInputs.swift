import Records
import StageKit
import SystemPackage
import TextMetrics
import Tokenization

extension SampleRow {
  /// What scoring needs of the row.
  func scored(text: String, reward: SampleReward?) -> ScoredSample {
    ScoredSample(
      id: id, sample: sample, text: text, references: references ?? [],
      tokenCount: tokens?.count ?? logProbabilities?.count ?? entropies?.count,
      logProbability: logProbabilities.map(Self.sum), entropy: entropies.map(Self.sum), reward: reward)
  }

  /// The text, or that of the tokens where there is none; nil where there are no tokens either.
  func text(decodedBy tokenizer: Tokenizer?) -> String? {
    if let text, !text.isEmpty { return text }
    guard let tokenizer, let tokens else { return text }
    return tokenizer.decode(tokens.map { TokenID($0) }, skipSpecialTokens: true)
  }

  static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }
}

/// Makes what scoring needs of the rows of a prompt, and tells that every sample stands once and every id has one prompt
/// and one list of references.
struct SampleTexts {
  private let file: FilePath
  private let tokenizer: Tokenizer?
  private var rewards: RewardIndex?
  private var hasText = false
  private var holdsTokens = false
  /// How many samples have come.
  private(set) var count = 0

  init(file: FilePath, tokenizer: Tokenizer?, rewards: RewardIndex?) {
    self.file = file
    self.tokenizer = tokenizer
    self.rewards = rewards
  }

  /// What is to be said once all samples have come.
  var warnings: [String] {
    var warnings: [String] = []
    if let left = rewards?.left, left > 0 { warnings.append("\(left) rewards are of samples that are not scored") }
    if !hasText, holdsTokens {
      warnings.append("all texts are empty though there are tokens; connect a tokenizer to port tokenizer")
    }
    return warnings
  }

  /// The samples of one prompt.
  mutating func samples(of rows: [(row: SampleRow, line: Int)]) throws -> [ScoredSample] {
    try check(rows)
    var samples: [ScoredSample] = []
    for (row, line) in rows {
      for (what, values) in [("logprobs", row.logProbabilities), ("entropies", row.entropies)] {
        guard let place = values?.firstIndex(where: { !$0.isFinite }) else { continue }
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))): number \(place + 1) of \(what) is not finite",
          remedy: "generate the samples anew")
      }
      if let tokenizer, row.text?.isEmpty ?? true,
        let strange = row.tokens?.first(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize })
      {
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))) holds token \(strange), and the tokenizer "
            + "has \(tokenizer.vocabularySize)",
          remedy: "connect the tokenizer that the samples were generated with")
      }
      guard let text = row.text(decodedBy: tokenizer) else {
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))) has no text",
          remedy: "connect a tokenizer to port tokenizer")
      }
      hasText = hasText || !text.isEmpty
      holdsTokens = holdsTokens || (row.tokens?.count ?? 0) > 1
      samples.append(row.scored(text: text, reward: try rewards?.take(row)))
    }
    count += samples.count
    return samples
  }

  /// Holds the rows of one id against each other.
  private func check(_ rows: [(row: SampleRow, line: Int)]) throws {
    guard rows.count > 1 else { return }
    let name = VisibleText.line(rows[0].row.id, limit: 200)
    var lines: [Int: Int] = [:]
    for (row, line) in rows {
      if let first = lines.updateValue(line, forKey: row.sample) {
        throw StageFailure(
          "\(file): sample \(row.sample) of id \(name) stands twice, in rows \(first) and \(line)",
          remedy: "number the samples of a prompt by \"sample\", and give every prompt an id of its own")
      }
    }
    try compare(rows, name, "prompt") { $0.prompt.map { Array($0.utf8) } }
    try compare(rows, name, "prompt_tokens") { $0.promptTokens }
    try compare(rows, name, "references") { $0.references.map { $0.map { Array($0.utf8) } } }
  }

  private func compare<Value: Equatable>(
    _ rows: [(row: SampleRow, line: Int)], _ name: String, _ what: String, _ value: (SampleRow) -> Value?
  ) throws {
    var known: (value: Value, line: Int)?
    for (row, line) in rows {
      guard let own = value(row) else { continue }
      guard let first = known else {
        known = (own, line)
        continue
      }
      guard first.value == own else {
        throw StageFailure(
          "\(file): id \(name) has other \(what) in row \(line) than in row \(first.line)",
          remedy: "give every prompt an id of its own")
      }
    }
  }
}

/// Sixty-four bits by which equal contents are told from others.
enum Fingerprint {
  /// Of tokens, in order.
  static func of(_ tokens: [Int32]) -> UInt64 {
    var hash = start
    for token in tokens { add(UInt64(UInt32(bitPattern: token)) + 1, to: &hash) }
    return hash
  }

  private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

  private static func add(_ word: UInt64, to hash: inout UInt64) {
    hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 29
  }
}

/// Rewards by sample.
struct RewardIndex {
  private struct Key: Hashable {
    var id: [UInt8]
    var sample: Int
  }

  private let path: FilePath
  private var rewards: [Key: (reward: SampleReward, tokens: UInt64, count: Int)] = [:]

  /// Reads rewards.
  init(_ path: FilePath) throws {
    self.path = path
    var found: [Key: (reward: SampleReward, tokens: UInt64, count: Int)] = [:]
    try RewardFiles.forEach(path) { row, line in
      let reward = SampleReward(
        return: row.return, logProbability: SampleRow.sum(row.logProbabilities), tokenCount: row.tokens.count,
        initialValue: row.values.first.map(Double.init) ?? 0)
      guard reward.return.isFinite, reward.logProbability.isFinite, reward.initialValue.isFinite else {
        throw StageFailure(
          "\(path): row \(line) (id \(VisibleText.line(row.id, limit: 200))) holds a number that is not finite",
          remedy: "extract the rewards anew")
      }
      let value = (reward: reward, tokens: Fingerprint.of(row.tokens), count: row.tokens.count)
      guard found.updateValue(value, forKey: Key(id: Array(row.id.utf8), sample: row.sample)) == nil else {
        throw StageFailure(
          "\(path): sample \(row.sample) of \(VisibleText.line(row.id, limit: 200)) stands twice, the second time in row \(line)",
          remedy: "extract rewards from the samples that are scored")
      }
    }
    rewards = found
  }

  /// How many rewards no sample has taken.
  var left: Int { rewards.count }

  /// The reward of a sample, which is held against the tokens that it was extracted for.
  mutating func take(_ row: SampleRow) throws -> SampleReward {
    let name = "sample \(row.sample) of \(VisibleText.line(row.id, limit: 200))"
    guard let found = rewards.removeValue(forKey: Key(id: Array(row.id.utf8), sample: row.sample)) else {
      throw StageFailure(
        "\(path): there is no reward for \(name)", remedy: "extract rewards from the samples that are scored")
    }
    if let tokens = row.tokens, tokens.count != found.count || Fingerprint.of(tokens) != found.tokens {
      throw StageFailure(
        "\(path): the reward of \(name) is of other tokens than the sample has (\(found.count) there, \(tokens.count) here)",
        remedy: "extract rewards from the samples that are scored")
    }
    return found.reward
  }
}

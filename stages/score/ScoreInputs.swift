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

/// Tells that every sample stands once and every id has one prompt and one list of references.
struct SampleIdentities {
  private struct Prompt {
    var line: Int
    var prompt: UInt64?
    var promptTokens: UInt64?
    var references: UInt64?
    var samples: Set<Int> = []
  }

  private let file: FilePath
  private var prompts: [[UInt8]: Prompt] = [:]

  init(_ file: FilePath) { self.file = file }

  /// Holds a row against those before it.
  mutating func add(_ row: SampleRow, line: Int) throws {
    let name = VisibleText.line(row.id, limit: 200)
    let (prompt, tokens) = (row.prompt.map { Fingerprint.of([$0]) }, row.promptTokens.map { Fingerprint.of($0) })
    let references = row.references.map { Fingerprint.of($0) }
    var known = prompts[Array(row.id.utf8)] ?? Prompt(line: line)
    for (what, first, second) in [
      ("prompt", known.prompt, prompt), ("prompt_tokens", known.promptTokens, tokens),
      ("references", known.references, references),
    ] {
      guard let first, let second, first != second else { continue }
      throw StageFailure(
        "\(file): id \(name) has other \(what) in row \(line) than in row \(known.line)",
        remedy: "give every prompt an id of its own")
    }
    guard known.samples.insert(row.sample).inserted else {
      throw StageFailure(
        "\(file): sample \(row.sample) of id \(name) stands twice, the second time in row \(line)",
        remedy: "number the samples of a prompt by \"sample\", and give every prompt an id of its own")
    }
    known.prompt = known.prompt ?? prompt
    known.promptTokens = known.promptTokens ?? tokens
    known.references = known.references ?? references
    prompts[Array(row.id.utf8)] = known
  }
}

/// Sixty-four bits by which equal contents are told from others.
enum Fingerprint {
  /// Of texts, in order.
  static func of(_ texts: [String]) -> UInt64 {
    var hash = start
    for text in texts {
      for byte in text.utf8 { add(UInt64(byte) + 1, to: &hash) }
      add(0, to: &hash)
    }
    return hash
  }

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

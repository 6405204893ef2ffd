import Records
import TextMetrics

/// Where a sample stands: its prompt in the order of the report, and its number.
struct SamplePlace: Hashable, Sendable {
  var prompt: Int
  var number: Int
}

/// What rewards and samples say of the samples of a cell, read once and kept small: numbers, no tokens and no texts.
struct CellFacts {
  /// What is kept of the reward of a sample.
  struct Reward {
    var tokenCount: Int
    var tokens: ContentHash
    var `return`: Double
    var logProbability: Double
    var firstValue: Double?
  }

  /// What is kept of a sample.
  struct Row {
    var tokenCount: Int?
    var tokens: ContentHash?
    var logProbability: Double?
    var entropy: Double?
    /// What adds up to corpus BLEU; nil where the text or its references are not known.
    var bleu: BLEUStatistics?
  }

  /// What an id stands for.
  struct Prompt: Sendable {
    var text: ContentHash?
    var references: ContentHash?
  }

  private(set) var rewards: [SamplePlace: Reward] = [:]
  private(set) var rows: [SamplePlace: Row] = [:]
  /// By place, where some row says it.
  private(set) var prompts: [Int: Prompt] = [:]
  /// The references of prompts by place, where they were asked for.
  private(set) var references: [Int: [String]] = [:]

  /// Reads what belongs to a cell.
  ///
  /// - Parameters:
  ///   - rewards: Its rewards, or nil.
  ///   - samples: Its samples, or nil.
  ///   - places: The prompts of the report by id; others are passed over.
  ///   - needsBLEU: The places whose samples lack what adds up to corpus BLEU.
  ///   - keepsReferences: Whether references are kept.
  /// - Throws: `ReportError.unreadable`.
  init(
    _ rewards: RewardsInput?, _ samples: SamplesInput?, places: [TextBytes: Int], needsBLEU: Set<Int>,
    keepsReferences: Bool
  ) throws(ReportError) {
    var rewardFacts: [SamplePlace: Reward] = [:]
    try rewards?.forEach { row in
      guard let prompt = places[TextBytes(row.id)] else { return }
      let place = SamplePlace(prompt: prompt, number: row.sample)
      guard rewardFacts[place] == nil else { return }
      rewardFacts[place] = Reward(
        tokenCount: row.tokens.count, tokens: .of(row.tokens), return: row.return,
        logProbability: Self.sum(row.logProbabilities), firstValue: row.values.first.map(Double.init))
    }
    self.rewards = rewardFacts
    let bleu = BLEU()
    var rows: [SamplePlace: Row] = [:]
    var prompts: [Int: Prompt] = [:]
    var references: [Int: [String]] = [:]
    try samples?.forEach { row in
      guard let prompt = places[TextBytes(row.id)] else { return }
      let place = SamplePlace(prompt: prompt, number: row.sample)
      guard rows[place] == nil else { return }
      var facts = Row(
        tokenCount: row.tokens?.count, tokens: row.tokens.map { .of($0) },
        logProbability: row.logProbabilities.map(Self.sum),
        entropy: row.entropies.flatMap { $0.isEmpty ? nil : Self.sum($0) / Double($0.count) })
      if needsBLEU.contains(prompt), let text = row.text, let right = row.references, !right.isEmpty {
        facts.bleu = bleu.statistics(of: text, references: right)
      }
      rows[place] = facts
      var known = prompts[prompt] ?? Prompt()
      if known.text == nil { known.text = row.prompt.map { Self.hash([$0]) } }
      if known.references == nil { known.references = row.references.map(Self.hash) }
      prompts[prompt] = known
      if keepsReferences, references[prompt] == nil, let right = row.references { references[prompt] = right }
    }
    self.rows = rows
    self.prompts = prompts
    self.references = references
  }

  private static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }

  private static func hash(_ texts: [String]) -> ContentHash {
    var hash = ContentHash()
    for text in texts { hash.add(text: text) }
    return hash
  }
}

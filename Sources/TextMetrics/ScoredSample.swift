/// One generated text with what is needed to score it.
public struct ScoredSample: Sendable {
  /// The id of the prompt; samples of one prompt share it.
  public var id: String
  /// Which sample of the prompt.
  public var sample: Int
  /// The text to judge.
  public var text: String
  /// The right texts; may be empty, then the sample takes no part in metrics that need one.
  public var references: [String]
  /// The number of tokens, the end token included.
  public var tokenCount: Int?
  /// The sum of the tokens' log-probabilities, in nats.
  public var logProbability: Double?
  /// The sum of the entropies of the model's distributions, in nats.
  public var entropy: Double?
  /// What the model's reward says of it.
  public var reward: SampleReward?

  /// A sample.
  public init(
    id: String, sample: Int, text: String, references: [String], tokenCount: Int? = nil,
    logProbability: Double? = nil, entropy: Double? = nil, reward: SampleReward? = nil
  ) {
    self.id = id
    self.sample = sample
    self.text = text
    self.references = references
    self.tokenCount = tokenCount
    self.logProbability = logProbability
    self.entropy = entropy
    self.reward = reward
  }
}

/// What extracted rewards say of one sample.
public struct SampleReward: Sendable, Hashable {
  /// The sum of the rewards.
  public var `return`: Double
  /// The sum of the tokens' log-probabilities, in nats.
  public var logProbability: Double
  /// The number of tokens.
  public var tokenCount: Int
  /// v₀, the value of the prompt.
  public var initialValue: Double

  /// What a row of rewards holds.
  public init(return: Double, logProbability: Double, tokenCount: Int, initialValue: Double) {
    self.return = `return`
    self.logProbability = logProbability
    self.tokenCount = tokenCount
    self.initialValue = initialValue
  }

  /// The value of a predictor.
  func value(_ predictor: CorrelationMetric.Predictor) -> Double {
    switch predictor {
    case .return: `return`
    case .logProbability: logProbability
    case .meanLogProbability: logProbability / Double(max(tokenCount, 1))
    case .negativeLength: -Double(tokenCount)
    case .initialValue: initialValue
    }
  }
}

/// How samples are scored.
public struct ScoringOptions: Sendable {
  /// The metrics in the order of printing; nil for all that the samples allow.
  public var metrics: [Metric]?
  /// Whether default metrics include ROUGE of Porter stems.
  public var stemming = false
  /// Where answers stand.
  public var answer = AnswerRule.afterHashes
  /// Whether the rule for answers was chosen, so that it is said where it finds none.
  public var isAnswerChosen = false
  /// How many samples of every prompt Self-BLEU takes; nil for the least number that a prompt has.
  public var selfBLEUSamples: Int?
  /// Seed of the bootstrap.
  public var seed: UInt64 = 0
  /// Resamples of the bootstrap; 0 for no intervals.
  public var resamples = 1000

  /// The defaults.
  public init() {}
}

/// A value with its 95 % interval over prompts.
public struct Estimate: Sendable, Hashable {
  /// The value over all samples.
  public var value: Double
  /// The lower end of the interval, or nil where there is none.
  public var low: Double?
  /// The upper end of the interval, or nil where there is none.
  public var high: Double?
  /// The number of samples, or of prompts where the metric is a mean over prompts.
  public var count: Int

  /// A value.
  public init(value: Double, low: Double? = nil, high: Double? = nil, count: Int) {
    self.value = value
    self.low = low
    self.high = high
    self.count = count
  }
}

/// The scores of one sample.
public struct ExampleScores: Sendable {
  /// The id of the prompt.
  public var id: String
  /// Which sample of the prompt.
  public var sample: Int
  /// Sentence forms of the metrics, and what predicts them.
  public var values: [(name: String, value: Double)]
  /// The sample's counts for BLEU: both lengths, matches, totals; so that a corpus score can be compared over prompts.
  public var bleuStatistics: [Int]?
}

/// Everything that scoring gives.
public struct Scores: Sendable {
  /// Metrics in the order of printing.
  public var metrics: [(name: String, value: Estimate)]
  /// One row a sample, in the samples' order.
  public var examples: [ExampleScores]
  /// Every argument that decided the values.
  public var settings: [(name: String, value: SettingValue)]
  /// What was asked for and could not be had, and what took no part.
  public var remarks: [ScoringRemark]

  /// The value of a metric, or nil.
  public subscript(name: String) -> Estimate? { metrics.first { $0.name == name }?.value }
}

/// A setting of the scores.
public indirect enum SettingValue: Sendable {
  /// Yes or no.
  case flag(Bool)
  /// A whole number.
  case integer(Int)
  /// A number.
  case number(Double)
  /// A word or sentence.
  case text(String)
  /// A list.
  case list([SettingValue])
  /// Settings that belong together.
  case group([(name: String, value: SettingValue)])
  /// Not set.
  case none
}

/// How the next token is chosen.
public enum DecodingStrategy: Sendable, Hashable {
  /// The most probable token, the lower id of equals.
  case greedy
  /// A token drawn from the model's distribution.
  case sample(Sampling)
}

/// The distribution that tokens are drawn from: softmax(q / T), cut to the top k, then to the top p.
public struct Sampling: Sendable, Hashable {
  /// T, above 0.
  public var temperature: Float
  /// How many of the most probable tokens stay, with all that are as probable as the last of them; nil keeps all.
  public var topK: Int?
  /// The least probability that the tokens that stay have together; 1 keeps all.
  public var topP: Double

  /// A distribution.
  ///
  /// - Parameters:
  ///   - temperature: Above 0.
  ///   - topK: At least 1, or nil.
  ///   - topP: Above 0, at most 1.
  public init(temperature: Float = 1, topK: Int? = nil, topP: Double = 1) {
    precondition(temperature > 0 && (topK ?? 1) >= 1 && topP > 0 && topP <= 1)
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
  }
}

/// What `Generator` does with each prompt.
public struct DecodingSettings: Sendable, Hashable {
  /// How tokens are chosen.
  public var strategy: DecodingStrategy
  /// Completions for each prompt.
  public var samples: Int
  /// The most tokens of a completion, its end token included.
  public var maximumNewTokens: Int
  /// Whether an end token is chosen and fed like any other and does not stop.
  public var ignoresEnd: Bool
  /// The seed of all draws.
  public var seed: UInt64

  /// Settings.
  public init(
    strategy: DecodingStrategy, samples: Int = 1, maximumNewTokens: Int, ignoresEnd: Bool = false, seed: UInt64 = 0
  ) {
    precondition(samples >= 1 && maximumNewTokens >= 1)
    self.strategy = strategy
    self.samples = samples
    self.maximumNewTokens = maximumNewTokens
    self.ignoresEnd = ignoresEnd
    self.seed = seed
  }
}

/// A prompt to complete.
public struct GenerationPrompt: Sendable, Hashable {
  /// Its id, on which its random numbers depend.
  public var id: String
  /// Its tokens, at least one.
  public var tokens: [Int32]

  /// A prompt.
  public init(id: String, tokens: [Int32]) {
    self.id = id
    self.tokens = tokens
  }
}

/// One generated completion.
public struct Completion: Sendable, Hashable {
  /// Tokens, the end token included where there is one.
  public var tokens: [Int32] = []
  /// log π of each token at temperature 1, before any cut, nats.
  public var logProbabilities: [Float] = []
  /// Entropy of the model's distribution at each token at temperature 1, before any cut, nats.
  public var entropies: [Float] = []
  /// Whether an end token ended it.
  public var isTerminal = false
}

/// How rotary frequencies are stretched for contexts longer than those of training.
public enum RotaryScaling: Hashable, Sendable {
  /// Frequencies as they are.
  case none
  /// Llama 3.1: waves longer than `originalContext / lowFrequencyFactor` are slowed by `factor`, those shorter than
  /// `originalContext / highFrequencyFactor` stay, and between the two a blend.
  case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
}

/// The shape of a Llama-style decoder: RMSNorm, rotary positions, gated MLP, grouped-query attention, no biases.
public struct LlamaConfiguration: Hashable, Sendable {
  /// What `config.json` and `init-model` call it.
  public static let architecture = "llama"

  /// How many tokens there are.
  public var vocabularySize: Int
  /// Elements of a hidden state.
  public var width: Int
  /// Blocks of attention and MLP.
  public var layers: Int
  /// Query heads.
  public var heads: Int
  /// Key-value heads, a divisor of `heads`.
  public var keyValueHeads: Int
  /// Elements of a head, an even number; not bound to `width / heads`.
  public var headWidth: Int
  /// Inner elements of the MLP.
  public var feedForward: Int
  /// The longest sequence.
  public var contextLength: Int
  /// ε under the root of RMSNorm.
  public var normEpsilon: Float
  /// θ: pair i of a head turns by position · θ^(−2i / head width).
  public var rotaryBase: Double
  /// How rotary frequencies are stretched.
  public var rotaryScaling: RotaryScaling
  /// Whether the output matrix is the embedding table.
  public var isTied: Bool
  /// A number subtracted from all logits: the calibrated level of a soft value function.
  public var levelOffset: Float
  /// The largest magnitude of a level offset: beyond it double precision keeps less of a value than single precision
  /// gives of a logit.
  public static let largestLevelOffset: Float = 1e11
  /// The token that begins a text, if there is one.
  public var beginToken: Int32?
  /// The tokens that end a text.
  public var endTokens: [Int32]

  /// A configuration; heads default to a width of `width / heads`, one key-value head for each.
  public init(
    vocabularySize: Int, width: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil, headWidth: Int? = nil,
    feedForward: Int, contextLength: Int, normEpsilon: Float = 1e-5, rotaryBase: Double = 10_000,
    rotaryScaling: RotaryScaling = .none, isTied: Bool = true, levelOffset: Float = 0, beginToken: Int32? = nil,
    endTokens: [Int32] = []
  ) {
    self.vocabularySize = vocabularySize
    self.width = width
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth ?? width / heads
    self.feedForward = feedForward
    self.contextLength = contextLength
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.rotaryScaling = rotaryScaling
    self.isTied = isTied
    self.levelOffset = levelOffset
    self.beginToken = beginToken
    self.endTokens = endTokens
  }
}

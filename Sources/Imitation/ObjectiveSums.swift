/// Sums over completion tokens, added in the order of the batch, in double precision.
public struct ObjectiveSums: Sendable, Hashable {
  /// How many completion tokens were seen.
  public var tokens = 0
  /// How many completions were seen.
  public var completions = 0
  /// How many of them end with an end token.
  public var terminals = 0
  /// What is minimised.
  public var loss = 0.0
  /// The sum of −log π.
  public var mle = 0.0
  /// The sum of r², without λ.
  public var td = 0.0
  /// The sum of H.
  public var entropy = 0.0
  /// The sum of r.
  public var reward = 0.0
  /// The sum of v.
  public var value = 0.0
  /// The sum of v in the first row of every completion.
  public var firstValue = 0.0
  /// The sum of r of the end tokens.
  public var endReward = 0.0
  /// Rows whose TD gradient outweighs the likelihood's: |r| > 1 / (2λ).
  public var flipped = 0

  /// Nothing yet.
  public init() {}

  /// Adds sums of rows that come later.
  public mutating func add(_ other: ObjectiveSums) {
    tokens += other.tokens
    completions += other.completions
    terminals += other.terminals
    loss += other.loss
    mle += other.mle
    td += other.td
    entropy += other.entropy
    reward += other.reward
    value += other.value
    firstValue += other.firstValue
    endReward += other.endReward
    flipped += other.flipped
  }

  /// A sum divided by the number of tokens.
  public func perToken(_ sum: KeyPath<ObjectiveSums, Double>) -> Double { self[keyPath: sum] / Double(max(tokens, 1)) }
}

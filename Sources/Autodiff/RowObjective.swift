/// The numbers that an objective puts on one predicted row.
///
/// With q the row's logits, p = softmax(q), a its action and
/// H the entropy of p,
///
///     ∂loss/∂q = oneHot · onehot(a) + softmax · p + entropy · p ⊙ (log p + H) + uniform
///
/// Every offline objective is such a row (MLE −1, 1, 0, 0).
public struct RowCoefficients: Hashable, Sendable {
  /// c₁; not used where a row has no action.
  public var oneHot: Float
  /// c₂.
  public var softmax: Float
  /// η, the weight of −H in the loss.
  public var entropy: Float
  /// What every logit gets alike, −ε / vocabulary for label smoothing.
  public var uniform: Float

  /// Coefficients with these values.
  public init(oneHot: Float, softmax: Float, entropy: Float = 0, uniform: Float = 0) {
    self.oneHot = oneHot
    self.softmax = softmax
    self.entropy = entropy
    self.uniform = uniform
  }
}

/// The predicted rows of one sequence, as an objective sees them.
///
/// Valid only during the call that hands them over.
public struct SequenceRows {
  /// Which sequence of the batch.
  public let sequence: Int
  /// a of each row; below 0 where a row has no action: the state after a cut-off completion.
  public let actions: UnsafeBufferPointer<Int32>
  /// The action's logit of each row, the level offset not subtracted; 0 where there is no action.
  public let actionLogits: UnsafeBufferPointer<Float>
  /// The logsumexp of each row's logits, the level offset not subtracted.
  public let values: UnsafeBufferPointer<Float>
  /// H of each row; empty unless the objective asked.
  public let entropies: UnsafeBufferPointer<Float>
  /// The mean logit of each row, the level offset not subtracted; empty unless the objective asked.
  public let meanLogits: UnsafeBufferPointer<Float>
  /// What is to be subtracted from `actionLogits`, `values` and `meanLogits` to have those of q.
  ///
  /// It is kept apart, because single precision would lose beside a large level what probabilities depend on.
  public let levelOffset: Float
}

/// Which numbers of a row beyond q[a] and v are wanted.
public struct RowStatisticsOptions: OptionSet, Sendable {
  /// The bits.
  public let rawValue: Int
  /// A set of these bits.
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// H, the entropy in nats.
  public static let entropies = RowStatisticsOptions(rawValue: 1)
  /// The mean logit.
  public static let meanLogits = RowStatisticsOptions(rawValue: 2)
}

/// A loss over predicted rows, whose gradient in the logits of a sequence depends on that sequence's rows alone.
public protocol RowObjective: Sendable {
  /// What the objective reads beyond q[a] and v.
  var statistics: RowStatisticsOptions { get }

  /// Writes the coefficients of every row of a sequence, not yet divided by any token count.
  func coefficients(of rows: SequenceRows, into coefficients: UnsafeMutableBufferPointer<RowCoefficients>)
}

/// Which rows of a batch are predictions, and of what.
public struct PredictedRows: Sendable {
  /// a of each row; below 0 where a row has no action.
  public let actions: [Int32]
  /// Where each sequence's rows begin, and where the last one's end [sequences + 1].
  public let offsets: [Int]

  /// Rows with these actions.
  public init(actions: [Int32], offsets: [Int]) {
    precondition(offsets.first == 0 && offsets.last == actions.count, "offsets that don't span the rows")
    self.actions = actions
    self.offsets = offsets
  }
}

/// What the predicted rows of a batch came to, level offset not subtracted.
public struct RowStatistics: Sendable {
  /// a of each row; below 0 where a row has no action.
  public internal(set) var actions: [Int32]
  /// Where each sequence's rows begin, and where the last one's end [sequences + 1].
  public internal(set) var offsets: [Int]
  /// The action's logit of each row; 0 where there is no action.
  public internal(set) var actionLogits: [Float]
  /// The logsumexp of each row's logits.
  public internal(set) var values: [Float]
  /// H of each row in nats; empty unless asked for.
  public internal(set) var entropies: [Float]
  /// The mean logit of each row; empty unless asked for.
  public internal(set) var meanLogits: [Float]
  /// What the model subtracts from all logits.
  public let levelOffset: Float

  init(_ rows: PredictedRows, levelOffset: Float, _ options: RowStatisticsOptions) {
    let zeros = [Float](repeating: 0, count: rows.actions.count)
    actions = rows.actions
    offsets = rows.offsets
    actionLogits = zeros
    values = zeros
    self.levelOffset = levelOffset
    entropies = options.contains(.entropies) ? zeros : []
    meanLogits = options.contains(.meanLogits) ? zeros : []
  }
}

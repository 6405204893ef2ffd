import Tensors

/// How rows come together in steps.
public struct BatchSettings: Sendable, Hashable {
  /// How much one micro-batch holds.
  public enum Size: Sendable, Hashable {
    /// So many rows.
    case rows(Int)
    /// As many rows as fit in so many tokens, prompts included; at least one.
    case tokens(Int)
  }

  /// How much one micro-batch holds.
  public var size: Size
  /// How many micro-batches one update sums over.
  public var accumulate: Int
  /// Whether every epoch has an order of its own; else rows come in file order and wrap.
  public var shuffle: Bool
  /// The seed of the order.
  public var seed: UInt64

  /// Settings.
  public init(size: Size, accumulate: Int = 1, shuffle: Bool = true, seed: UInt64 = 0) {
    self.size = size
    self.accumulate = accumulate
    self.shuffle = shuffle
    self.seed = seed
  }
}

/// How long training goes on.
public enum TrainingLength: Sendable, Hashable {
  /// So many updates.
  case steps(Int)
  /// So many visits to every row.
  case epochs(Int)
}

/// The rows of every step, in order: a function of settings, row lengths and the step alone.
///
/// Shuffled, every epoch is a permutation of its own, and its last step takes what is left. Unshuffled, rows come in
/// file order and steps go on from the last row to the first.
public struct RowOrder: Sendable {
  private let lengths: [Int]
  private let settings: BatchSettings
  private let epochs: Int?
  private var epoch = -1
  private var order: [Int] = []
  private var position = 0

  /// The order of rows of these lengths.
  ///
  /// - Parameters:
  ///   - lengths: Tokens of every row; at least one row.
  ///   - settings: How rows come together.
  ///   - epochs: After how many epochs the order ends, or nil.
  public init(lengths: [Int], settings: BatchSettings, epochs: Int? = nil) {
    precondition(!lengths.isEmpty, "an order of no rows")
    self.lengths = lengths
    self.settings = settings
    self.epochs = epochs
  }

  /// How many steps a training length comes to.
  public static func steps(_ length: TrainingLength, lengths: [Int], settings: BatchSettings) -> Int {
    switch length {
    case .steps(let count): return count
    case .epochs(let epochs):
      if case .rows(let size) = settings.size {
        // Batches are full but for the last one of an epoch, or of all where rows wrap.
        func steps(_ rows: Int) -> Int {
          let batches = (rows + size - 1) / size
          return (batches + settings.accumulate - 1) / settings.accumulate
        }
        return settings.shuffle ? epochs * steps(lengths.count) : steps(epochs * lengths.count)
      }
      var order = RowOrder(lengths: lengths, settings: settings, epochs: epochs)
      var steps = 0
      while !order.next().isEmpty { steps += 1 }
      return steps
    }
  }

  /// The micro-batches of the next step; none after the last epoch.
  public mutating func next() -> [[Int]] {
    var batches: [[Int]] = []
    while batches.count < settings.accumulate {
      let batch = nextBatch(isFirst: batches.isEmpty)
      if batch.isEmpty { break }
      batches.append(batch)
    }
    return batches
  }

  private mutating func nextBatch(isFirst: Bool) -> [Int] {
    var batch: [Int] = []
    var tokens = 0
    while true {
      if position == order.count {
        // A shuffled step doesn't reach over the end of its epoch.
        let isOpen = isFirst && batch.isEmpty
        if settings.shuffle, !isOpen, epoch >= 0 { return batch }
        guard beginEpoch() else { return batch }
      }
      let row = order[position]
      switch settings.size {
      case .rows(let count): if batch.count == count { return batch }
      case .tokens(let limit): if !batch.isEmpty, tokens + lengths[row] > limit { return batch }
      }
      tokens += lengths[row]
      batch.append(row)
      position += 1
    }
  }

  /// Whether there is another epoch.
  private mutating func beginEpoch() -> Bool {
    if let epochs, epoch + 1 == epochs { return false }
    epoch += 1
    position = 0
    order = Array(lengths.indices)
    if settings.shuffle {
      var random = Philox(seed: settings.seed, purpose: "order", stream: UInt64(epoch))
      // Fisher and Yates, from the end.
      for index in stride(from: order.count - 1, to: 0, by: -1) {
        order.swapAt(index, random.nextInteger(below: index + 1))
      }
    }
    return true
  }
}

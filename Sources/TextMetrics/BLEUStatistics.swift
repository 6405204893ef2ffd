import Glibc

/// The counts that BLEU is computed from; those of a corpus are the sums of those of its samples.
public struct BLEUStatistics: Sendable, Hashable {
  /// Words of the samples.
  public var length = 0
  /// Words of the closest references.
  public var referenceLength = 0
  /// Matched n-grams, by order from 1.
  public var matches: [Int] = [0, 0, 0, 0]
  /// All n-grams of the samples, by order from 1.
  public var totals: [Int] = [0, 0, 0, 0]

  /// No sample.
  public init() {}

  /// Counts in sacrebleu's order, as `values` gives them; what is no count is 0.
  public init(values: [Double]) {
    precondition(values.count == Self.width, "BLEU has \(Self.width) counts")
    let counts = values.map { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
    length = counts[0]
    referenceLength = counts[1]
    matches = Array(counts[2..<2 + BLEU.order])
    totals = Array(counts[(2 + BLEU.order)...])
  }

  /// The sum of two counts.
  public static func += (left: inout Self, right: Self) {
    left.length += right.length
    left.referenceLength += right.referenceLength
    for order in 0..<BLEU.order {
      left.matches[order] += right.matches[order]
      left.totals[order] += right.totals[order]
    }
  }

  /// The number of values in `values`.
  static let width = 2 + 2 * BLEU.order

  /// The counts in sacrebleu's order: both lengths, matches, totals.
  public var values: [Double] { ([length, referenceLength] + matches + totals).map(Double.init) }

  /// The score, from 0 to 100.
  ///
  /// - Parameter effectiveOrder: Whether orders that the sample is too short for are left out, as for single
  ///   sentences; a corpus counts all four.
  /// - Returns: Brevity penalty times the geometric mean of the smoothed precisions.
  public func score(effectiveOrder: Bool) -> Double {
    values.withUnsafeBufferPointer { Self.score(of: $0, effectiveOrder: effectiveOrder) }
  }

  /// The score of counts in sacrebleu's order.
  ///
  /// - Parameters:
  ///   - values: Both lengths, matches, totals, as `values` gives them.
  ///   - effectiveOrder: As for a single sentence.
  /// - Returns: The score, from 0 to 100.
  public static func score(of values: UnsafeBufferPointer<Double>, effectiveOrder: Bool) -> Double {
    let (length, referenceLength) = (values[0], values[1])
    guard (0..<BLEU.order).contains(where: { values[2 + $0] > 0 }) else { return 0 }
    let brevity = length < referenceLength ? (length > 0 ? exp(1 - referenceLength / length) : 0) : 1
    var smoothing = 1.0
    var logarithms = 0.0
    var orders = effectiveOrder ? 0 : BLEU.order
    for order in 0..<BLEU.order {
      let matches = values[2 + order]
      let total = values[2 + BLEU.order + order]
      if total == 0 {
        // sacrebleu takes −9999999999 for the logarithm of a precision that is 0.
        if !effectiveOrder { return 0 }
        break
      }
      if effectiveOrder { orders = order + 1 }
      if matches == 0 {
        smoothing *= 2
        logarithms += log(100 / (smoothing * total))
      } else {
        logarithms += log(100 * matches / total)
      }
    }
    return brevity * exp(logarithms / Double(orders))
  }
}

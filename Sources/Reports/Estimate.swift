import TextMetrics

/// A number with its 95 % interval, where there is one.
struct Estimate: Hashable, Sendable {
  var value: Double
  var low: Double?
  var high: Double?

  /// Half the width of the interval.
  var halfWidth: Double? {
    guard let low, let high else { return nil }
    return (high - low) / 2
  }

  /// Whether the interval leaves out zero.
  var isDecided: Bool {
    guard let low, let high else { return false }
    return low > 0 || high < 0
  }

  /// Whether two intervals have no point in common.
  func isApart(from other: Estimate) -> Bool {
    guard let low, let high, let otherLow = other.low, let otherHigh = other.high else { return false }
    return low > otherHigh || high < otherLow
  }

  /// The same on another scale.
  func scaled(by factor: Double) -> Estimate {
    Estimate(value: value * factor, low: low.map { $0 * factor }, high: high.map { $0 * factor })
  }
}

/// A score of statistics that add up over prompts, such as a mean (sum and count), corpus BLEU or a correlation.
struct Measure: Sendable {
  /// One row a prompt, in the order that all cells of a report share.
  var rows: [[Double]]
  /// The score of a sum of rows; nil where it is undefined.
  var score: @Sendable (UnsafeBufferPointer<Double>) -> Double?

  var width: Int { rows.first?.count ?? 0 }

  /// Sums divided by counts.
  static func mean(_ rows: [(sum: Double, count: Double)]) -> Measure {
    Measure(rows: rows.map { [$0.sum, $0.count] }) { $0[1] > 0 ? $0[0] / $0[1] : nil }
  }

  /// The score over all prompts.
  var value: Double? {
    var sum = [Double](repeating: 0, count: width)
    for row in rows { for column in row.indices { sum[column] += row[column] } }
    return sum.withUnsafeBufferPointer { score($0) }
  }
}

/// Estimates with intervals: a bootstrap over prompts for one training seed, Student's t over seeds for several.
struct Estimator: Sendable {
  private let bootstrap: Bootstrap

  init(prompts: Int, resamples: Int, seed: Int) {
    bootstrap = Bootstrap(prompts: prompts, resamples: resamples, seed: UInt64(bitPattern: Int64(seed)))
  }

  /// The estimate of a measure, one a seed.
  func callAsFunction(_ seeds: [Measure]) -> Estimate? {
    self(seeds.map { [$0] }) { $0[0] }
  }

  /// The estimate of something computed from the scores of several measures on the same prompts.
  ///
  /// Every resample draws the same prompts for all measures and goes through `combine` whole. Where more than one
  /// resample in twenty is undefined, the value stands without an interval.
  /// - Parameters:
  ///   - seeds: The measures of every seed, in the same order.
  ///   - combine: What is computed from the scores; nil where it is undefined.
  /// - Returns: Nil where it is undefined on the prompts themselves, in any seed.
  func callAsFunction(_ seeds: [[Measure]], combine: @escaping ([Double?]) -> Double?) -> Estimate? {
    var values: [Double] = []
    for measures in seeds {
      guard let value = combine(measures.map(\.value)) else { return nil }
      values.append(value)
    }
    guard let first = seeds.first else { return nil }
    guard seeds.count == 1 else { return Self.student(values) }
    var estimate = Estimate(value: values[0])
    guard let prompts = first.first?.rows.count, prompts > 1 else { return estimate }
    let rows = (0..<prompts).map { prompt in first.flatMap { $0.rows[prompt] } }
    let widths = first.map(\.width)
    var undefined = 0
    let interval = bootstrap.interval(rows) { sum in
      var start = 0
      let scores = zip(first, widths).map { measure, width in
        defer { start += width }
        return measure.score(UnsafeBufferPointer(rebasing: sum[start..<start + width]))
      }
      let value = combine(scores)
      if value == nil { undefined += 1 }
      return value
    }
    if let interval, undefined * 20 <= bootstrap.resamples {
      estimate.low = interval.low
      estimate.high = interval.high
    }
    return estimate
  }

  /// The mean over seeds with Student's 95 % interval.
  static func student(_ values: [Double]) -> Estimate {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    guard values.count > 1 else { return Estimate(value: mean) }
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let half = quantiles[min(values.count - 2, quantiles.count - 1)] * (variance / count).squareRoot()
    return Estimate(value: mean, low: mean - half, high: mean + half)
  }

  /// The 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the last is a little too wide.
  private static let quantiles = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
    2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
    2.0452, 2.0423,
  ]
}

/// Percentile bootstrap over prompts.
///
/// Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), §13. A resample draws as many prompts as there
/// are, with replacement; all samples of a prompt go together, since they are not independent. Draw i of resample b
/// depends on seed, b and i alone, so two systems on the same prompts, and all metrics of one, see the same resamples.
public struct Bootstrap: Sendable {
  /// The fewest resamples of which 2.5 % is one: with fewer, a 95 % interval would be from the least to the greatest.
  public static let leastResamples = 40

  /// The number of prompts.
  public let prompts: Int
  /// The number of resamples.
  public let resamples: Int
  private let random: Philox

  /// A bootstrap over so many prompts.
  public init(prompts: Int, resamples: Int, seed: UInt64) {
    self.prompts = prompts
    self.resamples = resamples
    random = Philox(seed: seed, purpose: "bootstrap over prompts")
  }

  /// How often each prompt stands in a resample.
  func multiplicities(resample: Int, into counts: inout [Double]) {
    multiplicities(resample: resample, into: &counts, at: 0)
  }

  /// The same at a place of an array.
  private func multiplicities(resample: Int, into counts: inout [Double], at start: Int) {
    counts.withUnsafeMutableBufferPointer { counts in
      let own = UnsafeMutableBufferPointer(rebasing: counts[start..<start + prompts])
      own.update(repeating: 0)
      let blocks = (prompts + 3) / 4
      for block in 0..<blocks {
        let words = random.block(UInt64(resample * blocks + block))
        for lane in 0..<min(4, prompts - 4 * block) { own[Int((UInt64(words[lane]) * UInt64(prompts)) >> 32)] += 1 }
      }
    }
  }

  /// The 95 % interval of a score of summed statistics.
  ///
  /// - Parameters:
  ///   - statistics: One row a prompt: what adds up over prompts.
  ///   - score: The score of a sum of rows; nil where it is undefined.
  /// - Returns: Nil where the score is undefined in every resample.
  public func interval(
    _ statistics: [[Double]], score: @escaping (UnsafeBufferPointer<Double>) -> Double?
  ) -> (low: Double, high: Double)? {
    intervals(statistics, scores: [score])[0]
  }

  /// The 95 % intervals of several scores of the same sums.
  func intervals(
    _ statistics: [[Double]], scores: [(UnsafeBufferPointer<Double>) -> Double?]
  ) -> [(low: Double, high: Double)?] {
    intervals(StatisticColumns(statistics), scores: scores)
  }

  /// The same over columns.
  func intervals(
    _ columns: StatisticColumns, scores: [(UnsafeBufferPointer<Double>) -> Double?]
  ) -> [(low: Double, high: Double)?] {
    precondition(columns.rows == prompts, "a row of statistics for every prompt")
    // Several resamples go over the statistics together, as many as fit into a bounded memory.
    let together = max(1, min(resamples, Self.mostCounts / max(1, prompts), 32))
    var counts = [Double](repeating: 0, count: together * prompts)
    var sums = [Double](repeating: 0, count: together * columns.width)
    var values = [[Double]](repeating: [], count: scores.count)
    for first in stride(from: 0, to: resamples, by: together) {
      let count = min(together, resamples - first)
      for place in 0..<count {
        multiplicities(resample: first + place, into: &counts, at: place * prompts)
      }
      columns.weightedSums(counts, count: count, into: &sums)
      sums.withUnsafeBufferPointer { sums in
        for place in 0..<count {
          let sum = UnsafeBufferPointer(rebasing: sums[place * columns.width..<(place + 1) * columns.width])
          for (place, score) in scores.enumerated() { if let value = score(sum) { values[place].append(value) } }
        }
      }
    }
    return values.map { Self.percentiles($0) }
  }

  /// Sixty-four megabytes.
  private static let mostCounts = 1 << 23

  /// The 95 % interval of the difference of two systems' scores on the same prompts.
  ///
  /// - Parameters:
  ///   - first: One row a prompt, of the system from whose score is subtracted.
  ///   - second: One row a prompt, of the other system, prompts in the same order.
  ///   - score: The score of a sum of rows; nil where it is undefined.
  /// - Returns: The difference first − second with its interval; nil where it is undefined.
  public func pairedDifference(
    _ first: [[Double]], _ second: [[Double]], score: @escaping (UnsafeBufferPointer<Double>) -> Double?
  ) -> (value: Double, low: Double, high: Double)? {
    precondition(first.count == second.count, "two systems on the same prompts")
    let width = first.first?.count ?? 0
    let difference = { (sum: UnsafeBufferPointer<Double>) -> Double? in
      guard let one = score(UnsafeBufferPointer(rebasing: sum[..<width])),
        let other = score(UnsafeBufferPointer(rebasing: sum[width...]))
      else { return nil }
      return one - other
    }
    let rows = zip(first, second).map { $0 + $1 }
    let sum = StatisticColumns(rows).sum
    guard let value = sum.withUnsafeBufferPointer({ difference($0) }), let interval = interval(rows, score: difference)
    else { return nil }
    return (value, interval.low, interval.high)
  }

  /// The 2.5th and the 97.5th percentile, with linear interpolation.
  static func percentiles(_ values: [Double]) -> (low: Double, high: Double)? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    func percentile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
    return (percentile(0.025), percentile(0.975))
  }
}

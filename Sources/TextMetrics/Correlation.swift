import Glibc

/// Correlation of two lists, equal to `scipy.stats` 1.17.
public struct Correlation: Sendable, Hashable {
  /// From −1 to 1.
  public var value: Double
  /// Two-sided p value against no association.
  public var pValue: Double

  /// Pearson's product-moment correlation.
  ///
  /// - Parameters:
  ///   - x: Values.
  ///   - y: As many values.
  /// - Returns: Nil where a list is constant or shorter than 2.
  public static func pearson(_ x: [Double], _ y: [Double]) -> Correlation? {
    precondition(x.count == y.count, "correlation is of pairs")
    guard let value = coefficient(x, y) else { return nil }
    return Correlation(value: value, pValue: x.count == 2 ? 1 : studentP(value, count: x.count))
  }

  /// Spearman's rank correlation; tied values share the mean of their ranks.
  ///
  /// - Parameters:
  ///   - x: Values.
  ///   - y: As many values.
  /// - Returns: Nil where a list is constant or shorter than 2.
  public static func spearman(_ x: [Double], _ y: [Double]) -> Correlation? {
    precondition(x.count == y.count, "correlation is of pairs")
    guard let value = coefficient(averageRanks(x), averageRanks(y)) else { return nil }
    return Correlation(value: value, pValue: studentP(value, count: x.count))
  }

  /// Kendall's τ-b.
  ///
  /// The p value is exact without ties up to 33 pairs (and where at most one pair is out of order), else normal.
  /// - Parameters:
  ///   - x: Values.
  ///   - y: As many values.
  /// - Returns: Nil where a list is constant or shorter than 2.
  public static func kendall(_ x: [Double], _ y: [Double]) -> Correlation? {
    precondition(x.count == y.count, "correlation is of pairs")
    return KendallCounts(x, y).correlation
  }

  /// Ranks from 1; tied values share the mean of their ranks.
  public static func averageRanks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for position in start..<end { ranks[order[position]] = Double(start + 1 + end) / 2 }
      start = end
    }
    return ranks
  }

  private static func coefficient(_ x: [Double], _ y: [Double]) -> Double? {
    guard x.count > 1 else { return nil }
    let meanX = x.reduce(0, +) / Double(x.count)
    let meanY = y.reduce(0, +) / Double(y.count)
    var (squaresX, squaresY, products) = (0.0, 0.0, 0.0)
    for (x, y) in zip(x, y) {
      squaresX += (x - meanX) * (x - meanX)
      squaresY += (y - meanY) * (y - meanY)
      products += (x - meanX) * (y - meanY)
    }
    guard squaresX > 0, squaresY > 0, x.contains(where: { $0 != x[0] }), y.contains(where: { $0 != y[0] }) else {
      return nil
    }
    // One root of the product, so that equal lists correlate by exactly 1.
    return max(-1, min(1, products / (squaresX * squaresY).squareRoot()))
  }

  /// Two-sided p value of a correlation by Student's t with n − 2 degrees of freedom.
  private static func studentP(_ value: Double, count: Int) -> Double {
    guard count > 2 else { return .nan }
    return incompleteBeta((1 - value) * (1 + value), Double(count - 2) / 2, 0.5)
  }

  /// The regularised incomplete beta function I_x(a, b), by its continued fraction.
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    // Lentz's method; tiny stands in for a zero denominator.
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    d = 1 / (abs(d) < tiny ? tiny : d)
    var fraction = d
    for step in 1...500 {
      let m = Double(step)
      for numerator in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 + numerator * d
        d = 1 / (abs(d) < tiny ? tiny : d)
        c = 1 + numerator / c
        if abs(c) < tiny { c = tiny }
        fraction *= d * c
      }
      if abs(d * c - 1) < 1e-15 { break }
    }
    return front * fraction
  }
}

/// What Kendall's τ-b is computed from.
private struct KendallCounts {
  var count: Int
  var concordantMinusDiscordant = 0
  var discordant = 0
  /// Tied pairs of x, of y.
  var tied = (0, 0)
  /// Σ t(t−1)(t−2) of the tie groups of x, of y.
  var triples = (0.0, 0.0)
  /// Σ t(t−1)(2t+5) of the tie groups of x, of y.
  var weighted = (0.0, 0.0)

  init(_ x: [Double], _ y: [Double]) {
    count = x.count
    for i in x.indices {
      for j in 0..<i where x[i] != x[j] && y[i] != y[j] {
        if (x[i] < x[j]) == (y[i] < y[j]) {
          concordantMinusDiscordant += 1
        } else {
          concordantMinusDiscordant -= 1
          discordant += 1
        }
      }
    }
    (tied.0, triples.0, weighted.0) = Self.ties(x)
    (tied.1, triples.1, weighted.1) = Self.ties(y)
  }

  private static func ties(_ values: [Double]) -> (pairs: Int, triples: Double, weighted: Double) {
    let sorted = values.sorted()
    var (pairs, triples, weighted) = (0, 0.0, 0.0)
    var start = 0
    while start < sorted.count {
      var end = start + 1
      while end < sorted.count, sorted[end] == sorted[start] { end += 1 }
      let size = end - start
      pairs += size * (size - 1) / 2
      triples += Double(size) * Double(size - 1) * Double(size - 2)
      weighted += Double(size) * Double(size - 1) * Double(2 * size + 5)
      start = end
    }
    return (pairs, triples, weighted)
  }

  var correlation: Correlation? {
    let total = count * (count - 1) / 2
    guard total > tied.0, total > tied.1 else { return nil }
    let value =
      Double(concordantMinusDiscordant) / Double(total - tied.0).squareRoot() / Double(total - tied.1).squareRoot()
    let isExact = tied.0 == 0 && tied.1 == 0 && (count <= 33 || min(discordant, total - discordant) <= 1)
    return Correlation(value: max(-1, min(1, value)), pValue: isExact ? exactP(total) : normalP)
  }

  private var normalP: Double {
    let n = Double(count)
    let pairs = n * (n - 1)
    var variance = (pairs * (2 * n + 5) - weighted.0 - weighted.1) / 18 + 2 * Double(tied.0) * Double(tied.1) / pairs
    if count > 2 { variance += triples.0 * triples.1 / (9 * pairs * (n - 2)) }
    return erfc(abs(Double(concordantMinusDiscordant)) / variance.squareRoot() / 2.0.squareRoot())
  }

  /// Twice the share of the permutations with at most as many inversions (Kendall, "Rank Correlation Methods", 1970).
  private func exactP(_ total: Int) -> Double {
    let inversions = min(discordant, total - discordant)
    if count <= 2 || 2 * inversions == total { return 1 }
    // Counts of permutations by inversions, as shares of all permutations.
    var shares = [Double](repeating: 0, count: inversions + 1)
    shares[0] = 1
    for size in 2...count {
      var next = shares
      var window = 0.0
      for k in 0...inversions {
        window += shares[k]
        if k >= size { window -= shares[k - size] }
        next[k] = window / Double(size)
      }
      shares = next
    }
    return min(1, 2 * shares.reduce(0, +))
  }
}

import Records
import TextMetrics

/// What a sample's quality is correlated with.
///
/// At γ = 1 the return of a finished completion is log p + v₀, whatever the model; a return's correlation therefore
/// says something only beside those of its parts.
enum Predictor: CaseIterable, Hashable, Sendable {
  case `return`, logProbability, logProbabilityPerToken, shortness, firstValue

  /// The label beside a bar.
  var label: String {
    switch self {
    case .return: "return"
    case .logProbability: "log p"
    case .logProbabilityPerToken: "log p per token"
    case .shortness: "−length"
    case .firstValue: "v₀"
    }
  }

  /// The name in files.
  var name: String {
    switch self {
    case .return: "return"
    case .logProbability: "log_p"
    case .logProbabilityPerToken: "log_p_per_token"
    case .shortness: "minus_length"
    case .firstValue: "v_0"
    }
  }

  /// The predictor of a sample.
  func callAsFunction(_ sample: ScoredSample) -> Double? {
    switch self {
    case .return: sample.return
    case .logProbability: sample.logProbability
    case .logProbabilityPerToken:
      sample.length.flatMap { length in length > 0 ? sample.logProbability.map { $0 / length } : nil }
    case .shortness: sample.length.map { -$0 }
    case .firstValue: sample.firstValue
    }
  }
}

extension ScoredCell {
  /// Spearman's ρ of a predictor with quality over all samples.
  ///
  /// Ranks are those in the whole set, also in resamples: then ρ is Pearson's correlation of sums over prompts.
  func correlation(across predictor: Predictor) -> Measure? {
    var pairs: [(prompt: Int, x: Double, y: Double)] = []
    for (prompt, content) in prompts.enumerated() {
      for sample in content.samples {
        if let x = predictor(sample), let y = sample.quality { pairs.append((prompt, x, y)) }
      }
    }
    guard pairs.count > 2 else { return nil }
    let middle = Double(pairs.count + 1) / 2
    let x = Correlation.averageRanks(pairs.map(\.x)).map { $0 - middle }
    let y = Correlation.averageRanks(pairs.map(\.y)).map { $0 - middle }
    var rows = [[Double]](repeating: [0, 0, 0, 0, 0, 0], count: prompts.count)
    for (place, pair) in pairs.enumerated() {
      for (column, value) in [1, x[place], y[place], x[place] * x[place], y[place] * y[place], x[place] * y[place]]
        .enumerated()
      { rows[pair.prompt][column] += value }
    }
    return Measure(rows: rows) { sum in
      let covariance = sum[5] - sum[1] * sum[2] / sum[0]
      let (first, second) = (sum[3] - sum[1] * sum[1] / sum[0], sum[4] - sum[2] * sum[2] / sum[0])
      guard sum[0] > 2, first > 1e-9 * sum[3], second > 1e-9 * sum[4] else { return nil }
      return max(-1, min(1, covariance / (first * second).squareRoot()))
    }
  }

  /// The mean over prompts of Spearman's ρ within a prompt, where both vary.
  func correlation(within predictor: Predictor) -> Measure? {
    let rows = prompts.map { prompt -> (sum: Double, count: Double) in
      let pairs = prompt.samples.compactMap { sample in predictor(sample).flatMap { x in sample.quality.map { (x, $0) } } }
      guard let rho = Correlation.spearman(pairs.map(\.0), pairs.map(\.1)) else { return (0, 0) }
      return (rho.value, 1)
    }
    return rows.contains { $0.count > 0 } ? .mean(rows) : nil
  }
}

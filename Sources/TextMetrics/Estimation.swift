/// Values and intervals of metrics from counts of samples.
///
/// Whatever adds up over prompts stands in one table, a row a prompt; a resample is one weighted sum of its rows,
/// from which every such metric is scored. Rank correlations and distinct n-grams do not add up and go their own way.
struct Estimation {
  private typealias Score = (UnsafeBufferPointer<Double>) -> Double?

  private let samples: [ScoredSample]
  private let prompts: PromptGroups
  private let columns: SampleColumns
  private let statistics: SampleStatistics
  private let options: ScoringOptions
  private var table: [[Double]]
  private var scores: [(name: String, count: Int, score: Score)] = []
  private var ranked: [(name: String, pairs: CorrelationPairs)] = []
  private var finished: [String: Estimate] = [:]

  init(
    samples: [ScoredSample], prompts: PromptGroups, columns: SampleColumns, statistics: SampleStatistics,
    options: ScoringOptions
  ) {
    self.samples = samples
    self.prompts = prompts
    self.columns = columns
    self.statistics = statistics
    self.options = options
    table = Array(repeating: [], count: prompts.prompts.count)
  }

  /// The estimates in the order asked for; a metric without a defined value is left out.
  mutating func estimates(of metrics: [Metric]) -> [(name: String, value: Estimate)] {
    for metric in metrics where finished[metric.name] == nil { add(metric) }
    let bootstrap = Bootstrap(prompts: prompts.prompts.count, resamples: options.resamples, seed: options.seed)
    let intervals = bootstrap.intervals(table, scores: scores.map(\.score))
    let total = StatisticColumns(table).sum
    for ((name, count, score), interval) in zip(scores, intervals) {
      guard let value = total.withUnsafeBufferPointer(score) else { continue }
      finished[name] = Estimate(value: value, low: interval?.low, high: interval?.high, count: count)
    }
    rankIntervals(bootstrap)
    return metrics.compactMap { metric in finished[metric.name].map { (metric.name, $0) } }
  }

  private mutating func add(_ metric: Metric) {
    switch metric {
    case .bleu(let variant):
      let counts = statistics.bleu[variant] ?? []
      addSum(metric, counts.map { $0?.values }, BLEUStatistics.width) {
        BLEUStatistics.score(of: $0, effectiveOrder: false)
      }
    case .chrf(let score):
      addSum(metric, statistics.chrf.map { $0?.counts(score) }, score.width) { CharacterFScore.score(of: $0) }
    case .ter:
      addSum(metric, statistics.ter.map { $0.map { [$0.edits, $0.referenceLength] } }, 2) {
        TranslationEditRate.Statistics(edits: $0[0], referenceLength: $0[1]).score
      }
    case .entropy: addPerToken(metric, samples.map(\.entropy))
    case .surprisal: addPerToken(metric, samples.map { $0.logProbability.map { -$0 } })
    case .selfBLEU:
      let means = prompts.prompts.map { prompt in Self.mean(prompt.rows.map { statistics.selfBLEU[$0] }) }
      addMean(metric.name, means.map { $0.map { [$0, 1] } })
    case .distinct(let order): addDistinct(metric, order)
    case .correlation(let correlation): add(correlation)
    default:
      let values = columns.values(of: metric) ?? []
      addSum(metric, values.map { $0.map { [$0, 1] } }, 2) { $0[1] > 0 ? $0[0] / $0[1] : nil }
    }
  }

  private static func mean(_ values: [Double?]) -> Double? {
    let defined = values.compactMap { $0 }
    return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
  }

  /// Adds columns to the table, one row a prompt.
  private mutating func append(_ name: String, _ rows: [[Double]], count: Int, _ score: @escaping Score) {
    let start = table[0].count
    let width = rows[0].count
    for prompt in rows.indices { table[prompt] += rows[prompt] }
    scores.append((name, count, { score(UnsafeBufferPointer(rebasing: $0[start..<start + width])) }))
  }

  /// A metric that is scored from the sums of what samples count; samples without counts take no part.
  private mutating func addSum(_ metric: Metric, _ counts: [[Double]?], _ width: Int, _ score: @escaping Score) {
    let rows = prompts.prompts.map { prompt in
      var sum = [Double](repeating: 0, count: width)
      for row in prompt.rows {
        guard let values = counts[row] else { continue }
        for column in 0..<width { sum[column] += values[column] }
      }
      return sum
    }
    append(metric.name, rows, count: counts.count { $0 != nil }, score)
  }

  /// A mean over prompts, from `[value, 1]`.
  private mutating func addMean(_ name: String, _ rows: [[Double]?]) {
    append(name, rows.map { $0 ?? [0, 0] }, count: rows.count { $0 != nil }) { $0[1] > 0 ? $0[0] / $0[1] : nil }
  }

  /// A mean over tokens.
  private mutating func addPerToken(_ metric: Metric, _ sums: [Double?]) {
    let counts = zip(samples, sums).map { sample, sum -> [Double]? in
      guard let sum, let count = sample.tokenCount else { return nil }
      return [sum, Double(count)]
    }
    addSum(metric, counts, 2) { $0[1] > 0 ? $0[0] / $0[1] : nil }
  }

  private mutating func addDistinct(_ metric: Metric, _ order: Int) {
    var distinct = DistinctNGrams(order: order)
    for prompt in prompts.prompts { distinct.add(prompt: prompt.rows.map { samples[$0].text }) }
    guard let value = distinct.ratio else { return }
    let interval = options.resamples > 0 ? distinct.interval : nil
    finished[metric.name] = Estimate(value: value, low: interval?.low, high: interval?.high, count: samples.count)
  }

  // MARK: Correlations

  private mutating func add(_ correlation: CorrelationMetric) {
    guard let values = correlation.quality.sentenceForm.flatMap({ columns.values(of: $0) }) else { return }
    let predictions = samples.map { $0.reward?.value(correlation.predictor) }
    let pairs = CorrelationPairs(prompts, predictions, values)
    switch (correlation.scope, correlation.coefficient) {
    case (.within, let coefficient):
      addMean(correlation.name, pairs.within(coefficient).map { $0.map { [$0, 1] } })
    case (let scope, .pearson):
      let pairs = scope == .between ? pairs.means : pairs
      append(correlation.name, pairs.moments(prompts: table.count), count: pairs.count, CorrelationPairs.pearson)
    case (let scope, .spearman):
      let pairs = scope == .between ? pairs.means : pairs
      guard let value = Correlation.spearman(pairs.x, pairs.y)?.value else { return }
      finished[correlation.name] = Estimate(value: value, count: pairs.count)
      ranked.append((correlation.name, pairs))
    }
  }

  /// Intervals of rank correlations; those over the same points share the ranking of every variable.
  private mutating func rankIntervals(_ bootstrap: Bootstrap) {
    guard options.resamples > 0 else { return }
    var left = ranked
    while let first = left.first {
      let same = left.filter { $0.pairs.prompts == first.pairs.prompts }
      left.removeAll { $0.pairs.prompts == first.pairs.prompts }
      var variables: [[Double]] = []
      func number(_ values: [Double]) -> Int {
        if let known = variables.firstIndex(of: values) { return known }
        variables.append(values)
        return variables.count - 1
      }
      let pairs = same.map { (number($0.pairs.x), number($0.pairs.y)) }
      let ranks = RankBootstrap(prompts: first.pairs.prompts, variables: variables)
      for (entry, interval) in zip(same, ranks.intervals(of: pairs, bootstrap)) {
        finished[entry.name]?.low = interval?.low
        finished[entry.name]?.high = interval?.high
      }
    }
  }
}

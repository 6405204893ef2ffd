/// Values and intervals of metrics from counts of samples, which come some whole prompts at a time.
///
/// Whatever adds up over prompts stands in one table, a row a prompt; a resample is one weighted sum of its rows,
/// from which every such metric is scored. Rank correlations and distinct n-grams do not add up and go their own way.
struct Estimation: ~Copyable {
  private typealias Score = (UnsafeBufferPointer<Double>) -> Double?

  /// A metric that is scored from sums over prompts.
  private struct Additive {
    var name: String
    var start: Int
    var width: Int
    /// How many samples or prompts it was computed from.
    var count = 0
    var score: Score
  }

  /// What some whole prompts hold.
  struct Batch {
    var samples: [ScoredSample]
    var prompts: PromptGroups
    var columns: SampleColumns
    var statistics: SampleStatistics
  }

  private let options: ScoringOptions
  private let metrics: [Metric]
  private var table: StatisticColumns
  private var additives: [Additive] = []
  private var unigrams = DistinctNGrams(order: 1)
  private var bigrams = DistinctNGrams(order: 2)
  private var pairs: [(metric: CorrelationMetric, pairs: CorrelationPairs)] = []
  private var promptCount = 0
  private var sampleCount = 0

  /// An estimation of metrics over so many prompts.
  init(_ metrics: [Metric], prompts: Int, options: ScoringOptions) {
    self.metrics = metrics
    self.options = options
    table = StatisticColumns(capacity: prompts)
    for metric in metrics { prepare(metric) }
  }

  private mutating func prepare(_ metric: Metric) {
    switch metric {
    case .bleu:
      add(metric.name, BLEUStatistics.width) { BLEUStatistics.score(of: $0, effectiveOrder: false) }
    case .chrf(let score): add(metric.name, score.width) { CharacterFScore.score(of: $0) }
    case .ter:
      add(metric.name, 2) { TranslationEditRate.Statistics(edits: $0[0], referenceLength: $0[1]).score }
    case .distinct: break
    case .correlation(let correlation) where correlation.scope == .within: add(metric.name, 2, Self.mean)
    case .correlation(let correlation): pairs.append((correlation, CorrelationPairs()))
    default: add(metric.name, 2, Self.mean)
    }
  }

  private mutating func add(_ name: String, _ width: Int, _ score: @escaping Score) {
    let start = table.addColumns(width)
    additives.append(
      Additive(
        name: name, start: start, width: width,
        score: { score(UnsafeBufferPointer(rebasing: $0[start..<start + width])) }))
  }

  private static func mean(_ sums: UnsafeBufferPointer<Double>) -> Double? { sums[1] > 0 ? sums[0] / sums[1] : nil }

  // MARK: Counting

  /// Counts some whole prompts.
  mutating func add(_ batch: Batch) {
    var place = 0
    for metric in metrics {
      guard let (rows, count) = Self.rows(metric, batch) else { continue }
      table.append(rows, at: additives[place].start)
      additives[place].count += count
      place += 1
    }
    table.grow(by: batch.prompts.prompts.count)
    if metrics.contains(.distinct(1)) { Self.count(batch, &unigrams) }
    if metrics.contains(.distinct(2)) { Self.count(batch, &bigrams) }
    var known: [Metric: [Double?]] = [:]
    for entry in pairs.indices {
      let correlation = pairs[entry].metric
      let form = correlation.quality.sentenceForm
      guard let values = form.flatMap({ known[$0] ?? batch.columns.values(of: $0) }) else { continue }
      if let form { known[form] = values }
      let predictions = batch.samples.map { $0.reward?.value(correlation.predictor) }
      pairs[entry].pairs.append(CorrelationPairs(batch.prompts, predictions, values), firstPrompt: promptCount)
    }
    promptCount += batch.prompts.prompts.count
    sampleCount += batch.samples.count
  }

  private static func count(_ batch: Batch, _ distinct: inout DistinctNGrams) {
    for prompt in batch.prompts.prompts { distinct.add(prompt: prompt.rows.map { batch.samples[$0].text }) }
  }

  /// What a metric that adds up counts, a row a prompt, and from how many samples or prompts; nil for one that doesn't.
  private static func rows(_ metric: Metric, _ batch: Batch) -> ([[Double]], Int)? {
    let (samples, statistics) = (batch.samples, batch.statistics)
    switch metric {
    case .bleu(let variant):
      return sums((statistics.bleu[variant] ?? []).map { $0?.values }, BLEUStatistics.width, batch)
    case .chrf(let score): return sums(statistics.chrf.map { $0?.counts(score) }, score.width, batch)
    case .ter: return sums(statistics.ter.map { $0.map { [$0.edits, $0.referenceLength] } }, 2, batch)
    case .entropy: return perToken(samples.map(\.entropy), batch)
    case .surprisal: return perToken(samples.map { $0.logProbability.map { -$0 } }, batch)
    case .selfBLEU:
      return means(
        batch.prompts.prompts.map { prompt in
          let defined = prompt.rows.compactMap { statistics.selfBLEU[$0] }
          return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
        })
    case .distinct: return nil
    case .correlation(let correlation):
      guard correlation.scope == .within else { return nil }
      let values = correlation.quality.sentenceForm.flatMap { batch.columns.values(of: $0) }
      let predictions = samples.map { $0.reward?.value(correlation.predictor) }
      let found = values.map {
        CorrelationPairs(batch.prompts, predictions, $0).within(correlation.coefficient)
      }
      let count = batch.prompts.prompts.count
      return means((0..<count).map { prompt in found.flatMap { prompt < $0.count ? $0[prompt] : nil } })
    default:
      let values = batch.columns.values(of: metric) ?? []
      return sums(values.map { $0.map { [$0, 1] } }, 2, batch)
    }
  }

  /// Sums of what samples count; samples without counts take no part.
  private static func sums(_ counts: [[Double]?], _ width: Int, _ batch: Batch) -> ([[Double]], Int) {
    let rows = batch.prompts.prompts.map { prompt in
      var sum = [Double](repeating: 0, count: width)
      for row in prompt.rows where row < counts.count {
        guard let values = counts[row] else { continue }
        for column in 0..<width { sum[column] += values[column] }
      }
      return sum
    }
    return (rows, counts.count { $0 != nil })
  }

  /// Values of prompts, for a mean over prompts.
  private static func means(_ values: [Double?]) -> ([[Double]], Int) {
    (values.map { $0.map { [$0, 1] } ?? [0, 0] }, values.count { $0 != nil })
  }

  /// Sums over tokens.
  private static func perToken(_ values: [Double?], _ batch: Batch) -> ([[Double]], Int) {
    let counts = zip(batch.samples, values).map { sample, value -> [Double]? in
      guard let value, let count = sample.tokenCount else { return nil }
      return [value, Double(count)]
    }
    return sums(counts, 2, batch)
  }

  // MARK: Estimates

  /// The estimates of some of the metrics, in their order; a metric without a defined value is left out.
  mutating func estimates(of wanted: [Metric]) -> [(name: String, value: Estimate)] {
    var finished: [String: Estimate] = [:]
    var ranked: [(name: String, pairs: CorrelationPairs)] = []
    for metric in wanted {
      switch metric {
      case .distinct(let order):
        let estimate = order == 1 ? distinct(unigrams) : distinct(bigrams)
        if let estimate { finished[metric.name] = estimate }
      case .correlation(let correlation) where correlation.scope != .within:
        guard let found = pairs.first(where: { $0.metric == correlation })?.pairs else { continue }
        let points = correlation.scope == .between ? found.means : found
        if correlation.coefficient == .pearson {
          add(metric.name, 6, CorrelationPairs.pearson)
          let last = additives.count - 1
          table.append(points.moments(prompts: promptCount), at: additives[last].start)
          additives[last].count = points.count
        } else if let value = Correlation.spearman(points.x, points.y)?.value {
          finished[metric.name] = Estimate(value: value, count: points.count)
          ranked.append((metric.name, points))
        }
      default: break
      }
    }
    let names = Set(wanted.map(\.name))
    let scored = additives.filter { names.contains($0.name) }
    let bootstrap = Bootstrap(prompts: promptCount, resamples: options.resamples, seed: options.seed)
    let intervals = bootstrap.intervals(table, scores: scored.map(\.score))
    let total = table.sum
    for (additive, interval) in zip(scored, intervals) {
      guard let value = total.withUnsafeBufferPointer(additive.score) else { continue }
      finished[additive.name] = Estimate(
        value: value, low: interval?.low, high: interval?.high, count: additive.count)
    }
    addIntervals(of: ranked, bootstrap, to: &finished)
    return wanted.compactMap { metric in finished[metric.name].map { (metric.name, $0) } }
  }

  private func distinct(_ counted: borrowing DistinctNGrams) -> Estimate? {
    guard let value = counted.ratio else { return nil }
    let interval = options.resamples > 0 ? counted.interval : nil
    return Estimate(value: value, low: interval?.low, high: interval?.high, count: sampleCount)
  }

  /// Intervals of rank correlations; those over the same points share the ranking of every variable.
  private func addIntervals(
    of ranked: [(name: String, pairs: CorrelationPairs)], _ bootstrap: Bootstrap, to finished: inout [String: Estimate]
  ) {
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

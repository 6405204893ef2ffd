/// Which metrics given samples allow.
struct AvailableMetrics {
  private let options: ScoringOptions
  private let hasReferences: Bool
  private let hasReferenceAnswers: Bool
  private let hasEntropies: Bool
  private let hasLogProbabilities: Bool
  private let hasLengths: Bool
  private let hasRewards: Bool
  /// The prompt with the fewest samples.
  private let fewest: (id: String, count: Int)

  init(_ samples: [ScoredSample], _ prompts: PromptGroups, _ answers: Answers, _ options: ScoringOptions) {
    self.options = options
    hasReferences = samples.contains { !$0.references.isEmpty }
    hasReferenceAnswers = answers.agree.contains { $0 != nil }
    hasEntropies = samples.contains { $0.entropy != nil }
    hasLogProbabilities = samples.contains { $0.logProbability != nil }
    hasLengths = samples.contains { $0.tokenCount != nil }
    hasRewards = samples.contains { $0.reward != nil }
    let counts = prompts.prompts.map { (id: $0.id, count: $0.rows.count) }
    fewest = counts.min { $0.count < $1.count } ?? ("", 0)
  }

  /// The metrics asked for, or all that the samples allow.
  func resolve(_ wanted: [Metric]?) throws(ScoringError) -> [Metric] {
    guard let wanted else { return Metric.plain.filter(isDefault).map(withSampleCount) + correlations }
    let errors = wanted.compactMap { metric in
      obstacle(metric).map { ScoringError.unavailable(metric: metric.name, reason: $0) }
    }
    if let error = ScoringError.all(errors) { throw error }
    var metrics: [Metric] = []
    for metric in wanted.map(withSampleCount) where !metrics.contains(metric) { metrics.append(metric) }
    return metrics
  }

  /// How many samples of each prompt Self-BLEU takes, or nil where it is not asked for.
  func selfBLEUSamples(_ metrics: [Metric]) throws(ScoringError) -> Int? {
    var found: Int?
    for case .selfBLEU(let samples?) in metrics {
      guard samples >= 2, samples <= fewest.count else {
        throw .tooFewSamples(wanted: samples, id: fewest.id, count: fewest.count)
      }
      guard found == nil || found == samples else {
        throw .unavailable(
          metric: "self_bleu@\(samples)", reason: "one run computes Self-BLEU for one number of samples")
      }
      found = samples
    }
    return found
  }

  private func withSampleCount(_ metric: Metric) -> Metric {
    guard case .selfBLEU(nil) = metric else { return metric }
    return .selfBLEU(samples: options.selfBLEUSamples ?? fewest.count)
  }

  private func isDefault(_ metric: Metric) -> Bool {
    if case .rouge(_, stemmed: true) = metric, !options.stemming { return false }
    if case .answered = metric, !hasReferenceAnswers { return false }
    if case .selfBLEU = metric { return fewest.count > 1 || options.selfBLEUSamples != nil }
    return obstacle(metric) == nil
  }

  /// Why a metric cannot be computed, or nil.
  private func obstacle(_ metric: Metric) -> String? {
    if metric.needsReferences, !hasReferences { return "no sample has references" }
    switch metric {
    case .accuracy where !hasReferenceAnswers: return "no reference holds an answer; set answer to a regular expression"
    case .entropy where !hasEntropies: return "the samples hold no entropies"
    case .surprisal where !hasLogProbabilities: return "the samples hold no logprobs"
    case .length where !hasLengths: return "the samples hold no tokens"
    case .correlation(let correlation):
      if !hasRewards { return "there are no rewards for these samples" }
      return obstacle(correlation.quality)
    default: return nil
    }
  }

  /// Correlations by default: the return with every metric; and for the metrics in which a result is told, every
  /// predictor over all samples, between prompts and within prompts.
  private var correlations: [Metric] {
    guard hasRewards, hasReferences else { return [] }
    var qualities: [Metric] = Metric.plain.filter { metric in
      if case .rouge = metric { return isDefault(metric) }
      return false
    }
    qualities += [.bleu(BLEU()), .chrf(CharacterFScore()), .chrf(CharacterFScore(withWords: true)), .ter, .exactMatch]
    if hasReferenceAnswers { qualities.append(.accuracy) }
    let told: [Metric] = [
      .rouge(.rougeL, stemmed: false), .bleu(BLEU()), .chrf(CharacterFScore()), .exactMatch, .accuracy,
    ]
    return qualities.flatMap { quality in
      var metrics: [CorrelationMetric] = []
      if told.contains(quality) {
        for predictor in CorrelationMetric.Predictor.allCases {
          for scope in CorrelationMetric.Scope.allCases where scope != .within || predictor != .initialValue {
            metrics.append(CorrelationMetric(.spearman, quality, predictor, scope))
          }
        }
      } else {
        metrics.append(CorrelationMetric(.spearman, quality))
      }
      return (metrics + [CorrelationMetric(.pearson, quality)]).map(Metric.correlation)
    }
  }
}

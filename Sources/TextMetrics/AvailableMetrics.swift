/// Which metrics given samples allow.
struct AvailableMetrics {
  private let options: ScoringOptions
  private let facts: SampleFacts

  init(_ facts: SampleFacts, _ options: ScoringOptions) {
    self.options = options
    self.facts = facts
  }

  /// The metrics to count before the samples are known: those asked for, or all that samples may allow.
  ///
  /// - Parameters:
  ///   - options: What was asked for.
  ///   - fewest: The prompt with the fewest samples.
  ///   - hasRewards: Whether samples come with rewards.
  /// - Returns: The metrics, each once; Self-BLEU with its number of samples.
  /// - Throws: `ScoringError` where Self-BLEU is asked for of more samples than a prompt has.
  static func candidates(
    _ options: ScoringOptions, fewest: (id: String, count: Int), hasRewards: Bool
  ) throws(ScoringError) -> [Metric] {
    func withSampleCount(_ metric: Metric) -> Metric {
      guard case .selfBLEU(nil) = metric else { return metric }
      return .selfBLEU(samples: options.selfBLEUSamples ?? fewest.count)
    }
    var metrics: [Metric] = []
    if let wanted = options.metrics {
      for metric in wanted.map(withSampleCount) where !metrics.contains(metric) { metrics.append(metric) }
    } else {
      let plain = Metric.plain.filter { metric in
        switch metric {
        case .rouge(_, let stemmed): !stemmed || options.stemming
        case .selfBLEU: fewest.count > 1 || options.selfBLEUSamples != nil
        default: true
        }
      }
      metrics = plain.map(withSampleCount) + (hasRewards ? correlations(options) : [])
    }
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
    return metrics
  }

  /// Of the candidates those that the samples allow.
  ///
  /// - Throws: `ScoringError` that tells of every metric that was asked for and is not among them.
  func resolve(_ candidates: [Metric]) throws(ScoringError) -> [Metric] {
    guard options.metrics != nil else { return candidates.filter(isDefault) }
    let errors = candidates.compactMap { metric in
      obstacle(metric).map { ScoringError.unavailable(metric: metric.name, reason: $0) }
    }
    if let error = ScoringError.all(errors) { throw error }
    return candidates
  }

  private func isDefault(_ metric: Metric) -> Bool {
    if case .answered = metric, facts.withReferenceAnswers == 0 { return false }
    return obstacle(metric) == nil
  }

  /// Why a metric cannot be computed, or nil.
  private func obstacle(_ metric: Metric) -> String? {
    if metric.needsReferences, facts.withReferences == 0 { return "no sample has references" }
    switch metric {
    case .accuracy where facts.withReferenceAnswers == 0:
      return "no reference holds an answer; set answer to a regular expression"
    case .entropy where facts.withEntropy == 0: return "the samples hold no entropies"
    case .surprisal where facts.withLogProbability == 0: return "the samples hold no logprobs"
    case .length where facts.withTokens == 0: return "the samples hold no tokens"
    case .correlation(let correlation):
      if facts.withReward == 0 { return "there are no rewards for these samples" }
      return obstacle(correlation.quality)
    default: return nil
    }
  }

  /// Correlations by default: the return with every metric; and for the metrics in which a result is told, every
  /// predictor over all samples, between prompts and within prompts.
  private static func correlations(_ options: ScoringOptions) -> [Metric] {
    var qualities: [Metric] = Metric.plain.filter { metric in
      guard case .rouge(_, let stemmed) = metric else { return false }
      return !stemmed || options.stemming
    }
    qualities += [.bleu(BLEU()), .chrf(CharacterFScore()), .chrf(CharacterFScore(withWords: true)), .ter, .exactMatch]
    qualities.append(.accuracy)
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

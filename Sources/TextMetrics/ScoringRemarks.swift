/// Finds what a reader of scores has to know beside them: nothing that was asked for is missing in silence.
struct ScoringRemarks {
  let facts: SampleFacts
  let options: ScoringOptions
  let metrics: [Metric]
  let estimates: [(name: String, value: Estimate)]

  var all: [ScoringRemark] { undefined + absent + partial }

  /// Metrics that were asked for by name and have no value.
  private var undefined: [ScoringRemark] {
    guard options.metrics != nil else { return [] }
    return metrics.compactMap { metric in
      guard !estimates.contains(where: { $0.name == metric.name }) else { return nil }
      let reason =
        switch metric {
        case .distinct(1): "the samples hold no word"
        case .distinct: "no sample holds two words"
        case .correlation(let correlation) where correlation.scope == .within:
          "in no prompt do both sides vary"
        case .correlation: "one of the two sides never varies"
        case .entropy, .surprisal, .length: "the samples hold no token"
        default: "no sample has a value"
        }
      return .leftOut(metric: metric.name, reason: reason)
    }
  }

  /// What a parameter of its own asks for among the defaults, and the samples do not allow.
  private var absent: [ScoringRemark] {
    guard options.metrics == nil else { return [] }
    var remarks: [ScoringRemark] = []
    if options.isAnswerChosen, !metrics.contains(.accuracy) {
      remarks.append(
        .leftOut(metric: "accuracy", reason: "no reference holds an answer by the expression \(options.answer.pattern)")
      )
    }
    if options.stemming, facts.withReferences == 0 {
      remarks.append(.leftOut(metric: "ROUGE of stems", reason: "no sample has references"))
    }
    if facts.most > 1, facts.fewest.count == 1, options.selfBLEUSamples == nil {
      remarks.append(.leftOut(metric: "self_bleu", reason: "prompt \(facts.fewest.id) has one sample only"))
    }
    if facts.withReward > 0, facts.withReferences == 0 {
      remarks.append(.leftOut(metric: "every correlation", reason: "there are rewards, but no sample has references"))
    }
    return remarks
  }

  /// Metrics in which some samples take no part.
  private var partial: [ScoringRemark] {
    var remarks: [ScoringRemark] = []
    func add(_ metric: String, _ reason: String, _ count: Int) {
      guard count > 0, count < facts.samples else { return }
      remarks.append(.partial(metric: metric, count: count, of: facts.samples, reason: reason))
    }
    let counted = metrics.map(\.countedForm)
    if counted.contains(where: \.needsReferences) {
      add("quality", "have no references", facts.samples - facts.withReferences)
    }
    if counted.contains(.accuracy) {
      add("accuracy", "have no answer in their references", facts.withReferences - facts.withReferenceAnswers)
    }
    if metrics.contains(.entropy) { add("entropy", "have no entropies", facts.samples - facts.withEntropy) }
    if metrics.contains(.surprisal) { add("surprisal", "have no logprobs", facts.samples - facts.withLogProbability) }
    if metrics.contains(.length) { add("length", "have no tokens", facts.samples - facts.withTokens) }
    for case .selfBLEU(let k?) in metrics {
      add("self_bleu@\(k)", "stand behind the first \(k) of their prompt", facts.beyond)
    }
    return remarks
  }
}

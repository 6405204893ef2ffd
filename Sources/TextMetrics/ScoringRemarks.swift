/// Finds what a reader of scores has to know beside them: nothing that was asked for is missing in silence.
struct ScoringRemarks {
  let samples: [ScoredSample]
  let prompts: PromptGroups
  let answers: Answers
  let options: ScoringOptions
  let metrics: [Metric]
  let estimates: [(name: String, value: Estimate)]

  init(
    _ samples: [ScoredSample], _ prompts: PromptGroups, _ answers: Answers, _ options: ScoringOptions,
    _ metrics: [Metric], _ estimates: [(name: String, value: Estimate)]
  ) {
    self.samples = samples
    self.prompts = prompts
    self.answers = answers
    self.options = options
    self.metrics = metrics
    self.estimates = estimates
  }

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
    if options.stemming, !samples.contains(where: { !$0.references.isEmpty }) {
      remarks.append(.leftOut(metric: "ROUGE of stems", reason: "no sample has references"))
    }
    let counts = prompts.prompts.map(\.rows.count)
    if (counts.max() ?? 0) > 1, let single = prompts.prompts.first(where: { $0.rows.count == 1 }),
      options.selfBLEUSamples == nil
    {
      remarks.append(.leftOut(metric: "self_bleu", reason: "prompt \(single.id) has one sample only"))
    }
    if samples.contains(where: { $0.reward != nil }), !samples.contains(where: { !$0.references.isEmpty }) {
      remarks.append(.leftOut(metric: "every correlation", reason: "there are rewards, but no sample has references"))
    }
    return remarks
  }

  /// Metrics in which some samples take no part.
  private var partial: [ScoringRemark] {
    var remarks: [ScoringRemark] = []
    func add(_ metric: String, _ reason: String, _ isOut: (ScoredSample, Int) -> Bool) {
      var count = 0
      for (row, sample) in samples.enumerated() where isOut(sample, row) { count += 1 }
      guard count > 0, count < samples.count else { return }
      remarks.append(.partial(metric: metric, count: count, of: samples.count, reason: reason))
    }
    let counted = metrics.map(\.countedForm)
    if counted.contains(where: \.needsReferences) {
      add("quality", "have no references") { sample, _ in sample.references.isEmpty }
    }
    if counted.contains(.accuracy) {
      add("accuracy", "have no answer in their references") { sample, row in
        !sample.references.isEmpty && answers.agree[row] == nil
      }
    }
    if metrics.contains(.entropy) { add("entropy", "have no entropies") { sample, _ in sample.entropy == nil } }
    if metrics.contains(.surprisal) {
      add("surprisal", "have no logprobs") { sample, _ in sample.logProbability == nil }
    }
    if metrics.contains(.length) { add("length", "have no tokens") { sample, _ in sample.tokenCount == nil } }
    for case .selfBLEU(let k?) in metrics {
      let left = prompts.prompts.reduce(0) { $0 + max(0, $1.rows.count - k) }
      guard left > 0 else { continue }
      remarks.append(
        .partial(
          metric: "self_bleu@\(k)", count: left, of: samples.count,
          reason: "stand behind the first \(k) of their prompt"))
    }
    return remarks
  }
}

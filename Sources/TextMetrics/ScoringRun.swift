/// Scores samples prompt by prompt: texts are let go as soon as they are counted, so that memory grows with the number
/// of prompts and not with their texts.
public struct ScoringRun: ~Copyable {
  /// How many samples are counted together.
  private static let batchSamples = 2048

  private let options: ScoringOptions
  private let candidates: [Metric]
  private let selfBLEUSamples: Int?
  private let readsAnswers: Bool
  private let fewest: (id: String, count: Int)
  private let receive: ([ExampleScores]) throws -> Void
  private var estimation: Estimation
  private var facts: SampleFacts
  private var waiting: [ScoredSample] = []

  /// A run over prompts that are known by number.
  ///
  /// - Parameters:
  ///   - options: How samples are scored.
  ///   - prompts: The number of prompts.
  ///   - fewest: The prompt with the fewest samples, and how many it has.
  ///   - hasRewards: Whether samples come with rewards, so that by default these are correlated with quality.
  ///   - receive: Called with the scores of single samples, in the order of the samples.
  /// - Throws: `ScoringError` where Self-BLEU is asked for of more samples than a prompt has.
  public init(
    _ options: ScoringOptions, prompts: Int, fewest: (id: String, count: Int), hasRewards: Bool,
    receive: @escaping ([ExampleScores]) throws -> Void
  ) throws(ScoringError) {
    let candidates = try AvailableMetrics.candidates(options, fewest: fewest, hasRewards: hasRewards)
    var samples: Int?
    for case .selfBLEU(let count?) in candidates { samples = count }
    self.options = options
    self.candidates = candidates
    self.fewest = fewest
    self.receive = receive
    selfBLEUSamples = samples
    readsAnswers = candidates.contains(where: \.readsAnswers)
    estimation = Estimation(candidates, prompts: prompts, options: options)
    facts = SampleFacts(fewest: fewest, selfBLEUSamples: samples ?? .max)
  }

  /// Takes all samples of one more prompt.
  /// - Throws: What `receive` throws.
  public mutating func add(prompt samples: [ScoredSample]) throws {
    waiting += samples
    if waiting.count >= Self.batchSamples { try count() }
  }

  private mutating func count() throws {
    guard !waiting.isEmpty else { return }
    let samples = waiting
    waiting.removeAll(keepingCapacity: true)
    let prompts = PromptGroups(samples)
    let answers = Answers(readsAnswers ? samples : [], options.answer)
    let statistics = SampleStatistics(
      samples, prompts: prompts, metrics: candidates.map(\.countedForm), selfBLEUSamples: selfBLEUSamples)
    let columns = SampleColumns(samples, statistics, answers)
    estimation.add(Estimation.Batch(samples: samples, prompts: prompts, columns: columns, statistics: statistics))
    facts.add(samples, prompts, answers)
    try receive(examples(samples, columns, statistics, answers))
  }

  /// Metrics with intervals, after the last prompt.
  ///
  /// - Returns: The scores without those of single samples.
  /// - Throws: `ScoringError` where a metric that was asked for needs what the samples do not hold, and what `receive`
  ///   throws.
  public mutating func finish() throws -> Scores {
    try count()
    guard facts.samples > 0 else { throw ScoringError.noSamples }
    let metrics = try AvailableMetrics(facts, options).resolve(candidates)
    let estimates = estimation.estimates(of: metrics)
    return Scores(
      metrics: estimates, examples: [], settings: ScoreSettings(options, metrics).entries,
      remarks: ScoringRemarks(facts: facts, options: options, metrics: metrics, estimates: estimates).all)
  }

  private func examples(
    _ samples: [ScoredSample], _ columns: SampleColumns, _ statistics: SampleStatistics, _ answers: Answers
  ) -> [ExampleScores] {
    var named: [(name: String, values: [Double?])] = []
    for metric in candidates {
      let form = metric.sentenceForm ?? metric
      guard !named.contains(where: { $0.name == form.name }), var values = columns.values(of: form) else { continue }
      // By default an answer is looked for where a reference has one.
      if form == .answered, options.metrics == nil {
        for row in values.indices where answers.agree[row] == nil { values[row] = nil }
      }
      named.append((form.name, values))
    }
    if samples.contains(where: { $0.reward != nil }) {
      for predictor in CorrelationMetric.Predictor.allCases {
        named.append((predictor.rawValue, samples.map { $0.reward?.value(predictor) }))
      }
    }
    let bleu = statistics.bleu[BLEU()]
    return samples.enumerated().map { row, sample in
      let values = named.compactMap { entry in entry.values[row].map { (name: entry.name, value: $0) } }
      let counts = bleu?[row].map { $0.values.map { Int($0) } }
      return ExampleScores(id: sample.id, sample: sample.sample, values: values, bleuStatistics: counts)
    }
  }
}

/// Scores samples by prompt, with intervals.
public struct Scorer: Sendable {
  /// How samples are scored.
  public var options: ScoringOptions

  /// A scorer.
  public init(_ options: ScoringOptions = ScoringOptions()) { self.options = options }

  /// Scores samples; those of one prompt share an id, wherever they stand.
  ///
  /// - Parameter samples: At least one sample.
  /// - Returns: Metrics with intervals, scores of single samples, and the settings that decided them.
  /// - Throws: `ScoringError` where a metric that was asked for needs what the samples do not hold.
  public func score(_ samples: [ScoredSample]) throws(ScoringError) -> Scores {
    guard !samples.isEmpty else { throw .noSamples }
    var ids = TextTable()
    var rows: [[Int]] = []
    for (row, sample) in samples.enumerated() {
      let number = ids.add(sample.id)
      if number == rows.count { rows.append([]) }
      rows[number].append(row)
    }
    let least = rows.min { $0.count < $1.count } ?? []
    let order = rows.flatMap(\.self)
    var examples = [ExampleScores?](repeating: nil, count: samples.count)
    var done = 0
    do {
      var run = try ScoringRun(
        options, prompts: rows.count, fewest: (least.first.map { samples[$0].id } ?? "", least.count),
        hasRewards: samples.contains { $0.reward != nil }
      ) { found in
        for example in found {
          examples[order[done]] = example
          done += 1
        }
      }
      for prompt in rows { try run.add(prompt: prompt.map { samples[$0] }) }
      var scores = try run.finish()
      scores.examples = examples.compactMap(\.self)
      return scores
    } catch let error as ScoringError {
      throw error
    } catch {
      preconditionFailure("nothing else is thrown: \(error)")
    }
  }
}

extension Metric {
  /// Whether answers have to be read.
  public var readsAnswers: Bool { countedForm == .accuracy || countedForm == .answered }

  /// The metric whose counts this one needs: for a correlation, that of the metric correlated.
  var countedForm: Metric {
    if case .correlation(let correlation) = self { return correlation.quality }
    return self
  }
}

/// Answers of samples, held against those of their references.
struct Answers {
  /// Whether the sample's answer is that of a reference; nil where no reference holds one.
  private(set) var agree: [Bool?] = []
  /// Whether the sample holds an answer.
  private(set) var found: [Bool] = []

  init(_ samples: [ScoredSample], _ rule: AnswerRule) {
    let reader = rule.reader()
    var known: (references: [String], answers: [String]) = ([], [])
    for sample in samples {
      if !known.references.elementsEqual(sample.references, by: { $0.utf8.elementsEqual($1.utf8) }) {
        known = (sample.references, sample.references.compactMap { reader.answer(in: $0) })
      }
      let answer = reader.answer(in: sample.text)
      found.append(answer != nil)
      agree.append(
        known.answers.isEmpty
          ? nil : answer.map { answer in known.answers.contains { AnswerReader.agree(answer, $0) } } ?? false)
    }
  }
}

/// One value a sample for every metric that has one.
struct SampleColumns {
  private let samples: [ScoredSample]
  private let statistics: SampleStatistics
  private let answers: Answers

  init(_ samples: [ScoredSample], _ statistics: SampleStatistics, _ answers: Answers) {
    self.samples = samples
    self.statistics = statistics
    self.answers = answers
  }

  /// The values of a metric of single samples; nil where it is none, or was not counted.
  func values(of metric: Metric) -> [Double?]? {
    switch metric {
    case .rouge(let measure, let stemmed): statistics.rouge[stemmed]?.map { $0?[measure].f1 }
    case .sentenceBLEU(let variant): statistics.bleu[variant]?.map { $0?.score(effectiveOrder: true) }
    case .sentenceCHRF(let score): statistics.chrf.map { $0.map { score.score($0.counts(score)) } }
    case .sentenceTER: statistics.ter.map { $0?.score }
    case .selfBLEU: statistics.selfBLEU
    case .exactMatch: statistics.exactMatch.map { $0.map { $0 ? 1 : 0 } }
    case .accuracy: answers.agree.map { $0.map { $0 ? 1 : 0 } }
    case .answered: answers.found.map { $0 ? 1 : 0 }
    case .entropy: samples.map { Self.perToken($0.entropy, $0.tokenCount) }
    case .surprisal: samples.map { Self.perToken($0.logProbability.map { -$0 }, $0.tokenCount) }
    case .length: samples.map { $0.tokenCount.map(Double.init) }
    default: nil
    }
  }

  private static func perToken(_ sum: Double?, _ count: Int?) -> Double? {
    guard let sum, let count, count > 0 else { return nil }
    return sum / Double(count)
  }
}

extension CharacterFScoreGroup.Best {
  /// The counts of chrF or of chrF++.
  func counts(_ score: CharacterFScore) -> [Double] { score.withWords ? withWords : charactersOnly }
}

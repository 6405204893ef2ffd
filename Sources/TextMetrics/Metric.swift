/// A metric, by the name under which `scores.json` holds it.
public indirect enum Metric: Sendable, Hashable {
  /// Mean F1 over samples.
  case rouge(ROUGE.Measure, stemmed: Bool)
  /// BLEU of all samples together.
  case bleu(BLEU)
  /// Mean of the samples' BLEU.
  case sentenceBLEU(BLEU)
  /// chrF or chrF++ of all samples together.
  case chrf(CharacterFScore)
  /// Mean of the samples' chrF or chrF++.
  case sentenceCHRF(CharacterFScore)
  /// Translation edit rate of all samples together.
  case ter
  /// Mean of the samples' translation edit rate.
  case sentenceTER
  /// Self-BLEU of so many samples of every prompt; nil for the least number that a prompt has.
  case selfBLEU(samples: Int?)
  /// Share of distinct n-grams.
  case distinct(Int)
  /// Share of samples that equal a reference byte for byte.
  case exactMatch
  /// Share of samples whose answer is that of a reference.
  case accuracy
  /// Share of samples that hold an answer at all.
  case answered
  /// Mean entropy of the model's distribution, nats per token.
  case entropy
  /// Mean negative log-probability, nats per token.
  case surprisal
  /// Mean number of tokens.
  case length
  /// Correlation of a predictor with a metric's sentence form.
  case correlation(CorrelationMetric)

  private static let bleuVariants: [(suffix: String, bleu: BLEU)] = [
    ("", BLEU()), ("_intl", BLEU(tokenization: .international)), ("_char", BLEU(tokenization: .character)),
    ("_none", BLEU(tokenization: .none)), ("_lowercase", BLEU(lowercase: true)),
  ]

  /// Every metric but correlations, in the order of printing.
  public static let plain: [Metric] = {
    var metrics: [Metric] = [false, true].flatMap { stemmed in
      ROUGE.Measure.allCases.map { .rouge($0, stemmed: stemmed) }
    }
    metrics += bleuVariants.flatMap { [.bleu($0.bleu), .sentenceBLEU($0.bleu)] }
    for withWords in [false, true] {
      let score = CharacterFScore(withWords: withWords)
      metrics += [.chrf(score), .sentenceCHRF(score)]
    }
    metrics += [.ter, .sentenceTER, .selfBLEU(samples: nil), .distinct(1), .distinct(2), .exactMatch, .accuracy]
    metrics += [.answered, .entropy, .surprisal, .length]
    return metrics
  }()

  /// The name, for instance `rouge1_stem` or `self_bleu@5`.
  public var name: String {
    switch self {
    case .rouge(let measure, let stemmed): measure.rawValue + (stemmed ? "_stem" : "")
    case .bleu(let bleu): "bleu" + Self.suffix(bleu)
    case .sentenceBLEU(let bleu): "sentence_bleu" + Self.suffix(bleu)
    case .chrf(let score): score.withWords ? "chrf++" : "chrf"
    case .sentenceCHRF(let score): score.withWords ? "sentence_chrf++" : "sentence_chrf"
    case .ter: "ter"
    case .sentenceTER: "sentence_ter"
    case .selfBLEU(let samples): "self_bleu" + (samples.map { "@\($0)" } ?? "")
    case .distinct(let order): "distinct_\(order)"
    case .exactMatch: "exact_match"
    case .accuracy: "accuracy"
    case .answered: "answered"
    case .entropy: "entropy"
    case .surprisal: "surprisal"
    case .length: "length"
    case .correlation(let correlation): correlation.name
    }
  }

  private static func suffix(_ bleu: BLEU) -> String {
    bleuVariants.first { $0.bleu == bleu }?.suffix
      ?? "_\(bleu.tokenization.rawValue)" + (bleu.lowercase ? "_lowercase" : "")
  }

  /// The metric of a name.
  ///
  /// - Parameter name: A name as `name` gives it.
  /// - Throws: `ScoringError.unknownMetric` with the nearest name.
  public init(_ name: String) throws(ScoringError) {
    guard let metric = Self.named(name) else { throw .unknownMetric(name, nearest: Self.nearest(to: name)) }
    self = metric
  }

  /// The metrics of several names, each asked for once.
  ///
  /// - Parameter names: Names as `name` gives them.
  /// - Returns: Their metrics, in the same order.
  /// - Throws: `ScoringError` that tells of every name that is wrong.
  public static func named(_ names: [String]) throws(ScoringError) -> [Metric] {
    var metrics: [Metric] = []
    var errors: [ScoringError] = []
    for name in names {
      guard let metric = named(name) else {
        errors.append(.unknownMetric(name, nearest: nearest(to: name)))
        continue
      }
      if metrics.contains(metric) {
        errors.append(.repeatedMetric(name))
      } else {
        metrics.append(metric)
      }
    }
    if let error = ScoringError.all(errors) { throw error }
    return metrics
  }

  /// Whether this is one of ROUGE's measures.
  public var isROUGE: Bool {
    if case .rouge = self { return true }
    return false
  }

  /// The metrics with ROUGE of stems behind that of words, where it is not among them.
  public static func withStems(_ metrics: [Metric]) -> [Metric] {
    metrics.flatMap { metric -> [Metric] in
      guard case .rouge(let measure, stemmed: false) = metric else { return [metric] }
      let stemmed = Metric.rouge(measure, stemmed: true)
      return metrics.contains(stemmed) ? [metric] : [metric, stemmed]
    }
  }

  private static func named(_ name: String) -> Metric? {
    if let metric = plain.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return metric }
    if name.utf8.starts(with: "self_bleu@".utf8), let samples = Int(String(name.utf8.dropFirst(10)) ?? ""), samples > 1
    {
      return .selfBLEU(samples: samples)
    }
    return CorrelationMetric(name).map { .correlation($0) }
  }

  private static func nearest(to name: String) -> String? {
    let names = plain.map(\.name) + ["self_bleu@5", "spearman_bleu", "pearson_bleu"]
    if let same = names.first(where: { $0.lowercased() == name.lowercased() }) { return same }
    let ranked = names.map { (distance: editDistance(name, $0), name: $0) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(2, name.utf8.count / 3) else {
      return nil
    }
    return best.name
  }

  private static func editDistance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.utf8), Array(second.utf8))
    var row = Array(0...second.count)
    for i in first.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in second.indices {
        let replaced = diagonal + (first[i] == second[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[second.count]
  }

  /// The metric of single samples whose mean, sum or best this is; nil where there is none.
  var sentenceForm: Metric? {
    switch self {
    case .rouge, .sentenceBLEU, .sentenceCHRF, .sentenceTER, .exactMatch, .accuracy: self
    case .bleu(let bleu): .sentenceBLEU(bleu)
    case .chrf(let score): .sentenceCHRF(score)
    case .ter: .sentenceTER
    default: nil
    }
  }

  /// Whether right answers are needed.
  var needsReferences: Bool {
    switch self {
    case .selfBLEU, .distinct, .answered, .entropy, .surprisal, .length: false
    default: true
    }
  }
}

/// Correlation of what a model says about a sample with how good the sample is.
public struct CorrelationMetric: Sendable, Hashable {
  /// The kind of correlation.
  public enum Coefficient: String, Sendable, CaseIterable {
    /// Of ranks.
    case spearman
    /// Of values.
    case pearson
  }

  /// What should tell a good sample.
  public enum Predictor: String, Sendable, CaseIterable {
    /// The sum of extracted rewards.
    case `return`
    /// The log-probability of the sample.
    case logProbability = "log_p"
    /// The log-probability over the number of tokens.
    case meanLogProbability = "log_p_per_token"
    /// Minus the number of tokens.
    case negativeLength = "negative_length"
    /// The value of the prompt, v₀.
    case initialValue = "v_0"
  }

  /// Which pairs are correlated.
  public enum Scope: String, Sendable, CaseIterable {
    /// All samples.
    case samples
    /// The means of prompts.
    case between
    /// The samples of each prompt apart; the mean over prompts in which both vary.
    case within
  }

  /// The kind of correlation.
  public var coefficient: Coefficient
  /// What is predicted: the metric whose sentence form is taken.
  public var quality: Metric
  /// What predicts.
  public var predictor: Predictor
  /// Which pairs are correlated.
  public var scope: Scope

  /// A correlation.
  public init(
    _ coefficient: Coefficient, _ quality: Metric, _ predictor: Predictor = .return, _ scope: Scope = .samples
  ) {
    self.coefficient = coefficient
    self.quality = quality
    self.predictor = predictor
    self.scope = scope
  }

  /// For instance `spearman_bleu`, `spearman_bleu_log_p`, `spearman_bleu_v_0_between`.
  public var name: String {
    "\(coefficient.rawValue)_\(quality.name)" + (predictor == .return ? "" : "_\(predictor.rawValue)")
      + (scope == .samples ? "" : "_\(scope.rawValue)")
  }

  /// The correlation of a name, or nil.
  init?(_ name: String) {
    let qualities = Metric.plain.filter { $0.sentenceForm != nil }
    for coefficient in Coefficient.allCases where name.hasPrefix(coefficient.rawValue + "_") {
      for quality in qualities where name.hasPrefix("\(coefficient.rawValue)_\(quality.name)") {
        for predictor in Predictor.allCases {
          for scope in Scope.allCases {
            let candidate = CorrelationMetric(coefficient, quality, predictor, scope)
            if candidate.name.utf8.elementsEqual(name.utf8) {
              self = candidate
              return
            }
          }
        }
      }
    }
    return nil
  }
}

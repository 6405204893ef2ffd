/// Every argument that decides the values of scores, so that scores with different settings are told apart.
struct ScoreSettings {
  let entries: [(name: String, value: SettingValue)]

  init(_ options: ScoringOptions, _ metrics: [Metric]) {
    var entries: [(name: String, value: SettingValue)] = []
    func add(_ name: String, _ value: SettingValue) {
      if !entries.contains(where: { $0.name == name }) { entries.append((name, value)) }
    }
    for metric in metrics.map(\.countedForm) {
      switch metric {
      case .rouge: add("rouge", Self.rouge)
      case .bleu(let bleu), .sentenceBLEU(let bleu): add(Metric.bleu(bleu).name, Self.bleu(bleu))
      case .chrf(let score), .sentenceCHRF(let score): add(Metric.chrf(score).name, Self.chrf(score))
      case .ter, .sentenceTER: add("ter", Self.ter)
      case .selfBLEU(let samples):
        add("self_bleu", Self.selfBLEU(samples ?? 0))
      case .distinct: add("distinct", .group([("words", .text("split at white space"))]))
      case .exactMatch: add("exact_match", .group([("compared", .text("any reference, byte for byte"))]))
      case .accuracy, .answered: add("answer", Self.answer(options.answer))
      default: break
      }
    }
    if metrics.contains(where: { $0.countedForm != $0 }) { add("correlation", Self.correlation) }
    add("interval", Self.interval(options))
    self.entries = entries
  }

  private static let rouge = SettingValue.group([
    ("equal_to", .text("rouge-score 0.1.2")), ("words", .text("lower case, runs of a-z and 0-9")),
    ("line_splitter", .text("\n")),
    ("stemmer", .text("Porter (nltk) on words of more than 3 letters, where named _stem")),
    ("score", .text("F1")), ("references", .text("best")), ("mean", .text("samples")),
  ])

  private static func bleu(_ bleu: BLEU) -> SettingValue {
    .group([
      ("equal_to", .text("sacrebleu 2.6.0")), ("tokenization", .text(bleu.tokenization.rawValue)),
      ("lowercase", .flag(bleu.lowercase)), ("order", .integer(BLEU.order)), ("smoothing", .text("exp")),
      ("effective_order", .group([("corpus", .flag(false)), ("sentence", .flag(true))])),
    ])
  }

  private static func chrf(_ score: CharacterFScore) -> SettingValue {
    .group([
      ("equal_to", .text("sacrebleu 2.6.0")), ("character_order", .integer(CharacterFScore.characterOrder)),
      ("word_order", .integer(score.wordOrder)), ("beta", .integer(2)), ("lowercase", .flag(false)),
      ("white_space", .flag(false)), ("epsilon_smoothing", .flag(false)),
    ])
  }

  private static let ter = SettingValue.group([
    ("equal_to", .text("sacrebleu 2.6.0")), ("tokenization", .text("tercom")), ("lowercase", .flag(true)),
    ("normalized", .flag(false)), ("punctuation", .flag(true)), ("asian_support", .flag(false)),
  ])

  private static func selfBLEU(_ samples: Int) -> SettingValue {
    .group([
      ("samples", .integer(samples)), ("references", .text("the prompt's other samples")),
      ("tokenization", .text("13a")), ("lowercase", .flag(false)), ("order", .integer(BLEU.order)),
      ("smoothing", .text("exp")), ("effective_order", .flag(true)), ("mean", .text("samples, then prompts")),
    ])
  }

  private static func answer(_ rule: AnswerRule) -> SettingValue {
    .group([
      ("pattern", .text(rule.pattern)), ("syntax", .text("RE2")), ("match", .text(rule.choice.rawValue)),
      ("compared", .text("as decimals where both are, else byte for byte")),
    ])
  }

  private static let correlation = SettingValue.group([
    ("ties", .text("mean rank")), ("samples", .text("all samples")), ("between", .text("means of prompts")),
    ("within", .text("mean over prompts in which both vary")),
  ])

  private static func interval(_ options: ScoringOptions) -> SettingValue {
    .group([
      ("level", .number(0.95)), ("unit", .text("prompt")), ("method", .text("percentile bootstrap")),
      ("resamples", .integer(options.resamples)), ("seed", .integer(Int(truncatingIfNeeded: options.seed))),
      ("distinct", .text("jackknife")),
    ])
  }
}

/// What the metrics need to know of every sample, counted prompt by prompt.
///
/// Each family of metrics goes over all prompts in turn and counts the texts of a prompt once, however many samples
/// and references are compared. Values are nil for samples without references.
struct SampleStatistics {
  private(set) var rouge: [Bool: [ROUGE.Scores?]] = [:]
  private(set) var bleu: [BLEU: [BLEUStatistics?]] = [:]
  private(set) var chrf: [CharacterFScoreGroup.Best?] = []
  private(set) var ter: [TranslationEditRate.Statistics?] = []
  private(set) var exactMatch: [Bool?] = []
  /// Sentence BLEU against the prompt's other samples, for the first samples of each prompt.
  private(set) var selfBLEU: [Double?] = []

  /// Counts what `metrics` need.
  init(_ samples: [ScoredSample], prompts: PromptGroups, metrics: [Metric], selfBLEUSamples: Int?) {
    var bleuWords = BLEUWords()
    for metric in metrics {
      switch metric.sentenceForm {
      case .rouge(_, let stemmed) where rouge[stemmed] == nil:
        rouge[stemmed] = Self.countROUGE(prompts, stemmed: stemmed)
      case .sentenceBLEU(let variant) where bleu[variant] == nil:
        bleu[variant] = Self.countBLEU(prompts, variant, &bleuWords)
      case .sentenceCHRF where chrf.isEmpty: chrf = Self.countCHRF(prompts)
      case .sentenceTER where ter.isEmpty: ter = Self.countTER(prompts, &bleuWords)
      case .exactMatch where exactMatch.isEmpty:
        exactMatch = prompts.map { bundle in bundle.samples.map { bundle.references.contains($0) } }
      default: break
      }
    }
    if let selfBLEUSamples { selfBLEU = Self.countSelfBLEU(prompts, selfBLEUSamples, &bleuWords) }
  }

  private static func countROUGE(_ prompts: PromptGroups, stemmed: Bool) -> [ROUGE.Scores?] {
    var words = ROUGEWords()
    var group = ROUGEGroup(stemming: stemmed)
    return prompts.map { prompt in
      group.set(prompts.texts, prompt.texts, &words)
    } count: { bundle in
      group.scores(samples: bundle.samples, references: bundle.references)
    }
  }

  private static func countBLEU(
    _ prompts: PromptGroups, _ variant: BLEU, _ words: inout BLEUWords
  ) -> [BLEUStatistics?] {
    var group = BLEUGroup(variant)
    return prompts.map { prompt in
      group.set(prompts.texts, prompt.texts, &words)
    } count: { bundle in
      group.statistics(samples: bundle.samples, references: bundle.references)
    }
  }

  private static func countCHRF(_ prompts: PromptGroups) -> [CharacterFScoreGroup.Best?] {
    var words = WordTable()
    var group = CharacterFScoreGroup()
    return prompts.map { prompt in
      group.set(prompts.texts, prompt.texts, &words)
    } count: { bundle in
      group.statistics(samples: bundle.samples, references: bundle.references)
    }
  }

  private static func countTER(_ prompts: PromptGroups, _ words: inout BLEUWords) -> [TranslationEditRate.Statistics?] {
    var group = TranslationEditRateGroup()
    return prompts.map { prompt in
      group.set(prompts.texts, prompt.texts, &words)
    } count: { bundle in
      group.statistics(samples: bundle.samples, references: bundle.references)
    }
  }

  private static func countSelfBLEU(_ prompts: PromptGroups, _ count: Int, _ words: inout BLEUWords) -> [Double?] {
    var group = BLEUGroup(BLEU())
    var result = [Double?](repeating: nil, count: prompts.rowCount)
    for prompt in prompts.prompts {
      let rows = prompt.rows.prefix(count)
      let texts = prompt.sampleTexts.prefix(count)
      group.set(prompts.texts, prompt.texts, &words)
      for (row, statistics) in zip(rows, group.selfStatistics(samples: Array(texts))) {
        result[row] = statistics.score(effectiveOrder: true)
      }
    }
    return result
  }
}

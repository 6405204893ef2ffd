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

/// Samples grouped by prompt, their texts and those of their references numbered.
final class PromptGroups {
  /// Distinct samples of a prompt that have the same references.
  struct Bundle {
    /// References, numbered within the prompt.
    var references: [Int]
    /// Distinct samples, numbered within the prompt.
    var samples: [Int] = []
    /// For every row, the place of its text in `samples`.
    var rows: [(row: Int, place: Int)] = []
  }

  /// One prompt.
  struct Prompt {
    var id: String
    /// Its rows, in their order.
    var rows: [Int]
    /// Its distinct texts, as numbers of the table.
    var texts: [Int] = []
    /// For every row, the text, numbered within the prompt.
    var sampleTexts: [Int] = []
    var bundles: [Bundle] = []
  }

  private(set) var texts = TextTable()
  /// Prompts in the order in which their ids are first seen.
  private(set) var prompts: [Prompt] = []
  let rowCount: Int

  /// Groups samples by id, compared by bytes.
  init(_ samples: [ScoredSample]) {
    rowCount = samples.count
    var numbers: [[UInt8]: Int] = [:]
    for (row, sample) in samples.enumerated() {
      let key = Array(sample.id.utf8)
      if let number = numbers[key] {
        prompts[number].rows.append(row)
      } else {
        numbers[key] = prompts.count
        prompts.append(Prompt(id: sample.id, rows: [row]))
      }
    }
    for number in prompts.indices { fill(&prompts[number], samples) }
  }

  private func fill(_ prompt: inout Prompt, _ samples: [ScoredSample]) {
    var places: [Int: Int] = [:]
    func place(_ text: String, _ prompt: inout Prompt) -> Int {
      let number = texts.add(text)
      if let place = places[number] { return place }
      places[number] = prompt.texts.count
      prompt.texts.append(number)
      return prompt.texts.count - 1
    }
    for row in prompt.rows {
      let text = place(samples[row].text, &prompt)
      prompt.sampleTexts.append(text)
      if samples[row].references.isEmpty { continue }
      let references = samples[row].references.map { place($0, &prompt) }
      let bundle = prompt.bundles.firstIndex { $0.references == references } ?? prompt.bundles.count
      if bundle == prompt.bundles.count { prompt.bundles.append(Bundle(references: references)) }
      let known = prompt.bundles[bundle].samples.firstIndex(of: text) ?? prompt.bundles[bundle].samples.count
      if known == prompt.bundles[bundle].samples.count { prompt.bundles[bundle].samples.append(text) }
      prompt.bundles[bundle].rows.append((row, known))
    }
  }

  /// Counts every bundle and gives each row the value of its text.
  ///
  /// - Parameters:
  ///   - prepare: Called before the bundles of a prompt.
  ///   - count: One value for each of the bundle's distinct samples.
  func map<Value>(prepare: (Prompt) -> Void = { _ in }, count: (Bundle) -> [Value]) -> [Value?] {
    var result = [Value?](repeating: nil, count: rowCount)
    for prompt in prompts where !prompt.bundles.isEmpty {
      prepare(prompt)
      for bundle in prompt.bundles {
        let values = count(bundle)
        for (row, place) in bundle.rows { result[row] = values[place] }
      }
    }
    return result
  }
}

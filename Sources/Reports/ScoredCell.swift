import CanonicalJSON
import Records
import TextMetrics

/// What is known of one sample.
struct ScoredSample: Sendable {
  /// Its quality by itself, on the metric's own scale.
  var quality: Double?
  var selfBLEU: Double?
  /// What adds up to corpus BLEU: length, reference length, matches and totals of 1- to 4-grams.
  var bleuStatistics: [Double]?
  /// Mean entropy of its tokens, nats.
  var entropy: Double?
  /// Tokens, the end token included.
  var length: Double?
  /// Σ rewards, as the arm's own model says.
  var `return`: Double?
  /// log p of the whole, nats.
  var logProbability: Double?
  /// The value of the prompt.
  var firstValue: Double?
  var text: String?
  var reward: RewardRow?
  var row: SampleRow?
}

/// A prompt with the samples of one cell.
struct ScoredPrompt: Sendable {
  var id: String
  var samples: [ScoredSample]
}

/// One cell of the comparison: an arm, a way of sampling, a seed.
struct ScoredCell: Sendable {
  var identity: CellIdentity
  var provenance: Provenance
  var settings: JSONObject
  var file: ScoreFile
  /// The prompts that all cells share, in their order.
  private(set) var prompts: [ScoredPrompt]
  /// The k of `self_bleu@k`, or nil where it was not measured or is not that of the report.
  private(set) var samplesPerPrompt: Int?
  private let quality: Quality

  init(
    _ scores: ScoresInput, identity: CellIdentity, rewards: RewardsInput?, samples: SamplesInput?, ids: [String],
    quality: Quality
  ) {
    self.identity = identity
    self.quality = quality
    provenance = scores.provenance
    settings = scores.file.settings
    file = scores.file
    let rewardOf = Dictionary(
      (rewards?.rows ?? []).map { (SampleKey($0.id, $0.sample), $0) }, uniquingKeysWith: { first, _ in first })
    let rowOf = Dictionary(
      (samples?.rows ?? []).map { (SampleKey($0.id, $0.sample), $0) }, uniquingKeysWith: { first, _ in first })
    let diversity = scores.file.metrics.first { $0.name.hasPrefix("self_bleu@") }?.name
    samplesPerPrompt = diversity.flatMap { Int($0.dropFirst("self_bleu@".count)) }
    var found: [String: [ScoredSample]] = [:]
    for example in scores.examples {
      let key = SampleKey(example.id, example.sample)
      found[example.id, default: []].append(
        ScoredSample(example, quality: quality, diversity: diversity, reward: rewardOf[key], row: rowOf[key]))
    }
    prompts = ids.map { ScoredPrompt(id: $0, samples: found[$0] ?? []) }
  }

  /// Leaves the cell without Self-BLEU.
  mutating func forgetDiversity() {
    samplesPerPrompt = nil
    for prompt in prompts.indices {
      for sample in prompts[prompt].samples.indices { prompts[prompt].samples[sample].selfBLEU = nil }
    }
  }

  /// The number of samples of a prompt, the least over prompts.
  var leastSamples: Int { prompts.map(\.samples.count).min() ?? 0 }

  /// Quality over all samples.
  var qualityMeasure: Measure? {
    guard quality.isCorpus else { return mean(\.quality) }
    let bleu = BLEU()
    var rows: [[Double]] = []
    for prompt in prompts {
      var sum = BLEUStatistics()
      var values = [Double](repeating: 0, count: 10)
      for sample in prompt.samples {
        if let statistics = sample.bleuStatistics {
          for column in values.indices { values[column] += statistics[column] }
        } else if let row = sample.row, let text = row.text, let references = row.references, !references.isEmpty {
          sum += bleu.statistics(of: text, references: references)
        } else {
          return mean(\.quality)
        }
      }
      rows.append(zip(values, sum.values).map { $0 + $1 })
    }
    return Measure(rows: rows) { Self.corpusBLEU($0) }
  }

  /// Self-BLEU: mean over samples, then prompts.
  var diversityMeasure: Measure? { promptMean(\.selfBLEU) }
  /// Entropy a token.
  var entropyMeasure: Measure? {
    let rows = prompts.map { prompt in
      prompt.samples.reduce(into: (sum: 0.0, count: 0.0)) { total, sample in
        guard let entropy = sample.entropy else { return }
        let weight = sample.length ?? 1
        total.sum += entropy * weight
        total.count += weight
      }
    }
    return rows.contains { $0.count > 0 } ? .mean(rows) : nil
  }
  /// Tokens a sample.
  var lengthMeasure: Measure? { mean(\.length) }

  /// A mean over all samples.
  func mean(_ value: (ScoredSample) -> Double?) -> Measure? {
    let rows = prompts.map { prompt in
      prompt.samples.compactMap(value).reduce(into: (sum: 0.0, count: 0.0)) { total, value in
        total.sum += value
        total.count += 1
      }
    }
    return rows.contains { $0.count > 0 } ? .mean(rows) : nil
  }

  /// A mean over samples, then prompts.
  func promptMean(_ value: (ScoredSample) -> Double?) -> Measure? {
    let rows = prompts.map { prompt -> (sum: Double, count: Double) in
      let values = prompt.samples.compactMap(value)
      return values.isEmpty ? (0, 0) : (values.reduce(0, +) / Double(values.count), 1)
    }
    return rows.contains { $0.count > 0 } ? .mean(rows) : nil
  }

  /// Corpus BLEU of summed statistics.
  static func corpusBLEU(_ sum: UnsafeBufferPointer<Double>) -> Double? {
    var statistics = BLEUStatistics()
    statistics.length = Int(sum[0])
    statistics.referenceLength = Int(sum[1])
    statistics.matches = (2..<6).map { Int(sum[$0]) }
    statistics.totals = (6..<10).map { Int(sum[$0]) }
    return statistics.length > 0 ? statistics.score(effectiveOrder: false) : nil
  }
}

/// A sample of a prompt.
struct SampleKey: Hashable, Sendable {
  private var id: [UInt8]
  private var sample: Int

  init(_ id: String, _ sample: Int) {
    self.id = Array(id.utf8)
    self.sample = sample
  }
}

extension ScoredSample {
  init(_ example: ExampleRow, quality: Quality, diversity: String?, reward: RewardRow?, row: SampleRow?) {
    self.quality = example[quality.sampleMetric]
    selfBLEU = diversity.flatMap { example[$0] }
    bleuStatistics = example.values["bleu_statistics"]?.array?.compactMap(\.number)
    if bleuStatistics?.count != 10 { bleuStatistics = nil }
    entropy = example["entropy"] ?? row?.entropies.flatMap { Self.mean($0) }
    let tokens = reward?.tokens.count ?? row?.tokens?.count
    length = tokens.map(Double.init) ?? example["length"]
    `return` = reward?.return ?? example["return"]
    let logProbabilities = reward?.logProbabilities ?? row?.logProbabilities
    logProbability = logProbabilities.map { $0.reduce(0) { $0 + Double($1) } }
    firstValue = reward?.values.first.map(Double.init)
    text = row?.text
    self.reward = reward
    self.row = row
  }

  private static func mean(_ values: [Float]) -> Double? {
    values.isEmpty ? nil : values.reduce(0) { $0 + Double($1) } / Double(values.count)
  }
}

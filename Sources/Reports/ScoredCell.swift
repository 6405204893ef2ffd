import CanonicalJSON
import Records
import TextMetrics

/// What is known of one sample.
struct ScoredSample: Sendable {
  /// What was read of a sample beside its scores.
  final class Content: Sendable {
    let reward: RewardRow?
    let row: SampleRow?

    init(reward: RewardRow?, row: SampleRow?) {
      self.reward = reward
      self.row = row
    }
  }

  /// Its quality by itself, on the metric's own scale.
  var quality: Double?
  var selfBLEU: Double?
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
  private var content: Content?

  var text: String? { content?.row?.text }
  var reward: RewardRow? { content?.reward }
  var row: SampleRow? { content?.row }
}

/// A prompt with the samples of one cell.
struct ScoredPrompt: Sendable {
  var id: String
  var samples: [ScoredSample]
  /// What adds up to corpus BLEU, over the samples; nil where it is not known of all.
  var bleu: [Double]?
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
  /// What is to be said of the inputs of the cell.
  private(set) var remarks: [String] = []
  private let quality: Quality
  private let fingerprint: UInt64?

  init(
    _ scores: ScoresInput, _ content: CellContent, identity: CellIdentity, rewards: RewardsInput?,
    samples: SamplesInput?, ids: [String], quality: Quality
  ) throws(ReportError) {
    self.identity = identity
    self.quality = quality
    fingerprint = content.fingerprint
    provenance = scores.provenance
    settings = scores.file.settings
    file = scores.file
    let rewardOf = Dictionary(
      (rewards?.rows ?? []).map { (SampleKey($0.id, $0.sample), $0) }, uniquingKeysWith: { first, _ in first })
    let rowOf = Dictionary(
      (samples?.rows ?? []).map { (SampleKey($0.id, $0.sample), $0) }, uniquingKeysWith: { first, _ in first })
    samplesPerPrompt = Self.diversity(in: scores.file).flatMap {
      Int(String(decoding: $0.utf8.dropFirst("self_bleu@".utf8.count), as: UTF8.self))
    }
    prompts = []
    var lacking = (rewards: 0, samples: 0)
    for id in ids {
      let known = content[id]
      var found: [ScoredSample] = []
      for sample in known?.samples ?? [] {
        let key = SampleKey(id, sample.number)
        let (reward, row) = (rewardOf[key], rowOf[key])
        for (tokens, label) in [
          (reward?.tokens, rewards?.provenance.label), (row?.tokens, samples?.provenance.label),
        ] {
          guard let tokens, let label, let length = sample.length, Double(tokens.count) != length else { continue }
          throw ReportError.otherSamples(
            label: label, scores: scores.provenance.label, id: id, sample: sample.number)
        }
        if let reward, let tokens = row?.tokens, tokens != reward.tokens {
          throw ReportError.otherSamples(
            label: rewards?.provenance.label ?? "", scores: samples?.provenance.label ?? "", id: id,
            sample: sample.number)
        }
        if rewards != nil, reward == nil { lacking.rewards += 1 }
        if samples != nil, row == nil { lacking.samples += 1 }
        var scored = ScoredSample(sample, reward: reward, row: row)
        // A prompt has one value; other batches give it other last digits, whose ranks would mean nothing.
        if let value = found.first?.firstValue { scored.firstValue = value }
        found.append(scored)
      }
      prompts.append(ScoredPrompt(id: id, samples: found, bleu: found.isEmpty ? nil : known?.bleu))
    }
    for (count, label) in [(lacking.rewards, rewards?.provenance.label), (lacking.samples, samples?.provenance.label)] {
      guard count > 0, let label else { continue }
      remarks.append("\(label) lacks \(Format.count(count, "sample")) of \(scores.provenance.label)")
    }
  }

  /// The name of Self-BLEU in a file of scores.
  static func diversity(in file: ScoreFile) -> String? {
    file.metrics.first { $0.name.utf8.starts(with: "self_bleu@".utf8) }?.name
  }

  /// Whether two cells are one and the same result: by their digests, or where these are not known by their numbers.
  func isCopy(of other: ScoredCell) -> Bool {
    if let own = provenance.digest, let its = other.provenance.digest { return own.hasSameBytes(as: its) }
    guard fingerprint == other.fingerprint, !file.metrics.isEmpty else { return false }
    let isSame = zip(file.metrics, other.file.metrics).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    return isSame && file.metrics.count == other.file.metrics.count
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

  /// Quality over all samples; nil where nothing is known of single samples.
  var qualityMeasure: Measure? {
    guard quality.isCorpus else { return mean(\.quality) }
    guard prompts.contains(where: { !$0.samples.isEmpty }) else { return nil }
    let bleu = BLEU()
    var rows: [[Double]] = []
    for prompt in prompts {
      if let sums = prompt.bleu {
        rows.append(sums)
        continue
      }
      var sum = BLEUStatistics()
      for sample in prompt.samples {
        guard let row = sample.row, let text = row.text, let references = row.references, !references.isEmpty else {
          return mean(\.quality)
        }
        sum += bleu.statistics(of: text, references: references)
      }
      rows.append(sum.values)
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
    guard sum.count == 10, sum[0] > 0 else { return nil }
    let value = BLEUStatistics.score(of: sum, effectiveOrder: false)
    return value.isFinite ? value : nil
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
  init(_ sample: CellContent.Sample, reward: RewardRow?, row: SampleRow?) {
    quality = sample.quality
    selfBLEU = sample.selfBLEU
    entropy = sample.entropy ?? row?.entropies.flatMap { Self.mean($0) }
    let tokens = reward?.tokens.count ?? row?.tokens?.count
    length = tokens.map(Double.init) ?? sample.length
    `return` = reward?.return ?? sample.return
    let logProbabilities = reward?.logProbabilities ?? row?.logProbabilities
    logProbability = logProbabilities.map { $0.reduce(0) { $0 + Double($1) } }
    firstValue = reward?.values.first.map(Double.init)
    content = reward == nil && row == nil ? nil : Content(reward: reward, row: row)
  }

  private static func mean(_ values: [Float]) -> Double? {
    values.isEmpty ? nil : values.reduce(0) { $0 + Double($1) } / Double(values.count)
  }
}

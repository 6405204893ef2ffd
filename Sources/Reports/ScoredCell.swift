import CanonicalJSON
import Records
import TextMetrics

/// What is known of one sample.
struct ScoredSample: Sendable {
  /// Which sample of its prompt.
  var number: Int
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
  /// Whether the samples that were connected hold it.
  var hasRow: Bool
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
  /// What its prompts stand for, by place, where samples are connected.
  let promptFacts: [Int: CellFacts.Prompt]
  /// The references of its prompts by place, where they were asked for.
  let references: [Int: [String]]
  /// Whether quality is known of its samples by the metric itself, or by what adds up to it.
  let hasOwnQuality: Bool
  private let quality: Quality
  private let fingerprint: CellFingerprint?
  /// What its samples are, where that is known.
  private var contents: ContentHash?
  private let rewards: RewardsInput?
  private let samples: SamplesInput?

  init(
    _ scores: ScoresInput, _ content: CellContent, identity: CellIdentity, rewards: RewardsInput?,
    samples: SamplesInput?, ids: [String], places: [TextBytes: Int], quality: Quality, keepsReferences: Bool
  ) throws(ReportError) {
    self.identity = identity
    self.quality = quality
    hasOwnQuality = quality.isCorpus || quality.sentenceForm == nil || content.hasOwnQuality
    self.rewards = rewards
    self.samples = samples
    fingerprint = content.fingerprint
    provenance = scores.provenance
    settings = scores.file.settings
    file = scores.file
    let needsBLEU = quality.isCorpus ? ids.indices.filter { content[ids[$0]]?.bleu == nil } : []
    let facts = try CellFacts(
      rewards, samples, places: places, needsBLEU: Set(needsBLEU), keepsReferences: keepsReferences)
    promptFacts = facts.prompts
    references = facts.references
    samplesPerPrompt = Self.diversity(in: scores.file).flatMap {
      Int(String(decoding: $0.utf8.dropFirst("self_bleu@".utf8.count), as: UTF8.self))
    }
    prompts = []
    var lacking = (rewards: 0, samples: 0)
    var hash = ContentHash()
    var isWhole = !ids.isEmpty
    for (prompt, id) in ids.enumerated() {
      let known = content[id]
      var found: [ScoredSample] = []
      var bleu: BLEUStatistics? = BLEUStatistics()
      for sample in known?.samples ?? [] {
        let place = SamplePlace(prompt: prompt, number: sample.number)
        let (reward, row) = (facts.rewards[place], facts.rows[place])
        for (count, label) in [
          (reward?.tokenCount, rewards?.provenance.label), (row?.tokenCount, samples?.provenance.label),
        ] {
          guard let count, let label, let length = sample.length, Double(count) != length else { continue }
          throw ReportError.otherSamples(
            label: label, scores: scores.provenance.label, id: id, sample: sample.number)
        }
        if let reward, let count = row?.tokenCount, count != reward.tokenCount || row?.tokens != reward.tokens {
          throw ReportError.otherSamples(
            label: rewards?.provenance.label ?? "", scores: samples?.provenance.label ?? "", id: id,
            sample: sample.number)
        }
        if rewards != nil, reward == nil { lacking.rewards += 1 }
        if samples != nil, row == nil { lacking.samples += 1 }
        if let tokens = reward?.tokens ?? row?.tokens {
          hash.add(tokens.value)
        } else {
          isWhole = false
        }
        if let own = row?.bleu { bleu? += own } else { bleu = nil }
        var scored = ScoredSample(sample, reward: reward, row: row)
        // A prompt has one value; other batches give it other last digits, whose ranks would mean nothing.
        if let value = found.first?.firstValue { scored.firstValue = value }
        found.append(scored)
      }
      prompts.append(ScoredPrompt(id: id, samples: found, bleu: found.isEmpty ? nil : known?.bleu ?? bleu?.values))
    }
    contents = isWhole ? hash : nil
    for (count, label) in [(lacking.rewards, rewards?.provenance.label), (lacking.samples, samples?.provenance.label)] {
      guard count > 0, let label else { continue }
      remarks.append("\(label) lacks \(Format.count(count, "sample")) of \(scores.provenance.label)")
    }
  }

  /// The name of Self-BLEU in a file of scores.
  static func diversity(in file: ScoreFile) -> String? {
    file.metrics.first { $0.name.utf8.starts(with: "self_bleu@".utf8) }?.name
  }

  /// Whether two cells are one and the same result: by their digests, else by their numbers.
  ///
  /// Digests that differ tell nothing: a seed without effect stands in the settings, and one may be scored with rewards.
  func isCopy(of other: ScoredCell) -> Bool {
    if let own = provenance.digest, let its = other.provenance.digest, own.hasSameBytes(as: its) { return true }
    if let contents, let its = other.contents, contents != its { return false }
    switch (fingerprint, other.fingerprint) {
    case (let own?, let its?): return own.isSame(as: its)
    case (nil, nil): break
    default: return false
    }
    let shared = file.metrics.compactMap { metric in other.file[metric.name].map { (metric.value.value, $0.value) } }
    return !shared.isEmpty && shared.allSatisfy { $0 == $1 }
  }

  /// Reads the rows of some samples, and the sizes of all rewards of the report's prompts.
  ///
  /// - Parameters:
  ///   - wanted: The places of prompts whose rows are wanted.
  ///   - places: The prompts of the report by id.
  /// - Returns: The rows and sizes.
  /// - Throws: `ReportError.unreadable`.
  func shown(
    _ wanted: Set<Int>, places: [TextBytes: Int]
  ) throws(ReportError) -> ShownSamples {
    var shown = ShownSamples()
    var known: Set<SamplePlace> = []
    for (place, prompt) in prompts.enumerated() {
      for sample in prompt.samples { known.insert(SamplePlace(prompt: place, number: sample.number)) }
    }
    var rest = known
    try rewards?.forEach { row in
      guard let prompt = places[TextBytes(row.id)] else { return }
      let place = SamplePlace(prompt: prompt, number: row.sample)
      guard rest.remove(place) != nil else { return }
      for reward in row.rewards where reward.isFinite { shown.sizes.append(abs(reward)) }
      if wanted.contains(prompt) { shown.rewards[place] = row }
    }
    try samples?.forEach { row in
      guard let prompt = places[TextBytes(row.id)], wanted.contains(prompt) else { return }
      let place = SamplePlace(prompt: prompt, number: row.sample)
      if known.contains(place), shown.rows[place] == nil { shown.rows[place] = row }
    }
    return shown
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
    guard quality.isCorpus else { return hasOwnQuality ? mean(\.quality) : nil }
    guard prompts.contains(where: { !$0.samples.isEmpty }) else { return nil }
    var rows: [[Double]] = []
    for prompt in prompts {
      guard let sums = prompt.samples.isEmpty ? BLEUStatistics().values : prompt.bleu else { return mean(\.quality) }
      rows.append(sums)
    }
    return Measure(rows: rows) { Self.corpusBLEU($0) }
  }

  /// What quality is compared by: quality itself, or the mean of its sentence form.
  var comparedQualityMeasure: Measure? { qualityMeasure ?? mean(\.quality) }

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

/// The rows of the samples that a page shows, and the scale of their shades.
struct ShownSamples {
  var rewards: [SamplePlace: RewardRow] = [:]
  var rows: [SamplePlace: SampleRow] = [:]
  /// The sizes of all rewards that are finite.
  var sizes: [Float] = []
}

extension ScoredSample {
  init(_ sample: CellContent.Sample, reward: CellFacts.Reward?, row: CellFacts.Row?) {
    number = sample.number
    quality = sample.quality
    selfBLEU = sample.selfBLEU
    entropy = sample.entropy ?? row?.entropy
    length = (reward?.tokenCount ?? row?.tokenCount).map(Double.init) ?? sample.length
    `return` = reward?.return ?? sample.return
    logProbability = reward?.logProbability ?? row?.logProbability
    firstValue = reward?.firstValue
    hasRow = row != nil
  }
}

import Records
import TextMetrics

/// Which metric stands for quality, and how it is printed.
struct Quality: Hashable, Sendable {
  /// The metric's name in `scores.json`.
  var metric: String

  /// The metric of a single sample: what a corpus metric is per sentence.
  var sampleMetric: String { sentenceForm?.metric ?? metric }
  /// What a metric of all samples together is per sentence; nil where it is a mean over samples.
  var sentenceForm: Quality? {
    guard Self.corpusMetrics.contains(metric) || metric.hasPrefix("bleu_") else { return nil }
    return Quality(metric: "sentence_" + metric)
  }
  private static let corpusMetrics: Set<String> = ["bleu", "chrf", "chrf++", "ter"]
  /// Whether it says how much samples differ, not how good they are.
  private static func isDiversity(_ metric: String) -> Bool {
    metric == "entropy" || metric == "unique_answers"
      || ["self_bleu", "distinct_", "novelty_"].contains { metric.hasPrefix($0) }
  }
  /// Whether a value is a share, printed in percent.
  var isShare: Bool { metric == "exact_match" || metric == "accuracy" }
  /// Whether the score of many samples is the mean of the score of each that has one.
  var isMean: Bool {
    isShare || metric.hasPrefix("sentence_") || metric.hasPrefix("rouge")
  }
  /// Whether the score of many samples is no mean of the score of each.
  var isCorpus: Bool { metric == "bleu" }
  /// Whether less of it is better, as of an error rate.
  var isBetterWhenLess: Bool {
    ["ter", "sentence_ter", "surprisal", "calibration"].contains(metric) || metric.hasPrefix("divergence_")
  }
  /// The arrow of its heading.
  var arrow: String { isBetterWhenLess ? "↓" : "↑" }
  /// What a value is multiplied by to be printed.
  var scale: Double { isShare ? 100 : 1 }
  /// The word in running text: `correct`, `BLEU`.
  var word: String {
    switch metric {
    case "exact_match", "accuracy": "correct"
    case "bleu": "BLEU"
    case "chrf": "chrF"
    case "chrf++": "chrF++"
    case "ter": "TER"
    case "sentence_bleu": "sentence BLEU"
    case "sentence_chrf": "sentence chrF"
    case "sentence_chrf++": "sentence chrF++"
    case "sentence_ter": "sentence TER"
    default: metric.hasPrefix("rouge") ? "ROUGE-" + metric.dropFirst(5) : metric
    }
  }
  /// The heading of the column.
  var heading: String { isShare ? "\(word) %" : word }
  /// Decimals of a printed value.
  var decimals: Int { metric.hasPrefix("rouge") ? 3 : 1 }
  /// The unit of a difference in running text.
  var unit: String { metric.hasPrefix("rouge") ? "" : " points" }

  /// The metric of a name, or for `auto` one that tells arms apart: `exact_match` where samples do hit a reference
  /// now and then, else `accuracy`, else corpus BLEU, else whatever was measured first.
  ///
  /// - Throws: `ReportError.metricMissing`, and `ReportError.noQuality` for a measure of diversity.
  init(_ name: String, in scores: [ScoresInput]) throws(ReportError) {
    func isShared(_ metric: String) -> Bool { scores.allSatisfy { $0.file[metric] != nil } }
    func greatest(_ metric: String) -> Double { scores.compactMap { $0.file[metric]?.value }.max() ?? 0 }
    guard name == "auto" else {
      if let lacking = scores.first(where: { $0.file[name] == nil }) {
        throw ReportError.metricMissing(
          metric: name, label: lacking.provenance.label, available: lacking.file.metrics.map(\.name))
      }
      if Self.isDiversity(name) {
        let metrics = scores.first?.file.metrics.map(\.name) ?? []
        throw ReportError.noQuality(name, available: metrics.filter { !Self.isDiversity($0) })
      }
      metric = name
      return
    }
    if isShared("exact_match"), greatest("exact_match") >= 0.1 {
      metric = "exact_match"
    } else if isShared("accuracy"), greatest("accuracy") > 0 {
      metric = "accuracy"
    } else {
      let shared = scores.first?.file.metrics.map(\.name).filter(isShared) ?? []
      let usual = ["bleu", "rougeLsum", "rougeL", "chrf", "exact_match"]
      metric =
        usual.first { shared.contains($0) } ?? shared.first { !Self.isDiversity($0) } ?? shared.first
        ?? "exact_match"
    }
  }
}

import CanonicalJSON

/// The one honest sentence: what an arm buys at equal temperature and what remains of it at equal quality.
///
/// It is put together from a small grammar of cases. Whatever is undecided, out of reach or unknown is called so by
/// name, with what was tried; worse is said as plainly as better.
struct Verdict: Sendable {
  /// The sentence.
  var sentence: String
  /// What has to be known to read it.
  var remarks: [String]

  init(_ table: ResultTable, _ comparison: Comparison) {
    let contrasts = table.contrasts
    remarks = []
    guard let baseline = comparison.baseline, !contrasts.isEmpty else {
      sentence = Self.nothingCompared(comparison)
      return
    }
    let names = Self.shortNames(contrasts.map(\.arm), comparison)
    let words = zip(names, contrasts).map { name, item in
      VerdictWords(
        arm: name, baseline: comparison.name(baseline), contrast: item.contrast, quality: comparison.quality,
        temperature: comparison.representative(of: item.arm)?.sampling.temperature)
    }
    if words.count == 1 {
      sentence = words[0].sentence
    } else {
      sentence =
        "Against \(comparison.name(baseline)) at equal T, " + words.map(\.atEqualTemperature).joined(separator: "; ")
        + ". At equal quality, " + words.map(\.atEqualQuality).joined(separator: "; ") + "."
      remarks.append("\(Format.count(contrasts.count, "comparison")), intervals not adjusted for their number.")
    }
    for (name, item) in zip(names, contrasts) {
      if case .difference(let difference, _) = item.contrast.equalQuality, !difference.isDecided,
        difference.halfWidth != nil
      {
        remarks.append(
          "Undecided: the interval holds 0, so \(name) may be \(comparison.name(baseline)) at another temperature.")
      }
    }
  }

  private static func nothingCompared(_ comparison: Comparison) -> String {
    if comparison.arms.count < 2 { return "There is one arm only, so nothing is compared." }
    guard let baseline = comparison.baseline else {
      return "No arm is a baseline, so nothing is compared at equal quality."
    }
    return "Nothing is compared with \(comparison.name(baseline)): a comparison needs samples at a temperature of both."
  }

  /// Names without what all arms have in common: of IQLearn alone, no λ.
  private static func shortNames(_ arms: [Arm], _ comparison: Comparison) -> [String] {
    guard arms.count == 1, comparison.arms.count(where: { $0.hasStem(of: arms[0]) }) == 1 else {
      return arms.map(comparison.name)
    }
    return [Arm(stem: arms[0].stem, axes: [:]).name(comparison.names)]
  }
}

/// The cases of the sentence, for one arm.
struct VerdictWords: Sendable {
  let arm: String
  let baseline: String
  let contrast: Contrast
  let quality: Quality
  /// The arm's temperature.
  let temperature: Double?

  /// The sentence of a report with one arm beside the baseline.
  var sentence: String {
    if contrast.equalQuality == .identical { return identical + "." }
    return "Against \(baseline) at equal T, \(atEqualTemperature); at equal quality \(qualityClause(subject: "it"))."
  }

  private var identical: String {
    "\(arm) and \(baseline) have identical scores, as the same samples would, so nothing is compared"
  }

  /// `IQLearn is 4.5 Self-BLEU points more diverse and 3.0 points less correct`.
  var atEqualTemperature: String {
    if contrast.equalQuality == .identical { return "\(arm) has identical scores" }
    let parts = [contrast.equalTemperature.map(diversity), contrast.equalTemperatureQuality.map(qualityWords)]
    let known = parts.compactMap { $0 }
    guard !known.isEmpty else {
      let place = temperature.map { " at T \(Format.number($0, least: 2))" } ?? ""
      return "\(arm) is not compared, for \(baseline) was not sampled and scored alike\(place)"
    }
    return "\(arm) is " + known.joined(separator: " and ")
  }

  /// `IQLearn is 5.0 ± 0.4 Self-BLEU points more diverse`.
  var atEqualQuality: String { qualityClause(subject: arm) }

  private func qualityClause(subject: String) -> String {
    let start = "\(subject) is "
    switch contrast.equalQuality {
    case .identical: return "\(subject) has identical scores"
    case .difference(let difference, let way):
      if difference.halfWidth == nil {
        return start
          + "undecided in diversity (\(signed(difference)) Self-BLEU points, at the edge of the temperatures tried)"
          + matched(way)
      }
      return start + diversity(difference, withInterval: true) + matched(way)
    case .outOfReach(let own, let its):
      return "\(subject) can't be compared, for no temperature tried gives both one quality: "
        + "\(arm) \(range(own)), \(baseline) \(range(its))"
    case .noGrid(let temperatures):
      let tried = Set(temperatures).sorted().map { Format.number($0, least: 2) }
      return "\(subject) can't be compared, for neither was sampled at two temperatures"
        + (tried.isEmpty ? "" : " (only T \(Format.list(tried)))")
    case .notMeasured:
      return "\(subject) can't be compared, for diversity or quality was not measured sample by sample"
    case .unpaired(let own, let its):
      return
        "\(subject) can't be compared, for \(seeds(own)) seed\(own == [1] ? "" : "s") and \(seeds(its)) of \(baseline) make no pairs"
    }
  }

  /// `3`, or `2 and 3` where temperatures have several.
  private func seeds(_ counts: [Int]) -> String { Format.list(counts.map { Format.count($0) }) }

  /// `at T 0.50 to 1.50 has 40.0 to 90.0 correct %`.
  private func range(_ range: Contrast.Range) -> String {
    let temperatures = [range.temperatures.lowerBound, range.temperatures.upperBound].map {
      Format.number($0, least: 2)
    }
    let ends = [range.qualities.lowerBound, range.qualities.upperBound].map {
      Format.fixed($0 * quality.scale, quality.decimals)
    }
    let span = { (ends: [String]) in ends[0] == ends[1] ? ends[0] : "\(ends[0]) to \(ends[1])" }
    return "at T \(span(temperatures)) has \(span(ends)) \(quality.heading)"
  }

  /// How the match was made, where it is not the usual way.
  private func matched(_ way: Contrast.Way) -> String {
    switch way {
    case .baseline: ""
    case .arm: ", at a temperature of \(arm) that gives \(baseline)'s quality"
    case .both: ", in the middle of the qualities that both have"
    }
  }

  private func diversity(_ estimate: Estimate) -> String { diversity(estimate, withInterval: false) }

  private func diversity(_ estimate: Estimate, withInterval: Bool) -> String {
    guard estimate.isStated else { return "undecided in diversity (\(signed(estimate)) Self-BLEU points)" }
    let size = withInterval ? plusMinus(estimate) : Format.fixed(abs(estimate.value), 1)
    return "\(size) Self-BLEU points \(estimate.value < 0 ? "less" : "more") diverse"
  }

  private func qualityWords(_ estimate: Estimate) -> String {
    let scaled = estimate.scaled(by: quality.scale)
    let unit = quality.isShare ? "points" : "\(quality.word) points"
    let decimals = quality.decimals
    guard estimate.isStated else {
      let half = scaled.halfWidth.map { " ± \(Format.fixed($0, decimals))" } ?? ""
      return "undecided in quality (\(Format.signed(scaled.value, decimals))\(half) \(unit))"
    }
    let size = Format.fixed(abs(scaled.value), decimals)
    let isLess = (estimate.value < 0) != quality.isBetterWhenLess
    return quality.isShare
      ? "\(size) points \(estimate.value < 0 ? "less" : "more") \(quality.word)"
      : "\(size) \(unit) \(isLess ? "worse" : "better")"
  }

  private func signed(_ estimate: Estimate) -> String {
    Format.signed(estimate.value, 1) + (estimate.halfWidth.map { " ± \(Format.fixed($0, 1))" } ?? "")
  }

  private func plusMinus(_ estimate: Estimate) -> String {
    let value = Format.fixed(abs(estimate.value), 1)
    return estimate.halfWidth.map { "\(value) ± \(Format.fixed($0, 1))" } ?? value
  }
}

extension Estimate {
  /// Whether the sentence may state it as a fact: its interval leaves out zero, or there is none to ask.
  fileprivate var isStated: Bool { isDecided || (halfWidth == nil && value != 0) }
}

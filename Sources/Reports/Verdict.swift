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
    guard let baseline = comparison.baseline, !(contrasts.isEmpty && table.decoded.isEmpty) else {
      sentence = Self.nothingCompared(comparison)
      return
    }
    let names = Self.shortNames(contrasts.map(\.arm), comparison)
    let words = zip(names, contrasts).map { name, item in
      VerdictWords(
        arm: name, baseline: comparison.name(baseline), contrast: item.contrast, quality: comparison.comparedQuality,
        temperature: comparison.representative(of: item.arm)?.sampling.temperature)
    }
    var sentences: [String] = []
    if words.count == 1 {
      sentences.append(words[0].sentence)
    } else if !words.isEmpty {
      sentences.append(
        "Against \(comparison.name(baseline)) at equal T, " + words.map(\.atEqualTemperature).joined(separator: "; ")
          + ". At equal quality, " + words.map(\.atEqualQuality).joined(separator: "; ") + ".")
    }
    sentence = (sentences + Self.decoded(table, baseline, comparison)).joined(separator: " ")
    let count = contrasts.count + table.decoded.count
    if count > 1 {
      remarks.append("\(Format.count(count, "comparison")), intervals not adjusted for their number.")
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

  /// A sentence for every way of decoding without a temperature, such as greedily.
  private static func decoded(_ table: ResultTable, _ baseline: Arm, _ comparison: Comparison) -> [String] {
    var samplings: [Sampling] = []
    for item in table.decoded where !samplings.contains(item.sampling) { samplings.append(item.sampling) }
    return samplings.map { sampling in
      let items = table.decoded.filter { $0.sampling == sampling }
      let clauses = zip(shortNames(items.map(\.arm), comparison), items).map { name, item in
        EqualSamplingWords(
          arm: name, baseline: comparison.name(baseline), quality: comparison.comparedQuality, place: "so"
        ).clause(item.equal)
      }
      return "Against \(comparison.name(baseline)) with \(sampling.text) decoding, \(clauses.joined(separator: "; "))."
    }
  }

  private static func nothingCompared(_ comparison: Comparison) -> String {
    if comparison.arms.count < 2 { return "There is one arm only, so nothing is compared." }
    guard let baseline = comparison.baseline else {
      return "No arm is a baseline, so nothing is compared at equal quality."
    }
    return
      "Nothing is compared with \(comparison.name(baseline)): a comparison needs samples at a temperature of both, "
      + "or both decoded alike."
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
    if case .copies(let copy) = contrast.equalTemperature.obstacle {
      return "Nothing is compared, for \(copy.text(arm, baseline)) have identical scores, as the same samples would."
    }
    return "Against \(baseline) at equal T, \(atEqualTemperature); at equal quality \(qualityClause(subject: "it"))."
  }

  private var identical: String {
    "\(arm) and \(baseline) have identical scores, as the same samples would, so nothing is compared"
  }

  private var words: EqualSamplingWords {
    EqualSamplingWords(
      arm: arm, baseline: baseline, quality: quality,
      place: temperature.map { "at T \(Format.number($0, least: 2))" } ?? "so")
  }

  /// `IQLearn is 4.5 Self-BLEU points more diverse and 3.0 points less correct`.
  var atEqualTemperature: String {
    if contrast.equalQuality == .identical { return "\(arm) has identical scores" }
    return words.clause(contrast.equalTemperature)
  }

  /// `IQLearn is 5.0 ± 0.4 Self-BLEU points more diverse`.
  var atEqualQuality: String { qualityClause(subject: arm) }

  private func qualityClause(subject: String) -> String {
    let start = "\(subject) is "
    switch contrast.equalQuality {
    case .identical: return "\(subject) has identical scores"
    case .copies(let copy):
      return "\(subject) can't be compared, for \(copy.text(arm, baseline)) have identical scores"
    case .repeated(let isBaseline, let temperatures):
      let tried = Format.list(temperatures.map { Format.number($0, least: 2) })
      return "\(subject) can't be compared, for \(isBaseline ? baseline : arm) has identical scores at T \(tried)"
    case .difference(let difference, let way):
      if difference.halfWidth == nil {
        return start
          + "undecided in diversity (\(signed(difference)) Self-BLEU points, at the edge of the temperatures tried)"
          + matched(way)
      }
      return start + words.diversity(difference, withInterval: true) + matched(way)
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

  private func signed(_ estimate: Estimate) -> String { words.signed(estimate) }
}

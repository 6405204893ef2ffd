import CanonicalJSON

/// The one honest sentence: what an arm buys at equal temperature and what remains of it at equal quality.
struct Verdict: Sendable {
  /// The sentence.
  var sentence: String
  /// What has to be known to read it.
  var remarks: [String]

  init(_ table: ResultTable, _ comparison: Comparison) {
    let quality = comparison.quality
    let contrasts = table.contrasts
    remarks = []
    guard let baseline = comparison.baseline, !contrasts.isEmpty else {
      sentence =
        comparison.arms.count > 1
        ? "No arm is a baseline, so nothing is compared at equal quality."
        : "There is one arm only, so nothing is compared."
      return
    }
    let reference = comparison.name(baseline)
    if contrasts.count == 1 {
      let (arm, contrast) = contrasts[0]
      let names = Self.shortNames(contrasts.map(\.arm), comparison)
      sentence =
        Self.atEqualTemperature(names[0], contrast, quality) + "; "
        + Self.atEqualQuality(contrast, reference: reference, quality) + "."
      if case .difference(let difference) = contrast.equalQuality, !difference.isDecided, difference.halfWidth != nil {
        remarks.append("Undecided: the interval holds 0, so \(comparison.name(arm)) may be \(reference) at another temperature.")
      }
      return
    }
    let names = Self.shortNames(contrasts.map(\.arm), comparison)
    let temperatures = contrasts.map { Self.points($0.contrast.equalTemperature) }
    let outcomes = contrasts.map { Self.outcome($0.contrast.equalQuality) }
    sentence =
      "At equal T, against \(reference), " + Format.list(zip(names, temperatures).map { "\($0) is \($1)" }) + "; "
      + "at equal quality " + Self.listing(zip(names, outcomes).map { ($0, $1) }) + "."
    remarks.append(
      "\(Format.count(contrasts.count, "comparison")), intervals not adjusted for their number.")
  }

  /// Names without what all arms have in common: of IQLearn alone, no λ.
  private static func shortNames(_ arms: [Arm], _ comparison: Comparison) -> [String] {
    guard arms.count == 1, comparison.arms.count(where: { $0.stem == arms[0].stem }) == 1 else {
      return arms.map(comparison.name)
    }
    return [Arm(stem: arms[0].stem, axes: [:]).name(comparison.names)]
  }

  private static func atEqualTemperature(_ name: String, _ contrast: Contrast, _ quality: Quality) -> String {
    guard let diversity = contrast.equalTemperature else { return "At equal T \(name)'s diversity is not known" }
    var text = "At equal T "
    if diversity.isDecided || diversity.halfWidth == nil {
      text += "\(name) is \(points(diversity))"
    } else {
      text += "\(name)'s diversity differs by \(plusMinus(diversity)), undecided"
    }
    if let change = contrast.equalTemperatureQuality, change.isDecided {
      let size = Format.fixed(abs(change.value) * quality.scale, quality.decimals)
      text += " and \(size) \(quality.isShare ? (change.value < 0 ? "less" : "more") + " correct" : quality.word + (change.value < 0 ? " worse" : " better"))"
    }
    return text
  }

  private static func atEqualQuality(_ contrast: Contrast, reference: String, _ quality: Quality) -> String {
    switch contrast.equalQuality {
    case .difference(let difference) where difference.halfWidth == nil:
      return "at equal quality \(Format.fixed(difference.value, 1)), at the grid's edge: undecided"
    case .difference(let difference) where difference.isDecided:
      return "at equal quality \(plusMinus(difference)) points \(difference.value > 0 ? "more" : "less") diverse"
    case .difference(let difference):
      return "at equal quality \(plusMinus(difference, signed: true)): undecided"
    case .notReached(let target, let least, let greatest):
      let text = [target, least, greatest].map { Format.fixed($0 * quality.scale, quality.decimals) }
      return "equal quality is not reached: \(reference)'s temperatures span \(text[1]) to \(text[2]) "
        + "\(quality.heading), not \(text[0])"
    case .noGrid:
      return "at equal quality unknown, for \(reference) was sampled at fewer than two temperatures"
    }
  }

  /// `4.5 points more diverse`, or `4.5 ± 5.0 points more diverse (undecided)`.
  private static func points(_ estimate: Estimate?) -> String {
    guard let estimate else { return "of unknown diversity" }
    let word = estimate.value < 0 ? "less" : "more"
    if estimate.isDecided || estimate.halfWidth == nil {
      return "\(Format.fixed(abs(estimate.value), 1)) points \(word) diverse"
    }
    return "\(plusMinus(estimate)) points \(word) diverse (undecided)"
  }

  private static func outcome(_ outcome: Contrast.Outcome) -> String {
    switch outcome {
    case .difference(let difference) where difference.isDecided:
      "\(plusMinus(difference)) points \(difference.value > 0 ? "more" : "less") diverse"
    case .difference(let difference) where difference.halfWidth == nil: "at the grid's edge, undecided"
    case .difference(let difference): "\(plusMinus(difference, signed: true)), undecided"
    case .notReached: "not reached"
    case .noGrid: "unknown"
    }
  }

  private static func listing(_ outcomes: [(name: String, outcome: String)]) -> String {
    Format.list(outcomes.map { "\($0.name): \($0.outcome)" })
  }

  private static func plusMinus(_ estimate: Estimate, signed: Bool = false) -> String {
    let value = Format.fixed(signed ? estimate.value : abs(estimate.value), 1)
    return estimate.halfWidth.map { "\(value) ± \(Format.fixed($0, 1))" } ?? value
  }
}

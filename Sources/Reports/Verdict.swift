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
        remarks.append(
          "Undecided: the interval holds 0, so \(comparison.name(arm)) may be \(reference) at another temperature.")
      }
      return
    }
    sentence = Self.severalArms(contrasts, reference: reference, comparison)
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
      let isLess = change.value < 0
      text +=
        quality.isShare
        ? " and \(size) \(isLess ? "less" : "more") \(quality.word)"
        : " and \(size) \(quality.word) \(isLess ? "worse" : "better")"
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

  /// One list of differences at equal temperature and one at equal quality, an item an arm.
  private static func severalArms(
    _ contrasts: [(arm: Arm, contrast: Contrast)], reference: String, _ comparison: Comparison
  ) -> String {
    let arms = contrasts.map(\.arm)
    let isFamily = Set(arms.map(\.stem)).count == 1
    let subject = isFamily ? Arm(stem: arms[0].stem, axes: [:]).name(comparison.names) : ""
    let names = isFamily ? arms.map(\.strength) : arms.map(comparison.name)
    let temperatures = zip(names, contrasts).map { name, item -> String in
      guard let difference = item.contrast.equalTemperature else { return "an unknown number (\(name))" }
      let isPlain = difference.isDecided || difference.halfWidth == nil
      return isPlain
        ? "\(Format.fixed(difference.value, 1)) (\(name))"
        : "\(plusMinus(difference, signed: true)) (\(name), undecided)"
    }
    let outcomes = contrasts.map(\.contrast.equalQuality)
    let allUndecided = outcomes.allSatisfy { if case .difference(let found) = $0 { !found.isDecided } else { false } }
    let qualities = outcomes.map { outcome(outcome: $0, isBare: allUndecided) }
    return "At equal T \(subject.isEmpty ? "arms are" : subject + " is") more diverse than \(reference) by "
      + Format.list(temperatures) + " points; at equal quality by " + Format.list(qualities)
      + (allUndecided ? (outcomes.count == 2 ? ": both undecided." : ": all undecided.") : ".")
  }

  private static func outcome(outcome: Contrast.Outcome, isBare: Bool) -> String {
    switch outcome {
    case .difference(let difference):
      plusMinus(difference, signed: true) + (isBare ? "" : difference.isDecided ? " (decided)" : " (undecided)")
    case .notReached: "an unknown number (not reached)"
    case .noGrid: "an unknown number (no temperature grid)"
    }
  }

  /// `4.5 points more diverse`.
  private static func points(_ estimate: Estimate) -> String {
    "\(Format.fixed(abs(estimate.value), 1)) points \(estimate.value < 0 ? "less" : "more") diverse"
  }

  private static func plusMinus(_ estimate: Estimate, signed: Bool = false) -> String {
    let value = Format.fixed(signed ? estimate.value : abs(estimate.value), 1)
    return estimate.halfWidth.map { "\(value) ± \(Format.fixed($0, 1))" } ?? value
  }
}

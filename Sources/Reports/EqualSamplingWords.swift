/// The words of a comparison of an arm with the baseline where both were sampled alike.
struct EqualSamplingWords: Sendable {
  let arm: String
  let baseline: String
  let quality: Quality
  /// How the arm was sampled, such as `at T 0.70`.
  let place: String

  /// `IQLearn is 4.5 Self-BLEU points more diverse and 3.0 points less correct`.
  func clause(_ equal: EqualSampling) -> String {
    let start = "\(arm) is not compared, for "
    switch equal.obstacle {
    case .notSampled: return start + "\(baseline) was not sampled and scored alike \(place)"
    case .notMeasured: return start + "neither diversity nor quality was measured sample by sample"
    case .unpaired(let own, let its):
      return start + "\(Format.count(its, "seed")) of \(baseline) and \(Format.count(own)) of \(arm) make no pairs"
    case .identical: return "\(arm) has identical scores"
    case .copies(let copy): return start + "\(copy.text(arm, baseline)) have identical scores"
    case nil: break
    }
    let parts = [equal.diversity.map(diversity), equal.quality.map(qualityWords)].compactMap { $0 }
    let lack = equal.quality == nil ? ", with quality not compared, for it was not measured sample by sample" : ""
    return "\(arm) is " + parts.joined(separator: " and ") + lack
  }

  private func diversity(_ estimate: Estimate) -> String { diversity(estimate, withInterval: false) }

  /// `5.0 ± 0.4 Self-BLEU points more diverse`.
  func diversity(_ estimate: Estimate, withInterval: Bool) -> String {
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

  /// A difference with its sign and half its interval.
  func signed(_ estimate: Estimate) -> String {
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

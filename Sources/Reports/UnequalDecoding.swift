import CanonicalJSON

/// What arms that are compared at one temperature were sampled with, where it is not the same.
struct UnequalDecoding: Sendable {
  /// What is unequal, a sentence each.
  let warnings: [String]
  /// The arms that differ from the baseline.
  let marked: [Arm]

  /// Settings of generation that change what is drawn, beside temperature, seed and the number of samples.
  private static let settings = [
    "top_k", "top_p", "min_p", "max_new_tokens", "ignore_end", "stop", "repetition_penalty", "beams", "length_penalty",
    "calculator",
  ]

  init(_ comparison: Comparison) {
    (warnings, marked) = Self.differences(comparison)
  }

  private static func differences(_ comparison: Comparison) -> (warnings: [String], marked: [Arm]) {
    var warnings: [String] = []
    var marked: [Arm] = []
    guard let baseline = comparison.baseline else { return (warnings, marked) }
    let arms = [baseline] + comparison.arms.filter { $0 != baseline }
    for setting in settings {
      let known = arms.compactMap { arm in
        values(of: setting, arm, comparison).map { (arm: arm, value: $0) }
      }
      guard let standard = known.first, standard.arm == baseline else { continue }
      let others = known.filter { $0.value != standard.value }
      guard !others.isEmpty else { continue }
      warnings.append(
        "unequal decoding: "
          + ([standard] + others).map { "\(comparison.name($0.arm)) \(setting) \($0.value)" }.joined(separator: ", "))
      for other in others where !marked.contains(other.arm) { marked.append(other.arm) }
    }
    return (warnings, marked)
  }

  /// What an arm's samples say of a setting; nil where they say nothing of how they were drawn.
  private static func values(of setting: String, _ arm: Arm, _ comparison: Comparison) -> String? {
    let groups = comparison.grid(of: arm)
    var found: [String] = []
    for cell in groups.flatMap(\.cells) {
      let settings = Comparison.generation(cell.settings)
      guard settings["temperature"] != nil, settings["top_p"] != nil else { continue }
      let value = settings[setting].flatMap { $0.isNull ? nil : Arm.print($0) } ?? "unset"
      if !found.contains(value) { found.append(value) }
    }
    return found.isEmpty ? nil : Format.list(found.sorted())
  }
}

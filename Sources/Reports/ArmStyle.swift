/// The colour class of every arm: the baseline is neutral, others take colours in their order.
struct ArmStyle: Sendable {
  private let order: [Arm]
  private let baseline: Arm?

  /// The number of colours before they repeat.
  static let colours = 6

  init(_ comparison: Comparison) {
    baseline = comparison.baseline
    order = comparison.arms.filter { $0 != comparison.baseline }
  }

  /// The class of an arm: `base`, `arm0` … `arm5`.
  subscript(arm: Arm) -> String {
    if arm == baseline { return "base" }
    guard let place = order.firstIndex(of: arm) ?? order.firstIndex(where: { $0.matches(arm) }) else { return "other" }
    return "arm\(place % Self.colours)"
  }

  /// A coloured mark before a name.
  func mark(_ arm: Arm) -> Markup { .element("i", ["class": "mark " + self[arm]]) }
}

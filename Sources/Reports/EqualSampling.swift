/// What an arm is against the baseline where both were sampled alike.
struct EqualSampling: Sendable {
  /// Baseline's Self-BLEU minus the arm's: above 0 the arm is more diverse.
  var diversity: Estimate?
  /// The arm's quality minus the baseline's.
  var quality: Estimate?
  /// Why there is neither.
  var obstacle: Obstacle?

  /// Why two are not compared.
  enum Obstacle: Sendable, Equatable {
    /// The baseline was not sampled as the arm was.
    case notSampled
    /// Neither diversity nor quality was measured sample by sample.
    case notMeasured
    /// The seeds of the two can't be paired.
    case unpaired(arm: Int, baseline: Int)
    /// All scores of both are the same.
    case identical
    /// Some cell of one is a copy of one of the other.
    case copies(CellCopy)
  }

  /// Whether both are results of their own.
  var isOfTwo: Bool {
    switch obstacle {
    case .identical, .copies: false
    case .notSampled, .notMeasured, .unpaired, nil: true
    }
  }

  /// Compares an arm with the baseline; nil stands for a baseline that was not sampled so.
  init(_ arm: SeedGroup, _ baseline: SeedGroup?, _ estimate: Estimator) {
    guard let baseline else {
      obstacle = .notSampled
      return
    }
    // An interval over copies would look like certainty.
    if arm.isCopy(of: baseline) {
      obstacle = .identical
      return
    }
    if let copy = arm.copies(in: baseline).first {
      obstacle = .copies(copy)
      return
    }
    guard let pairs = SeedPairs([arm, baseline]) else {
      obstacle = .unpaired(arm: arm.cells.count, baseline: baseline.cells.count)
      return
    }
    func difference(_ measure: (ScoredCell) -> Measure?, _ sign: Double) -> Estimate? {
      guard let own = arm.measures(measure), let its = baseline.measures(measure) else { return nil }
      return estimate(pairs.measures([(0, own), (1, its)])) { scores in
        guard let own = scores[0], let its = scores[1] else { return nil }
        return sign * (own - its)
      }
    }
    diversity = difference(\.diversityMeasure, -1)
    quality = difference(\.comparedQualityMeasure, 1)
    if diversity == nil, quality == nil { obstacle = .notMeasured }
  }
}

import Records
import TextMetrics

/// A column of the table.
enum Column: CaseIterable, Hashable, Sendable {
  case quality, diversity, entropy, length, returnCorrelation, logProbabilityCorrelation

  /// The measure of a cell.
  func measure(_ cell: ScoredCell) -> Measure? {
    switch self {
    case .quality: cell.qualityMeasure
    case .diversity: cell.diversityMeasure
    case .entropy: cell.entropyMeasure
    case .length: cell.lengthMeasure
    case .returnCorrelation: cell.correlation(across: .return)
    case .logProbabilityCorrelation: cell.correlation(across: .logProbability)
    }
  }

  /// The metric's name in `scores.json`, or nil.
  func metric(_ quality: Quality, k: Int?) -> String? {
    switch self {
    case .quality: quality.metric
    case .diversity: k.map { "self_bleu@\($0)" }
    case .entropy: "entropy"
    case .length: "length"
    case .returnCorrelation: "spearman_\(quality.metric)"
    case .logProbabilityCorrelation: "spearman_\(quality.metric)_log_p"
    }
  }

  /// Whether more is better (1), less (−1), or neither (0).
  func direction(_ quality: Quality) -> Int {
    switch self {
    case .quality: quality.isBetterWhenLess ? -1 : 1
    case .returnCorrelation: 1
    case .diversity: -1
    case .entropy, .length, .logProbabilityCorrelation: 0
    }
  }
}

/// A row of the table.
struct ResultRow: Sendable {
  /// What the row is.
  enum Kind: Hashable, Sendable {
    /// An arm as sampled.
    case sampled
    /// The baseline between two temperatures, at the quality of an arm.
    case matched
    /// The references themselves.
    case references
  }

  var kind: Kind
  var name: String
  /// What stands in the column T.
  var temperature: String
  var values: [Column: Estimate]
  /// What stands instead of values, such as `not reached`.
  var note: String?
  /// What the numbers come from.
  var provenance: String
  /// The arm whose colour the row has.
  var arm: Arm?
}

/// The table of a report with the contrasts that its sentence states.
struct ResultTable: Sendable {
  var columns: [Column]
  var rows: [ResultRow]
  /// What stands for quality.
  let quality: Quality
  /// Arms other than the baseline with their contrasts.
  var contrasts: [(arm: Arm, contrast: Contrast)]
  /// Where the two fronts have one quality, by arm.
  var matches: [Arm: MatchedPlace]

  init(_ comparison: Comparison) {
    quality = comparison.quality
    rows = []
    contrasts = []
    matches = [:]
    let baseline = comparison.baseline
    let order = comparison.arms.filter { $0 == baseline } + comparison.arms.filter { $0 != baseline }
    for arm in order {
      guard let group = comparison.representative(of: arm) else { continue }
      rows.append(Self.row(group, comparison))
      if let baseline, arm != baseline, group.sampling.temperature != nil,
        let standard = comparison.representative(of: baseline), standard.sampling.temperature != nil
      {
        let match = FrontMatch(
          arm: group, armGrid: comparison.grid(of: arm), baseline: standard,
          baselineGrid: comparison.grid(of: baseline), comparison)
        contrasts.append((arm, Self.contrast(group, match.outcome, comparison)))
        rows += match.rows
        matches[arm] = match.place
      }
      rows += comparison.groups.filter {
        $0.arm == arm && $0.sampling.temperature == nil && $0.sampling != group.sampling
      }
      .map { Self.row($0, comparison) }
    }
    if let references = ReferenceRow.make(comparison) { rows.append(references) }
    let found = rows
    columns = Column.allCases.filter { column in found.contains { $0.values[column] != nil } }
  }

  private static func contrast(
    _ arm: SeedGroup, _ outcome: Contrast.Outcome, _ comparison: Comparison
  ) -> Contrast {
    var contrast = Contrast(equalQuality: outcome)
    // An interval over copies would look like certainty.
    guard outcome != .identical, let baseline = comparison.baseline,
      let equal = comparison.grid(of: baseline).first(where: { $0.sampling == arm.sampling })
    else { return contrast }
    contrast.equalTemperature = difference(\.diversityMeasure, -1, arm, equal, comparison)
    contrast.equalTemperatureQuality = difference(\.qualityMeasure, 1, arm, equal, comparison)
    return contrast
  }

  /// Arm minus baseline (or the reverse) at the arm's own temperature; one seed is held against each of several.
  private static func difference(
    _ measure: (ScoredCell) -> Measure?, _ sign: Double, _ arm: SeedGroup, _ equal: SeedGroup, _ comparison: Comparison
  ) -> Estimate? {
    let count = max(arm.cells.count, equal.cells.count)
    guard let own = arm.measures(measure), let its = equal.measures(measure), [1, count].contains(own.count),
      [1, count].contains(its.count)
    else { return nil }
    let pairs = (0..<count).map { seed in [own, its].map { $0.count == 1 ? $0[0] : $0[seed] } }
    return comparison.estimate(pairs) { scores in
      guard let own = scores[0], let its = scores[1] else { return nil }
      return sign * (own - its)
    }
  }

  /// The row of cells as they were sampled.
  static func row(_ group: SeedGroup, _ comparison: Comparison) -> ResultRow {
    var values: [Column: Estimate] = [:]
    for column in Column.allCases {
      values[column] =
        group.measures { column.measure($0) }.flatMap { comparison.estimate($0) }
        ?? Self.stated(column, group, comparison.quality)
    }
    return ResultRow(
      kind: .sampled, name: comparison.name(group.arm), temperature: group.sampling.text, values: values,
      provenance: group.provenance, arm: group.arm)
  }

  /// What `scores.json` says, where the samples behind it are not known.
  private static func stated(_ column: Column, _ group: SeedGroup, _ quality: Quality) -> Estimate? {
    let values = group.cells.compactMap { cell in
      column.metric(quality, k: cell.samplesPerPrompt).flatMap { cell.file[$0] }
    }
    guard values.count == group.cells.count, let first = values.first else { return nil }
    guard values.count == 1 else { return Estimator.student(values.map(\.value)) }
    return Estimate(value: first.value, low: first.low, high: first.high)
  }

  /// Whether a value is the best of its column at its temperature: its interval touches no other arm's, and no
  /// comparison that the sentence makes is undecided or goes the other way.
  ///
  /// A Self-BLEU is best only where it is so at equal quality: at equal temperature whatever is worse is more diverse.
  func isBest(_ row: ResultRow, _ column: Column) -> Bool {
    guard row.kind == .sampled, column.direction(quality) != 0, let own = row.values[column] else { return false }
    // Greedy output and samples are no competitors.
    let others = rows.filter { $0.kind == .sampled && $0.arm != row.arm && $0.temperature == row.temperature }
    let sign = Double(column.direction(quality))
    return !others.isEmpty
      && others.allSatisfy { other in
        guard let its = other.values[column] else { return false }
        return sign * own.value > sign * its.value && own.isApart(from: its)
          && isDecided(row.arm, against: other.arm, column)
      }
  }

  /// Whether the sentence, where it compares the two in this column, decides for the first.
  private func isDecided(_ arm: Arm?, against other: Arm?, _ column: Column) -> Bool {
    let isArm = contrasts.contains { $0.arm == arm }
    guard let contrast = contrasts.first(where: { $0.arm == (isArm ? arm : other) })?.contrast else { return true }
    // Two arms are each compared with the baseline, not with each other.
    if isArm, contrasts.contains(where: { $0.arm == other }) { return contrast.equalQuality != .identical }
    let sign = isArm ? 1.0 : -1.0
    switch column {
    case .quality:
      let better = sign * Double(column.direction(quality))
      return contrast.equalTemperatureQuality.map { $0.isDecided && better * $0.value > 0 } ?? true
    case .diversity:
      switch contrast.equalQuality {
      case .difference(let difference, _): return difference.isDecided && sign * difference.value > 0
      case .notMeasured, .outOfReach, .noGrid, .identical, .unpaired: return false
      }
    default: return true
    }
  }
}

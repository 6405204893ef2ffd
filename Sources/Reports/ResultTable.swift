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
    case .returnCorrelation: quality.isBetterWhenLess ? -1 : 1
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
  /// How it was sampled, where it is a row of samples.
  var sampling: Sampling?
}

/// The table of a report with the contrasts that its sentence states.
struct ResultTable: Sendable {
  var columns: [Column]
  var rows: [ResultRow]
  /// What stands for quality.
  let quality: Quality
  /// Arms other than the baseline with their contrasts.
  var contrasts: [(arm: Arm, contrast: Contrast)]
  /// Arms other than the baseline that were decoded as it was, without a temperature.
  var decoded: [(arm: Arm, sampling: Sampling, equal: EqualSampling)]
  /// Where the two fronts have one quality, by arm.
  var matches: [Arm: MatchedPlace]

  init(_ comparison: Comparison) {
    quality = comparison.quality
    rows = []
    contrasts = []
    decoded = []
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
        let equal = comparison.grid(of: baseline).first { $0.sampling == group.sampling }
        contrasts.append(
          (
            arm,
            Contrast(
              equalTemperature: EqualSampling(group, equal, comparison.estimate), equalQuality: match.outcome)
          ))
        rows += match.rows
        matches[arm] = match.place
      }
      let others = comparison.groups.filter { $0.arm == arm && $0.sampling.temperature == nil }
      rows += others.filter { $0.sampling != group.sampling }.map { Self.row($0, comparison) }
      for group in others where arm != baseline && group.sampling.decoding != "sample" {
        let equal = comparison.groups.first { $0.arm == baseline && $0.sampling == group.sampling }
        guard let equal else { continue }
        decoded.append((arm, group.sampling, EqualSampling(group, equal, comparison.estimate)))
      }
    }
    if let references = ReferenceRow.make(comparison) { rows.append(references) }
    let found = rows
    columns = Column.allCases.filter { column in found.contains { $0.values[column] != nil } }
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
      provenance: group.provenance, arm: group.arm, sampling: group.sampling)
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

  /// Whether a value is the best of its column at its temperature: its interval touches no other arm's, and the
  /// sentence compares the two and decides for it.
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
        return sign * own.value > sign * its.value && own.isApart(from: its) && isDecided(row, against: other, column)
      }
  }

  /// How the sentence compares what stands in a row with the baseline; nil where it does not.
  private func comparison(of row: ResultRow) -> (equal: EqualSampling, match: Contrast.Outcome?)? {
    if row.sampling?.temperature != nil {
      return contrasts.first { $0.arm == row.arm }.map { ($0.contrast.equalTemperature, $0.contrast.equalQuality) }
    }
    return decoded.first { $0.arm == row.arm && $0.sampling == row.sampling }.map { ($0.equal, nil) }
  }

  /// Whether the sentence compares the two in this column and decides for the first.
  private func isDecided(_ row: ResultRow, against other: ResultRow, _ column: Column) -> Bool {
    let (own, its) = (comparison(of: row), comparison(of: other))
    // Two arms are each compared with the baseline, not with each other.
    if let own, let its { return own.equal.isOfTwo && its.equal.isOfTwo }
    guard let known = own ?? its, known.equal.isOfTwo else { return false }
    let sign = own == nil ? -1.0 : 1.0
    switch column {
    case .quality:
      let better = sign * Double(column.direction(quality))
      return known.equal.quality.map { $0.isDecided && better * $0.value > 0 } ?? false
    case .diversity:
      guard case .difference(let difference, _) = known.match else { return false }
      return difference.isDecided && sign * difference.value > 0
    default: return true
    }
  }
}

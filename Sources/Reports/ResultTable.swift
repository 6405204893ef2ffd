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
  var direction: Int {
    switch self {
    case .quality, .returnCorrelation: 1
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
  /// Arms other than the baseline with their contrasts.
  var contrasts: [(arm: Arm, contrast: Contrast)]
  /// Where the baseline's curve has each arm's quality, by arm: Self-BLEU and quality.
  var matches: [Arm: (diversity: Double, quality: Double, temperature: Double)]

  init(_ comparison: Comparison) {
    rows = []
    contrasts = []
    matches = [:]
    let baseline = comparison.baseline
    let order = comparison.arms.filter { $0 == baseline } + comparison.arms.filter { $0 != baseline }
    for arm in order {
      guard let group = comparison.representative(of: arm) else { continue }
      rows.append(Self.row(group, comparison))
      if let baseline, arm != baseline, group.sampling.temperature != nil {
        let match = BaselineMatch(arm: group, grid: comparison.grid(of: baseline), comparison: comparison)
        contrasts.append((arm, match.contrast))
        if let row = match.row { rows.append(row) }
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

  /// Whether a value is the best of its column at its temperature, with an interval that touches no other arm's.
  func isBest(_ row: ResultRow, _ column: Column) -> Bool {
    guard row.kind == .sampled, column.direction != 0, let own = row.values[column] else { return false }
    // Greedy output and samples are no competitors.
    let others = rows.filter { $0.kind == .sampled && $0.arm != row.arm && $0.temperature == row.temperature }
      .compactMap { $0.values[column] }
    let sign = Double(column.direction)
    return !others.isEmpty && others.allSatisfy { sign * own.value > sign * $0.value && own.isApart(from: $0) }
  }
}

/// The baseline at the quality of an arm.
struct BaselineMatch {
  var contrast: Contrast
  var row: ResultRow?
  var place: (diversity: Double, quality: Double, temperature: Double)?

  init(arm: SeedGroup, grid: [SeedGroup], comparison: Comparison) {
    contrast = Contrast(equalQuality: .noGrid)
    contrast.equalTemperature = Self.difference(\.diversityMeasure, -1, arm, grid, comparison)
    contrast.equalTemperatureQuality = Self.difference(\.qualityMeasure, 1, arm, grid, comparison)
    guard grid.count > 1, let match = GridMatch(arm: arm, grid: grid) else { return }
    let name = (comparison.baseline.map(comparison.name) ?? "") + ", matched"
    guard let temperature = match.estimate(temperature: comparison.estimate) else {
      let (least, greatest) = match.range
      contrast.equalQuality = .notReached(quality: match.target, least: least, greatest: greatest)
      row = ResultRow(
        kind: .matched, name: name, temperature: "—", values: [:], note: "not reached", provenance: "",
        arm: comparison.baseline)
      return
    }
    var values: [Column: Estimate] = [:]
    for column in Column.allCases {
      values[column] = match.estimate({ column.measure($0) }, comparison.estimate)
    }
    if let difference = match.estimate(differenceOf: \.diversityMeasure, comparison.estimate) {
      contrast.equalQuality = .difference(difference)
    }
    row = ResultRow(
      kind: .matched, name: name, temperature: Format.fixed(temperature.value, 2), values: values,
      provenance: "interpolated in T between "
        + grid.map(\.sampling.text).joined(separator: ", ") + "\n" + grid.map(\.provenance).joined(separator: "\n"),
      arm: comparison.baseline)
    if let diversity = values[.diversity], let quality = values[.quality] {
      place = (diversity.value, quality.value, temperature.value)
    }
  }

  /// Arm minus baseline (or the reverse) at the arm's own temperature.
  private static func difference(
    _ measure: (ScoredCell) -> Measure?, _ sign: Double, _ arm: SeedGroup, _ grid: [SeedGroup], _ comparison: Comparison
  ) -> Estimate? {
    guard let equal = grid.first(where: { $0.sampling == arm.sampling }), equal.cells.count == arm.cells.count,
      let own = arm.measures(measure), let its = equal.measures(measure)
    else { return nil }
    return comparison.estimate(zip(own, its).map { [$0, $1] }) { scores in
      guard let own = scores[0], let its = scores[1] else { return nil }
      return sign * (own - its)
    }
  }
}

/// The interpolation of the baseline's grid at an arm's quality, seed by seed.
private struct GridMatch {
  /// Quality measures: the arm's, then the grid's, of every seed.
  private var qualities: [[Measure]]
  private let arm: SeedGroup
  private let grid: [SeedGroup]
  private let temperatures: [Double]
  private let preferred: Double

  init?(arm: SeedGroup, grid: [SeedGroup]) {
    let groups = [arm] + grid
    guard groups.allSatisfy({ $0.cells.count == arm.cells.count }) else { return nil }
    let found = groups.compactMap { $0.measures(\.qualityMeasure) }
    guard found.count == groups.count else { return nil }
    qualities = arm.cells.indices.map { seed in found.map { $0[seed] } }
    self.arm = arm
    self.grid = grid
    temperatures = grid.map { $0.sampling.temperature ?? 1 }
    preferred = arm.sampling.temperature ?? 1
  }

  /// The arm's quality, of the first seed.
  var target: Double { qualities[0][0].value ?? .nan }
  /// The grid's least and greatest quality, of the first seed.
  var range: (least: Double, greatest: Double) {
    let values = qualities[0].dropFirst().compactMap(\.value)
    return (values.min() ?? .nan, values.max() ?? .nan)
  }

  private func place(_ scores: ArraySlice<Double?>) -> MatchedQuality.Place? {
    let values = scores.compactMap { $0 }
    guard values.count == scores.count, let target = values.first else { return nil }
    return MatchedQuality.place(
      of: target, in: Array(values.dropFirst()), at: temperatures, near: preferred)
  }

  /// The temperature at which the baseline has the arm's quality.
  func estimate(temperature estimate: Estimator) -> Estimate? {
    estimate(qualities) { place($0[...])?.value(of: temperatures) }
  }

  /// A measure of the baseline at that temperature.
  func estimate(_ measure: (ScoredCell) -> Measure?, _ estimate: Estimator) -> Estimate? {
    let found = grid.compactMap { $0.measures(measure) }
    guard found.count == grid.count else { return nil }
    let count = grid.count + 1
    return estimate(qualities.enumerated().map { seed, own in own + found.map { $0[seed] } }) { scores in
      let values = scores[count...].compactMap { $0 }
      guard values.count == scores.count - count else { return nil }
      return place(scores[..<count])?.value(of: values)
    }
  }

  /// A measure of the baseline at that temperature minus the arm's.
  func estimate(differenceOf measure: (ScoredCell) -> Measure?, _ estimate: Estimator) -> Estimate? {
    let found = grid.compactMap { $0.measures(measure) }
    guard found.count == grid.count, let own = arm.measures(measure) else { return nil }
    let count = grid.count + 1
    return estimate(qualities.enumerated().map { seed, base in base + found.map { $0[seed] } + [own[seed]] }) {
      scores in
      let values = scores[count...].compactMap { $0 }
      guard values.count == scores.count - count, let place = place(scores[..<count]) else { return nil }
      return place.value(of: Array(values.dropLast())) - values[values.count - 1]
    }
  }
}

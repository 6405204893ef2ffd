/// The front of an arm and that of the baseline, held against each other at equal quality.
struct FrontMatch {
  /// One side: an arm over its temperatures, ascending, one measure a seed.
  private struct Front {
    var groups: [SeedGroup]
    var qualities: [[Measure]]
    var temperatures: [Double] { groups.map { $0.sampling.temperature ?? 1 } }

    /// Nil where quality was not measured sample by sample.
    init?(_ groups: [SeedGroup]) {
      self.groups = groups
      qualities = groups.compactMap { $0.measures(\.comparedQualityMeasure) }
      guard qualities.count == groups.count, !groups.isEmpty else { return nil }
    }

    /// A cell that has a copy on the other front.
    func copy(in other: Front) -> CellCopy? {
      for group in groups {
        for twin in other.groups {
          if let copy = group.copies(in: twin).first { return copy }
        }
      }
      return nil
    }

    /// The same of one temperature only.
    func only(_ place: Int) -> Front {
      var front = self
      front.groups = [groups[place]]
      front.qualities = [qualities[place]]
      return front
    }

    /// The numbers of seeds that its temperatures have, each once, ascending; one seed goes with any number.
    var seeds: [Int] {
      let counts = Set(groups.map(\.cells.count)).sorted()
      return counts == [1] ? counts : counts.filter { $0 > 1 }
    }

    /// The range of qualities, means over seeds.
    var range: Contrast.Range? {
      let values = qualities.map { seeds in seeds.compactMap(\.value).reduce(0, +) / Double(max(1, seeds.count)) }
      guard let least = values.min(), let greatest = values.max(), least <= greatest, let low = temperatures.min(),
        let high = temperatures.max()
      else { return nil }
      return Contrast.Range(temperatures: low...high, qualities: least...greatest)
    }
  }

  /// What came out.
  let outcome: Contrast.Outcome
  /// Rows of what was read between temperatures.
  private(set) var rows: [ResultRow] = []
  /// From the point that is matched to the place on the other's front.
  private(set) var place: MatchedPlace?

  /// Matches an arm as it was sampled, else the baseline as it was sampled, else both between their temperatures.
  init(arm: SeedGroup, armGrid: [SeedGroup], baseline: SeedGroup, baselineGrid: [SeedGroup], _ comparison: Comparison) {
    if arm.isCopy(of: baseline) {
      outcome = .identical
      return
    }
    // An interval over copies would look like certainty.
    if let copy = arm.copies(in: baseline).first {
      outcome = .copies(copy)
      return
    }
    let grids = (armGrid.isEmpty ? [arm] : armGrid, baselineGrid.isEmpty ? [baseline] : baselineGrid)
    guard grids.0.count > 1 || grids.1.count > 1 else {
      outcome = .noGrid(temperatures: [arm, baseline].compactMap(\.sampling.temperature))
      return
    }
    guard let own = Front(grids.0), let its = Front(grids.1), let armRange = own.range, let baseRange = its.range,
      (grids.0 + grids.1).allSatisfy({ $0.measures(\.diversityMeasure) != nil })
    else {
      outcome = .notMeasured
      return
    }
    for (grid, isBaseline) in [(grids.1, true), (grids.0, false)] {
      let copies = SeedGroup.copies(among: grid)
      guard copies.isEmpty else {
        outcome = .repeated(isBaseline: isBaseline, temperatures: copies.compactMap(\.sampling.temperature))
        return
      }
    }
    guard SeedPairs(grids.0 + grids.1) != nil else {
      outcome = .unpaired(arm: own.seeds, baseline: its.seeds)
      return
    }
    let armPlace = grids.0.firstIndex { $0.sampling == arm.sampling } ?? 0
    let basePlace = grids.1.firstIndex { $0.sampling == baseline.sampling } ?? 0
    let ways: [(Contrast.Way, Front, Front)] = [
      (.baseline, own.only(armPlace), its), (.arm, own, its.only(basePlace)), (.both, own, its),
    ]
    let near = arm.sampling.temperature ?? 1
    for (way, arm, baseline) in ways {
      guard let pairs = SeedPairs(arm.groups + baseline.groups) else { continue }
      let reader = Reader(arm: arm, baseline: baseline, near: near, pairs: pairs, comparison.estimate)
      guard let difference = reader.difference else { continue }
      if let copy = arm.copy(in: baseline) {
        outcome = .copies(copy)
        return
      }
      outcome = .difference(difference, way)
      rows = reader.rows(way, comparison)
      place = reader.matchedPlace(way, comparison)
      return
    }
    outcome = .outOfReach(arm: armRange, baseline: baseRange)
    let (name, count) = (comparison.baseline.map(comparison.name) ?? "", baselineGrid.count)
    if count > 1 {
      rows = [
        ResultRow(
          kind: .matched, name: name + ", matched", temperature: "—", values: [:], note: "not reached", provenance: "",
          arm: comparison.baseline)
      ]
    }
  }

  /// Reads two fronts at one quality, resample by resample.
  private struct Reader {
    let arm: Front
    let baseline: Front
    let near: Double
    let pairs: SeedPairs
    let estimate: Estimator

    init(arm: Front, baseline: Front, near: Double, pairs: SeedPairs, _ estimate: Estimator) {
      self.arm = arm
      self.baseline = baseline
      self.near = near
      self.pairs = pairs
      self.estimate = estimate
    }

    private var ownCount: Int { arm.groups.count }
    private var itsCount: Int { baseline.groups.count }

    /// The measures of every pair of seeds: of each side over its temperatures, with the place of its first group.
    private func measures(_ sides: [(start: Int, groups: [[Measure]])]) -> [[Measure]] {
      pairs.measures(
        sides.flatMap { side in side.groups.enumerated().map { (group: side.start + $0.offset, seeds: $0.element) } })
    }

    /// Where both have one quality; nil where they have none in common.
    private func places(_ scores: ArraySlice<Double?>) -> (own: MatchedQuality.Place, its: MatchedQuality.Place)? {
      let values = scores.compactMap { $0 }
      guard values.count == scores.count else { return nil }
      let (own, its) = (Array(values[..<ownCount]), Array(values[ownCount...]))
      guard let low = [own.min(), its.min()].compactMap({ $0 }).max(),
        let high = [own.max(), its.max()].compactMap({ $0 }).min(), low <= high
      else { return nil }
      let target = own.count == 1 ? own[0] : its.count == 1 ? its[0] : (low + high) / 2
      guard
        let first = MatchedQuality.place(of: target, in: own, at: arm.temperatures, near: near),
        let second = MatchedQuality.place(of: target, in: its, at: baseline.temperatures, near: near)
      else { return nil }
      return (first, second)
    }

    private var qualities: [(start: Int, groups: [[Measure]])] { [(0, arm.qualities), (ownCount, baseline.qualities)] }

    /// The baseline's Self-BLEU minus the arm's; nil where the fronts have no quality in common.
    var difference: Estimate? {
      let own = arm.groups.compactMap { $0.measures(\.diversityMeasure) }
      let its = baseline.groups.compactMap { $0.measures(\.diversityMeasure) }
      let count = ownCount + itsCount
      return estimate(measures(qualities + [(0, own), (ownCount, its)])) { scores in
        guard let places = places(scores[..<count]) else { return nil }
        let values = scores[count...].compactMap { $0 }
        guard values.count == count else { return nil }
        return places.its.value(of: values[ownCount...]) - places.own.value(of: values[..<ownCount])
      }
    }

    /// A measure of one side at the common quality.
    private func value(_ measure: (ScoredCell) -> Measure?, ofBaseline: Bool) -> Estimate? {
      let groups = ofBaseline ? baseline.groups : arm.groups
      let found = groups.compactMap { $0.measures(measure) }
      guard found.count == groups.count else { return nil }
      let count = ownCount + itsCount
      return estimate(measures(qualities + [(ofBaseline ? ownCount : 0, found)])) { scores in
        guard let places = places(scores[..<count]) else { return nil }
        let values = scores[count...].compactMap { $0 }
        guard values.count == found.count else { return nil }
        return (ofBaseline ? places.its : places.own).value(of: values)
      }
    }

    /// The temperature at which one side has the common quality.
    func temperature(ofBaseline: Bool) -> Estimate? {
      let temperatures = ofBaseline ? baseline.temperatures : arm.temperatures
      return estimate(measures(qualities)) { scores in
        places(scores[...]).map { (ofBaseline ? $0.its : $0.own).value(of: temperatures) }
      }
    }

    private func row(ofBaseline: Bool, _ comparison: Comparison) -> ResultRow {
      let groups = ofBaseline ? baseline.groups : arm.groups
      var values: [Column: Estimate] = [:]
      for column in Column.allCases { values[column] = value({ column.measure($0) }, ofBaseline: ofBaseline) }
      return ResultRow(
        kind: .matched, name: comparison.name(groups[0].arm) + ", matched",
        temperature: temperature(ofBaseline: ofBaseline).map { Format.fixed($0.value, 2) } ?? "—", values: values,
        provenance: "interpolated in T between "
          + groups.map(\.sampling.text).joined(separator: ", ") + "\n"
          + groups.map(\.provenance).joined(separator: "\n"),
        arm: groups[0].arm)
    }

    func rows(_ way: Contrast.Way, _ comparison: Comparison) -> [ResultRow] {
      switch way {
      case .baseline: [row(ofBaseline: true, comparison)]
      case .arm: [row(ofBaseline: false, comparison)]
      case .both: [row(ofBaseline: false, comparison), row(ofBaseline: true, comparison)]
      }
    }

    func matchedPlace(_ way: Contrast.Way, _ comparison: Comparison) -> MatchedPlace? {
      func point(ofBaseline: Bool) -> MatchedPlace.Point? {
        guard let x = value(\.diversityMeasure, ofBaseline: ofBaseline),
          let y = value(\.qualityMeasure, ofBaseline: ofBaseline),
          let temperature = temperature(ofBaseline: ofBaseline)
        else { return nil }
        return MatchedPlace.Point(diversity: x.value, quality: y.value, temperature: temperature.value)
      }
      guard let own = point(ofBaseline: false), let its = point(ofBaseline: true) else { return nil }
      return MatchedPlace(way: way, arm: own, baseline: its)
    }
  }
}

/// Two places of equal quality, one on either front.
struct MatchedPlace: Sendable {
  struct Point: Sendable {
    var diversity: Double
    var quality: Double
    var temperature: Double
  }

  var way: Contrast.Way
  var arm: Point
  var baseline: Point

  /// The places that were read between temperatures.
  var read: [Point] {
    switch way {
    case .baseline: [baseline]
    case .arm: [arm]
    case .both: [arm, baseline]
    }
  }
}

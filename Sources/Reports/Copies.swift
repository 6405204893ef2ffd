import CanonicalJSON
import Records

/// Finds inputs that are one and the same artifact under several names.
///
/// Three seeds that give one model are one result, not three; two arms with equal scores are one arm. An interval over
/// copies would pass for certainty.
struct Copies: Sendable {
  /// What is told of them, a sentence each.
  private(set) var remarks: [String] = []

  /// Leaves one of each group of equal cells in `groups`, and tells of those that went and of equal arms.
  init(_ groups: inout [SeedGroup], curves: [CurvesInput], _ name: (Arm) -> String) {
    // What is told of one arm at many temperatures is told once.
    var told: [String] = []
    Self.keepOwnTrainings(&groups, curves)
    for place in groups.indices {
      var kept: [ScoredCell] = []
      var left: [(seed: String, twin: String)] = []
      for cell in groups[place].cells {
        if let twin = kept.first(where: { $0.isCopy(of: cell) }) {
          left.append((cell.identity.seed ?? "none", twin.identity.seed ?? "none"))
        } else {
          kept.append(cell)
        }
      }
      guard !left.isEmpty else { continue }
      let all = groups[place].cells.count
      groups[place].cells = kept
      let arm = name(groups[place].arm)
      let text =
        kept.count == 1
        ? "the \(all) seeds of \(arm) gave identical scores, so they count as one seed"
        : Format.list(left.map { "seed \($0.seed) of \(arm) gave scores identical to those of seed \($0.twin)" })
          + (left.count == 1 ? ", so the two count as one" : ", so those count as one")
      if !told.contains(text) { told.append(text) }
    }
    remarks =
      told + Self.curveRemarks(curves, name) + Self.temperatureRemarks(groups, name) + Self.armRemarks(groups, name)
  }

  /// Leaves one seed of those whose trainings are one and the same: what differs between them is how samples were drawn.
  private static func keepOwnTrainings(_ groups: inout [SeedGroup], _ curves: [CurvesInput]) {
    for place in groups.indices where groups[place].cells.count > 1 {
      let arm = groups[place].arm
      let trainings = curves.filter { !$0.rows.isEmpty && CellIdentity($0.provenance).arm.matches(arm) }
      var kept: [CurvesInput] = []
      groups[place].cells.removeAll { cell in
        let own = trainings.first { CellIdentity($0.provenance).seed == cell.identity.seed }
        guard let own else { return false }
        if kept.contains(where: { $0.isCopy(of: own) }) { return true }
        kept.append(own)
        return false
      }
    }
  }

  /// Trainings that came out the same, under several seeds or several names.
  private static func curveRemarks(_ curves: [CurvesInput], _ name: (Arm) -> String) -> [String] {
    var trainings: [(arm: Arm, count: Int, distinct: [CurvesInput])] = []
    for input in curves where !input.rows.isEmpty {
      let arm = CellIdentity(input.provenance).arm
      let place = trainings.firstIndex { $0.arm == arm } ?? trainings.count
      if place == trainings.count { trainings.append((arm, 0, [])) }
      trainings[place].count += 1
      if !trainings[place].distinct.contains(where: { $0.isCopy(of: input) }) {
        trainings[place].distinct.append(input)
      }
    }
    var remarks: [String] = []
    for (arm, count, distinct) in trainings where distinct.count < count {
      remarks.append(
        distinct.count == 1
          ? "\(Format.count(count)) seeds of \(name(arm)) have identical learning curves: the seed has no effect on this "
            + "training, so they count as one seed"
          : "of \(Format.count(count)) seeds of \(name(arm)) only \(Format.count(distinct.count)) have learning curves of "
            + "their own, and the others count as copies")
    }
    for (place, training) in trainings.enumerated() {
      for other in trainings[..<place] {
        guard training.distinct.contains(where: { curve in other.distinct.contains { $0.isCopy(of: curve) } }) else {
          continue
        }
        remarks.append(
          "\(name(training.arm)) and \(name(other.arm)) have identical learning curves, as one training under two names "
            + "would")
      }
    }
    return remarks
  }

  private static func armRemarks(_ groups: [SeedGroup], _ name: (Arm) -> String) -> [String] {
    var remarks: [String] = []
    for (place, group) in groups.enumerated() {
      for other in groups[..<place] where other.arm != group.arm {
        let names = (name(group.arm), name(other.arm))
        let twins =
          group.sampling == other.sampling && group.isCopy(of: other)
          ? ["\(names.0) and \(names.1)"] : group.copies(in: other).map { $0.text(names.0, names.1) }
        for twin in twins {
          let text = "\(twin) have identical scores, as the same samples under two names would"
          if !remarks.contains(text) { remarks.append(text) }
        }
      }
    }
    return remarks
  }

  /// Arms that have the same samples at several temperatures.
  private static func temperatureRemarks(_ groups: [SeedGroup], _ name: (Arm) -> String) -> [String] {
    var remarks: [String] = []
    var arms: [Arm] = []
    for group in groups where !arms.contains(group.arm) { arms.append(group.arm) }
    for arm in arms {
      let grid = groups.filter { $0.arm == arm && $0.sampling.temperature != nil }
      let copies = SeedGroup.copies(among: grid)
      if copies.count == grid.count, copies.count > 1 {
        remarks.append(
          "the temperature has no effect on \(name(arm)): \(Format.count(grid.count)) temperatures gave identical scores"
        )
      } else if !copies.isEmpty {
        remarks.append(
          "\(name(arm)) has identical scores at T \(Format.list(copies.map(\.sampling.text))), as samples of one "
            + "temperature would")
      }
    }
    return remarks
  }
}

extension SeedGroup {
  /// Whether every cell has its copy in the other group.
  func isCopy(of other: SeedGroup) -> Bool {
    cells.count == other.cells.count && zip(cells, other.cells).allSatisfy { $0.isCopy(of: $1) }
  }

  /// The first groups of which one holds a copy of another's cell, with all that hold one of its.
  static func copies(among groups: [SeedGroup]) -> [SeedGroup] {
    for (place, group) in groups.enumerated() {
      let twins = groups[(place + 1)...].filter { !$0.copies(in: group).isEmpty }
      if !twins.isEmpty { return [group] + twins }
    }
    return []
  }
}

extension CurvesInput {
  /// Whether two are one and the same training: by their digests, else by their points.
  ///
  /// Digests that differ tell nothing: the record of the training holds a seed that may have had no effect.
  fileprivate func isCopy(of other: CurvesInput) -> Bool {
    if let own = provenance.digest, let its = other.provenance.digest, own.hasSameBytes(as: its) { return true }
    return rows.count == other.rows.count && rows == other.rows
  }
}

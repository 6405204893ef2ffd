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
    remarks = told + Self.curveRemarks(curves, groups, name) + Self.armRemarks(groups, name)
  }

  /// Trainings that only differ in their seed and came out the same.
  private static func curveRemarks(
    _ curves: [CurvesInput], _ groups: [SeedGroup], _ name: (Arm) -> String
  ) -> [String] {
    var seen: [(arm: Arm, inputs: [CurvesInput])] = []
    for input in curves {
      let arm = CellIdentity(input.provenance).arm
      if let place = seen.firstIndex(where: { $0.arm == arm }) {
        seen[place].inputs.append(input)
      } else {
        seen.append((arm, [input]))
      }
    }
    return seen.compactMap { arm, inputs in
      guard inputs.count > 1, !inputs[0].rows.isEmpty else { return nil }
      let copies = inputs.dropFirst().count { input in
        if let first = inputs[0].provenance.digest, let other = input.provenance.digest { return first == other }
        return inputs[0].rows == input.rows
      }
      guard copies > 0 else { return nil }
      return
        "\(Format.count(copies + 1)) seeds of \(name(arm)) have identical learning curves: the seed has no effect on "
        + "this training"
    }
  }

  private static func armRemarks(_ groups: [SeedGroup], _ name: (Arm) -> String) -> [String] {
    var remarks: [String] = []
    for (place, group) in groups.enumerated() {
      for other in groups[..<place] where other.arm != group.arm && group.isCopy(of: other) {
        let text =
          "\(name(group.arm)) and \(name(other.arm)) have identical scores, as the same samples under two names would"
        if !remarks.contains(text) { remarks.append(text) }
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
}

/// Which seeds of several groups are held against each other: those of one name.
struct SeedPairs: Sendable {
  /// A place among every group's cells, one row for each estimate; a group of one seed goes with every row.
  let rows: [[Int]]

  /// Pairs the seeds of groups.
  ///
  /// Where the two sides have equally many seeds and some are called otherwise, these are paired in their order. Where
  /// one has more than the other, those that both have are paired, if there are two at least. Else there is nil.
  init?(_ groups: [SeedGroup]) {
    let several = groups.filter { $0.cells.count > 1 }
    guard let first = several.first else {
      rows = [groups.map { _ in 0 }]
      return
    }
    let common = Self.common(several)
    let isWhole = several.allSatisfy { group in
      group.cells.count == first.cells.count
        && several.allSatisfy { $0.arm != group.arm || $0.seeds == group.seeds }
    }
    guard isWhole || common.count > 1 else { return nil }
    let orders = groups.map { group -> [Int] in
      guard group.cells.count > 1 else { return [] }
      let shared = common.compactMap { seed in group.seeds.firstIndex(of: seed) }
      return isWhole ? shared + group.seeds.indices.filter { !shared.contains($0) } : shared
    }
    let count = isWhole ? first.cells.count : common.count
    rows = (0..<count).map { row in orders.map { $0.isEmpty ? 0 : $0[row] } }
  }

  /// The measures of every pair, one a group.
  ///
  /// - Parameter sides: Measures of groups, one a seed, with the place of the group.
  /// - Returns: The measures of every row.
  func measures(_ sides: [(group: Int, seeds: [Measure])]) -> [[Measure]] {
    rows.map { row in sides.map { $0.seeds[row[$0.group]] } }
  }

  private static func common(_ groups: [SeedGroup]) -> [String?] {
    (groups.first?.seeds ?? []).filter { seed in groups.allSatisfy { $0.seeds.contains(seed) } }
  }

  /// What the pairs of two groups leave out or hold against another seed, a sentence; nil where every seed has its own.
  static func remark(_ own: SeedGroup, _ name: String, _ other: SeedGroup, _ otherName: String) -> String? {
    guard own.cells.count > 1, other.cells.count > 1, let pairs = SeedPairs([own, other]) else { return nil }
    let strangers = pairs.rows.filter { own.seeds[$0[0]] != other.seeds[$0[1]] }
    if !strangers.isEmpty {
      let texts = strangers.map { row in
        "seed \(own.seeds[row[0]] ?? "none") of \(name) is held against seed \(other.seeds[row[1]] ?? "none") of "
          + otherName
      }
      return Format.list(texts) + ", for neither has the other's seed"
    }
    let left = [(own, name, 0), (other, otherName, 1)].flatMap { group, name, side in
      group.seeds.indices.filter { place in !pairs.rows.contains { $0[side] == place } }
        .map { "seed \(group.seeds[$0] ?? "none") of \(name)" }
    }
    guard !left.isEmpty else { return nil }
    return "\(Format.list(left)) \(left.count == 1 ? "has" : "have") no partner, so the difference of \(name) and "
      + "\(otherName) is over \(Format.count(pairs.rows.count)) seeds"
  }
}

extension SeedGroup {
  /// What its seeds are called.
  var seeds: [String?] { cells.map(\.identity.seed) }
}

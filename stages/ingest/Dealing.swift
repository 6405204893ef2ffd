import Records

/// Orders drawn by a seed: each text has a number that depends on the seed and on its bytes alone, so adding a row
/// moves no other.
struct Dealing: Sendable {
  let seed: UInt64

  /// FNV-1a over the bytes, then the finaliser of SplitMix64, with the seed mixed in before.
  func rank(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= seed &* 0x9e37_79b9_7f4a_7c15
    hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
    return hash ^ (hash >> 31)
  }

  /// Deals rows out to splits; rows of equal prompt stay together, rows of a split keep their order.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - spool: Where they lie, with keys and numbers of their prompts.
  ///   - shares: Splits and their shares.
  /// - Returns: The splits in the order train, validation, test.
  /// - Throws: `Errno`.
  func deal(
    _ rows: [Int], of spool: RowSpool, _ shares: [(split: Split, share: Double)]
  ) throws -> [(split: Split, rows: [Int])] {
    var seen: Set<TextKey> = []
    var firsts: [Int] = []
    for row in rows where seen.insert(spool.prompts[row]).inserted { firsts.append(row) }
    let reader = spool.reader()
    let order = try firsts.sorted {
      if spool.ranks[$0] != spool.ranks[$1] { return spool.ranks[$0] < spool.ranks[$1] }
      return try spool.prompt($0, reader) < spool.prompt($1, reader)
    }
    var splits: [TextKey: Split] = [:]
    var start = 0
    var total = 0.0
    for (split, share) in shares {
      total += share
      let end = split == shares.last?.split ? order.count : Int((total * Double(order.count)).rounded())
      for index in start..<max(start, end) { splits[spool.prompts[order[index]]] = split }
      start = max(start, end)
    }
    return Split.allCases.compactMap { split in
      guard shares.contains(where: { $0.split == split }) else { return nil }
      return (split, rows.filter { splits[spool.prompts[$0]] == split })
    }
  }

  /// Positions by the numbers of place and prompt together.
  private func drawn(_ rows: [Int], of spool: RowSpool) throws -> [Int] {
    let reader = spool.reader()
    var ranks: [UInt64] = []
    ranks.reserveCapacity(rows.count)
    for (offset, row) in rows.enumerated() {
      ranks.append(rank("\(offset)/\(try spool.prompt(row, reader))".utf8))
    }
    return rows.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
  }

  /// Some of the rows, in their order; of two subsets the smaller is contained in the larger.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - count: How many are kept, at most all.
  ///   - spool: Where they lie.
  /// - Returns: The rows that are kept.
  /// - Throws: `Errno`.
  func subset(_ rows: [Int], count: Int, of spool: RowSpool) throws -> [Int] {
    try drawn(rows, of: spool).prefix(count).sorted().map { rows[$0] }
  }

  /// The rows in the order of their numbers.
  /// - Throws: `Errno`.
  func shuffled(_ rows: [Int], of spool: RowSpool) throws -> [Int] {
    try drawn(rows, of: spool).map { rows[$0] }
  }
}

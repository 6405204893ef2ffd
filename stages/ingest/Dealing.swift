import Records

/// Orders drawn by a seed: each text has a number that depends on the seed and on its bytes alone, so adding a row
/// moves no other.
struct Dealing {
  let seed: UInt64

  /// FNV-1a over the bytes, then the finaliser of SplitMix64, with the seed mixed in before.
  private func rank(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= seed &* 0x9e37_79b9_7f4a_7c15
    hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
    return hash ^ (hash >> 31)
  }

  /// Deals rows out to splits; rows of equal prompt stay together, rows of a split keep their order.
  func deal(_ rows: [DatasetRow], _ shares: [(split: Split, share: Double)]) -> [(split: Split, rows: [DatasetRow])] {
    let prompts = Set(rows.map { Array($0.prompt.utf8) })
    let order = prompts.map { (rank: rank($0), prompt: $0) }
      .sorted {
        ($0.rank, String(decoding: $0.prompt, as: UTF8.self)) < ($1.rank, String(decoding: $1.prompt, as: UTF8.self))
      }
    var splits: [[UInt8]: Split] = [:]
    var start = 0
    var total = 0.0
    for (split, share) in shares {
      total += share
      let end = split == shares.last?.split ? order.count : Int((total * Double(order.count)).rounded())
      for index in start..<max(start, end) { splits[order[index].prompt] = split }
      start = max(start, end)
    }
    return Split.allCases.compactMap { split in
      guard shares.contains(where: { $0.split == split }) else { return nil }
      return (split, rows.filter { splits[Array($0.prompt.utf8)] == split })
    }
  }

  /// Some of the rows, in their order; of two subsets the smaller is contained in the larger.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - count: How many are kept, at most all.
  /// - Returns: The rows that are kept.
  func subset(_ rows: [DatasetRow], count: Int) -> [DatasetRow] {
    let order = rows.enumerated().map { (rank: rank("\($0.offset)/\($0.element.prompt)".utf8), offset: $0.offset) }
      .sorted { ($0.rank, $0.offset) < ($1.rank, $1.offset) }
    return order.prefix(count).map(\.offset).sorted().map { rows[$0] }
  }

  /// The rows in the order of their numbers.
  func shuffled(_ rows: [DatasetRow]) -> [DatasetRow] {
    rows.enumerated().map { (rank: rank("\($0.offset)/\($0.element.prompt)".utf8), offset: $0.offset, row: $0.element) }
      .sorted { ($0.rank, $0.offset) < ($1.rank, $1.offset) }.map(\.row)
  }
}

/// Applies merges to one word at a time; its buffers are reused from word to word.
struct WordMerger {
  /// Beyond so many symbols a heap of candidates beats looking for the best each time.
  private static let scanLimit = 40

  /// The tokens of the word that was merged last.
  private(set) var symbols: [Int32] = []
  private var ranks: [Int32] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var heap = CandidateHeap()

  /// Makes `symbols` the tokens of a word.
  mutating func merge(_ word: UnsafeBufferPointer<UInt8>, _ model: BytePairModel) {
    symbols.removeAll(keepingCapacity: true)
    if model.takesWholeWords, let token = model.token(of: word) { return symbols.append(token) }
    model.appendCharacters(of: word, to: &symbols)
    if symbols.count > Self.scanLimit { mergeByHeap(model) } else { mergeByScan(model) }
  }

  private func rank(_ left: Int32, _ right: Int32, _ model: BytePairModel) -> Int32 {
    model.ranks[PairTable.key(left, right)] ?? .max
  }

  /// The pair of lowest rank first, of equal ranks the leftmost.
  private mutating func mergeByScan(_ model: BytePairModel) {
    guard symbols.count > 1 else { return }
    ranks.removeAll(keepingCapacity: true)
    for index in 1..<symbols.count { ranks.append(rank(symbols[index - 1], symbols[index], model)) }
    while !ranks.isEmpty {
      var best = Int32.max
      var place = 0
      for index in ranks.indices where ranks[index] < best { (best, place) = (ranks[index], index) }
      if best == .max { return }
      symbols[place] = model.merged[Int(best)]
      symbols.remove(at: place + 1)
      ranks.remove(at: place)
      if place > 0 { ranks[place - 1] = rank(symbols[place - 1], symbols[place], model) }
      if place < ranks.count { ranks[place] = rank(symbols[place], symbols[place + 1], model) }
    }
  }

  private mutating func mergeByHeap(_ model: BytePairModel) {
    let count = symbols.count
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    heap.removeAll()
    for index in 0..<count {
      previous.append(Int32(index - 1))
      next.append(index + 1 < count ? Int32(index + 1) : -1)
      if index + 1 < count { propose(index, index + 1, model) }
    }
    while let (rank, position) = heap.pop() {
      // A candidate is stale when its left symbol is gone or its right one has changed.
      guard symbols[position] >= 0, next[position] >= 0 else { continue }
      let right = Int(next[position])
      guard let current = model.ranks[PairTable.key(symbols[position], symbols[right])],
        model.merged[Int(current)] == model.merged[rank]
      else { continue }
      symbols[position] = model.merged[rank]
      symbols[right] = -1
      next[position] = next[right]
      if next[right] >= 0 { previous[Int(next[right])] = Int32(position) }
      if previous[position] >= 0 { propose(Int(previous[position]), position, model) }
      if next[position] >= 0 { propose(position, Int(next[position]), model) }
    }
    symbols.removeAll { $0 < 0 }
  }

  @inline(__always)
  private mutating func propose(_ left: Int, _ right: Int, _ model: BytePairModel) {
    if let rank = model.ranks[PairTable.key(symbols[left], symbols[right])] {
      heap.push(rank: Int(rank), position: left)
    }
  }
}

/// Merges to be tried, the lowest rank first, of equal ranks the leftmost.
private struct CandidateHeap {
  private var items: [UInt64] = []

  mutating func removeAll() { items.removeAll(keepingCapacity: true) }

  mutating func push(rank: Int, position: Int) {
    let item = UInt64(rank) << 32 | UInt64(position)
    var index = items.count
    items.append(item)
    while index > 0 {
      let parent = (index - 1) / 2
      if items[parent] <= item { break }
      items[index] = items[parent]
      index = parent
    }
    items[index] = item
  }

  mutating func pop() -> (rank: Int, position: Int)? {
    guard let top = items.first, let item = items.popLast() else { return nil }
    if !items.isEmpty {
      var index = 0
      while true {
        var child = 2 * index + 1
        if child >= items.count { break }
        if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
        if items[child] >= item { break }
        items[index] = items[child]
        index = child
      }
      items[index] = item
    }
    return (Int(top >> 32), Int(top & 0xFFFF_FFFF))
  }
}

/// Distinct words and how often each was met.
struct WordCounter: WordSink {
  private(set) var words = ByteStringTable(capacity: 1 << 12)
  private(set) var counts: [Int] = []

  @inline(__always)
  mutating func take(_ word: UnsafeBufferPointer<UInt8>) {
    let hash = ByteStringTable.hash(word)
    if let index = words.index(of: word, hash: hash) {
      counts[index] += 1
    } else {
      words.append(word, hash: hash, value: 0)
      counts.append(1)
    }
  }
}

/// Learns merges from counted words, keeping counts of pairs up to date merge by merge.
struct MergeLearner {
  struct Merge {
    var left: Int32
    var right: Int32
  }

  /// A pair that may be merged next, and the words in which this entry knows it.
  ///
  /// When a merge makes a piece that exists already, a pair of old pieces may gain words; it then has two entries,
  /// as in the reference, and is merged twice.
  private struct Candidate {
    var count: Int
    var key: UInt64
    var words: Int

    /// Frequent pairs first, then pairs of lower ids, then older entries.
    static func precedes(_ left: Candidate, _ right: Candidate) -> Bool {
      if left.count != right.count { return left.count > right.count }
      if left.key != right.key { return left.key < right.key }
      return left.words < right.words
    }
  }

  /// The bytes of every piece by id; the special token first.
  private(set) var pieces: [[UInt8]]
  private var merges: [Merge] = []
  private var known: ByteStringTable

  /// Ids of all words one after the other; a word that shrinks leaves its tail unused.
  private var symbols: [Int32] = []
  private var starts: [Int] = []
  private var lengths: [Int] = []
  private let wordCounts: [Int]

  /// Pairs are numbered in the order in which they are met.
  private var pairs = PairTable(capacity: 1 << 12)
  private var pairCounts: [Int] = []
  private var pairKeys: [UInt64] = []
  /// Words in which a pair was met since it was last made a candidate.
  private var newWords: [[Int32]] = []
  private var touched: [Int32] = []

  private var queue: [Candidate] = []
  private var wordLists: [[Int32]] = []

  init(_ counter: WordCounter) {
    pieces = [Array(BytePairTrainer.specialToken.utf8)] + ByteAlphabet.bytesInScalarOrder.map { [$0] }
    known = ByteStringTable(capacity: 1 << 12)
    for (id, piece) in pieces.enumerated() { known.set(piece, to: Int32(id)) }
    var ids = [Int32](repeating: 0, count: 256)
    for (rank, byte) in ByteAlphabet.bytesInScalarOrder.enumerated() { ids[Int(byte)] = Int32(rank + 1) }
    wordCounts = counter.counts
    symbols.reserveCapacity(counter.words.byteCount)
    for index in 0..<counter.words.count {
      let word = counter.words.key(at: index)
      starts.append(symbols.count)
      lengths.append(word.count)
      for byte in word { symbols.append(ids[Int(byte)]) }
    }
  }

  /// The merges in the order in which they apply: of a pair merged twice the later one counts.
  var distinctMerges: [Merge] {
    var last = PairTable(capacity: merges.count)
    for (index, merge) in merges.enumerated() { last.set(PairTable.key(merge.left, merge.right), to: Int32(index)) }
    return merges.enumerated().filter { last[PairTable.key($1.left, $1.right)] == Int32($0) }.map(\.element)
  }

  /// Merges until the vocabulary has its size or no pair is frequent enough.
  mutating func learn(upTo size: Int, minimumFrequency: Int) {
    countPairs()
    while pieces.count < size, let candidate = pop() {
      let pair = Int(pairs[candidate.key] ?? 0)
      let count = pairCounts[pair]
      if candidate.count != count {
        push(Candidate(count: count, key: candidate.key, words: candidate.words))
        continue
      }
      if count < max(1, minimumFrequency) { return }
      merge(candidate)
      enqueueTouched()
    }
  }

  private mutating func countPairs() {
    for word in starts.indices {
      let start = starts[word]
      for index in start..<start + max(lengths[word] - 1, 0) {
        change(symbols[index], symbols[index + 1], by: wordCounts[word], in: word)
      }
    }
    enqueueTouched()
  }

  private mutating func merge(_ candidate: Candidate) {
    let left = Int32(candidate.key >> 32)
    let right = Int32(candidate.key & 0xFFFF_FFFF)
    let piece = pieces[Int(left)] + pieces[Int(right)]
    let id: Int32
    if let existing = known.value(of: piece) {
      id = existing
    } else {
      id = Int32(pieces.count)
      pieces.append(piece)
      known.set(piece, to: id)
    }
    merges.append(Merge(left: left, right: right))
    let words = wordLists[candidate.words]
    wordLists[candidate.words] = []
    for word in words { merge(left, right, into: id, word: Int(word)) }
  }

  /// Replaces a pair by one id in a word, from left to right, and counts the pairs that vanish and appear.
  private mutating func merge(_ left: Int32, _ right: Int32, into id: Int32, word: Int) {
    let start = starts[word]
    let end = start + lengths[word]
    let count = wordCounts[word]
    var source = start
    var target = start
    while source < end {
      guard symbols[source] == left, source + 1 < end, symbols[source + 1] == right else {
        symbols[target] = symbols[source]
        source += 1
        target += 1
        continue
      }
      if target > start {
        change(symbols[target - 1], left, by: -count, in: word)
        change(symbols[target - 1], id, by: count, in: word)
      }
      source += 2
      if source < end {
        change(right, symbols[source], by: -count, in: word)
        change(id, symbols[source], by: count, in: word)
      }
      symbols[target] = id
      target += 1
    }
    lengths[word] = target - start
  }

  private mutating func change(_ left: Int32, _ right: Int32, by count: Int, in word: Int) {
    let key = PairTable.key(left, right)
    let pair: Int
    if let number = pairs[key] {
      pair = Int(number)
      pairCounts[pair] += count
    } else {
      pair = pairCounts.count
      pairs.set(key, to: Int32(pair))
      pairCounts.append(count)
      pairKeys.append(key)
      newWords.append([])
    }
    guard count > 0 else { return }
    if newWords[pair].isEmpty { touched.append(Int32(pair)) }
    if newWords[pair].last != Int32(word) { newWords[pair].append(Int32(word)) }
  }

  private mutating func enqueueTouched() {
    for number in touched {
      let pair = Int(number)
      if pairCounts[pair] > 0 {
        push(Candidate(count: pairCounts[pair], key: pairKeys[pair], words: wordLists.count))
        wordLists.append(newWords[pair])
      }
      newWords[pair] = []
    }
    touched.removeAll(keepingCapacity: true)
  }

  // MARK: The queue, a binary heap

  private mutating func push(_ candidate: Candidate) {
    var index = queue.count
    queue.append(candidate)
    while index > 0 {
      let parent = (index - 1) / 2
      guard Candidate.precedes(candidate, queue[parent]) else { break }
      queue[index] = queue[parent]
      index = parent
    }
    queue[index] = candidate
  }

  private mutating func pop() -> Candidate? {
    guard let top = queue.first, let last = queue.popLast() else { return nil }
    if queue.isEmpty { return top }
    var index = 0
    while true {
      var child = 2 * index + 1
      if child >= queue.count { break }
      if child + 1 < queue.count, Candidate.precedes(queue[child + 1], queue[child]) { child += 1 }
      guard Candidate.precedes(queue[child], last) else { break }
      queue[index] = queue[child]
      index = child
    }
    queue[index] = last
    return top
  }
}

/// The words of the texts of one prompt, counted once and compared in any combination.
struct ROUGEGroup: ~Copyable {
  let stemming: Bool
  private var index = NGramIndex(order: 2)
  private var sentenceEnds: [[Int]] = []
  private var positions = LongestCommonSubsequence.Positions()
  private var referenceCounts = GrowingBuffer<Int32>()
  private var table = GrowingBuffer<Int32>()
  private var words = GrowingBuffer<Int32>()

  init(stemming: Bool) { self.stemming = stemming }

  /// Takes the texts of a prompt; from here on they are numbered by their place in `members`.
  mutating func set(_ texts: borrowing TextTable, _ members: [Int], _ table: inout ROUGEWords) {
    index.removeAll()
    sentenceEnds.removeAll(keepingCapacity: true)
    for text in members {
      words.removeAll()
      var ends: [Int] = []
      table.append(texts[text], to: &words, sentenceEnds: &ends)
      if stemming { stem(&ends, &table) }
      index.add(words.elements)
      sentenceEnds.append(ends)
    }
  }

  /// Replaces words by stems; a word without one disappears.
  private mutating func stem(_ ends: inout [Int], _ table: inout ROUGEWords) {
    var kept = 0
    var sentence = 0
    for position in 0..<words.count {
      if let stem = table.stem(of: words[position]) {
        words[kept] = stem
        kept += 1
      }
      if position + 1 == ends[sentence] {
        ends[sentence] = kept
        sentence += 1
      }
    }
    words.setCount(kept)
  }

  /// The best scores of each sample over the references.
  mutating func scores(samples: [Int], references: [Int]) -> [ROUGE.Scores] {
    var best: [ROUGE.Scores] = []
    best.reserveCapacity(samples.count)
    referenceCounts.extend(to: Int(index.highest) + 1, filling: 0)
    for (turn, reference) in references.enumerated() {
      let counts = referenceCounts.start
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = entry.count }
      positions.set(index.words(of: reference), highest: index.highest)
      for (place, sample) in samples.enumerated() {
        let scores = scores(sample: sample, reference: reference)
        if turn == 0 { best.append(scores) } else { best[place].keepBest(scores) }
      }
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = 0 }
      positions.clear(index.words(of: reference))
    }
    return best
  }

  private mutating func scores(sample: Int, reference: Int) -> ROUGE.Scores {
    let length = index.length(of: sample)
    let referenceLength = index.length(of: reference)
    let one = ROUGE.Score(hits: hits(sample, order: 1), sample: length, reference: referenceLength)
    let two = ROUGE.Score(hits: hits(sample, order: 2), sample: length - 1, reference: referenceLength - 1)
    if length == 0 || referenceLength == 0 { return .init(rouge1: one, rouge2: two, rougeL: .zero, rougeLsum: .zero) }
    let common = positions.commonLength(index.words(of: sample))
    let whole = ROUGE.Score(hits: common, sample: length, reference: referenceLength)
    let single = sentenceEnds[sample].count == 1 && sentenceEnds[reference].count == 1
    let union = single ? common : unionLength(sample, reference)
    let byLine = single ? whole : ROUGE.Score(hits: union, sample: length, reference: referenceLength)
    return ROUGE.Scores(rouge1: one, rouge2: two, rougeL: whole, rougeLsum: byLine)
  }

  @inline(__always)
  private func hits(_ sample: Int, order: Int) -> Int {
    let counts = referenceCounts.start
    var hits: Int32 = 0
    for entry in index.entries(of: sample, order: order) { hits += min(entry.count, counts[Int(entry.number)]) }
    return Int(hits)
  }

  /// Words of the union of common subsequences, none counted oftener than sample or reference has it.
  private mutating func unionLength(_ sample: Int, _ reference: Int) -> Int {
    var sampleLeft = [Int32](repeating: 0, count: Int(index.highest) + 1)
    for entry in index.entries(of: sample, order: 1) { sampleLeft[Int(entry.number)] = entry.count }
    var referenceLeft = sampleLeft
    for entry in index.entries(of: reference, order: 1) { referenceLeft[Int(entry.number)] = entry.count }
    var hits = 0
    var lineStart = 0
    for lineEnd in sentenceEnds[reference] {
      let line = UnsafeBufferPointer(rebasing: index.words(of: reference)[lineStart..<lineEnd])
      var union = [Bool](repeating: false, count: line.count)
      var start = 0
      for end in sentenceEnds[sample] {
        let candidate = UnsafeBufferPointer(rebasing: index.words(of: sample)[start..<end])
        LongestCommonSubsequence.mark(reference: line, candidate: candidate, table: &table, union: &union)
        start = end
      }
      for (position, word) in line.enumerated() where union[position] {
        if sampleLeft[Int(word)] > 0, referenceLeft[Int(word)] > 0 {
          hits += 1
          sampleLeft[Int(word)] -= 1
          referenceLeft[Int(word)] -= 1
        }
      }
      lineStart = lineEnd
    }
    return hits
  }
}

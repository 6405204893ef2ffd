/// Tercom's greedy search for shifts of phrases, as sacrebleu 2.6.0 has it (`metrics/lib_ter.py`).
struct ShiftSearch: ~Copyable {
  private static let longestShift = 10
  private static let farthestShift = 50
  private static let beam = 25
  private static let mostCandidates = 1000
  private static let unreached: Int32 = 1 << 28

  // Not private: the compiler's debug builds fail on a private element of a generic buffer of another file.
  enum Edit: UInt8 { case keep, substitute, insert, delete, none }

  private var costs = GrowingBuffer<Int32>(capacity: 1 << 12)
  private var edits = GrowingBuffer<Edit>(capacity: 1 << 12)
  private var candidateRows = GrowingBuffer<Int32>()
  private var current: [Int32] = []
  private var shifted: [Int32] = []
  private var best: [Int32] = []
  /// For every reference position, the sample position that stands there or before it (−1 at the beginning).
  private var alignment: [Int] = []
  /// Running counts of wrong positions, so that a phrase's errors are a difference.
  private var referenceErrors: [Int32] = []
  private var sampleErrors: [Int32] = []

  /// The number of edits and shifts that turn `sample` into `reference`.
  mutating func edits(from sample: UnsafeBufferPointer<Int32>, to reference: UnsafeBufferPointer<Int32>) -> Int {
    if reference.isEmpty { return sample.count }
    current = Array(sample)
    var shifts = 0
    var candidates = 0
    while true {
      let distance = fillTable(reference)
      align(reference.count)
      let gain = bestShift(reference, distance: distance, &candidates)
      if candidates >= Self.mostCandidates || gain <= 0 { return shifts + Int(distance) }
      shifts += 1
      swap(&current, &best)
    }
  }

  /// The range of columns of a row that the beam visits.
  @inline(__always)
  private static func columns(row: Int, rows: Int, referenceLength: Int) -> (first: Int, end: Int) {
    let ratio = Double(referenceLength) / Double(rows)
    let width = Double(beam) < ratio / 2 ? Int((ratio / 2 + Double(beam)).rounded(.up)) : beam
    let diagonal = Int((Double(row) * ratio).rounded(.down))
    let first = max(0, diagonal - width)
    return (first, row == rows ? referenceLength + 1 : min(referenceLength + 1, diagonal + width))
  }

  /// Edit distances of all prefixes of the current words, with the edit that led to each.
  private mutating func fillTable(_ reference: UnsafeBufferPointer<Int32>) -> Int32 {
    let rows = current.count
    let width = reference.count + 1
    costs.removeAll()
    costs.extend(to: (rows + 1) * width, filling: Self.unreached)
    edits.removeAll()
    edits.extend(to: (rows + 1) * width, filling: .none)
    for column in 0..<width {
      costs[column] = Int32(column)
      edits[column] = .insert
    }
    for row in 1..<(rows + 1) {
      let range = Self.columns(row: row, rows: rows, referenceLength: reference.count)
      let above = costs.start + (row - 1) * width
      let here = costs.start + row * width
      let made = edits.start + row * width
      let word = current[row - 1]
      for column in range.first..<max(range.first, range.end) {
        if column == 0 {
          here[0] = above[0] + 1
          made[0] = .delete
          continue
        }
        let same = word == reference[column - 1]
        let replaced = above[column - 1] + (same ? 0 : 1)
        if here[column] > replaced { (here[column], made[column]) = (replaced, same ? .keep : .substitute) }
        if here[column] > above[column] + 1 { (here[column], made[column]) = (above[column] + 1, .delete) }
        if here[column] > here[column - 1] + 1 { (here[column], made[column]) = (here[column - 1] + 1, .insert) }
      }
    }
    return costs[rows * width + reference.count]
  }

  /// Reads the table backwards: which words stand against each other, and which are wrong.
  private mutating func align(_ referenceLength: Int) {
    let width = referenceLength + 1
    var row = current.count
    var column = referenceLength
    alignment = [Int](repeating: -1, count: referenceLength)
    referenceErrors = [Int32](repeating: 0, count: referenceLength + 1)
    sampleErrors = [Int32](repeating: 0, count: current.count + 1)
    while row > 0 || column > 0 {
      switch edits[row * width + column] {
      case .keep, .substitute:
        let wrong: Int32 = edits[row * width + column] == .substitute ? 1 : 0
        row -= 1
        column -= 1
        alignment[column] = row
        referenceErrors[column + 1] = wrong
        sampleErrors[row + 1] = wrong
      case .insert:
        column -= 1
        alignment[column] = row - 1
        referenceErrors[column + 1] = 1
      case .delete:
        row -= 1
        sampleErrors[row + 1] = 1
      case .none: preconditionFailure("the beam always reaches the last cell")
      }
    }
    for position in 0..<referenceLength { referenceErrors[position + 1] += referenceErrors[position] }
    for position in 0..<current.count { sampleErrors[position + 1] += sampleErrors[position] }
  }

  /// Finds the shift that lowers the distance most and leaves the shifted words in `best`; returns what it gains.
  ///
  /// Of equal gains the longest phrase, then the earliest, then the earliest target.
  private mutating func bestShift(
    _ reference: UnsafeBufferPointer<Int32>, distance: Int32, _ candidates: inout Int
  ) -> Int32 {
    var found: (gain: Int32, length: Int, start: Int, target: Int)?
    for start in current.indices {
      for origin in reference.indices where abs(origin - start) <= Self.farthestShift {
        var length = 0
        while length < Self.longestShift, start + length < current.count, origin + length < reference.count,
          current[start + length] == reference[origin + length]
        {
          length += 1
          guard sampleErrors[start + length] > sampleErrors[start],
            referenceErrors[origin + length] > referenceErrors[origin],
            !(start..<start + length).contains(alignment[origin])
          else { continue }
          var previous = -1
          for place in (origin - 1)..<(origin + length) {
            let target = place < 0 ? 0 : alignment[place] + 1
            if target == previous { continue }
            previous = target
            let gain = distance - shiftedDistance(reference, start: start, length: length, target: target)
            candidates += 1
            if let known = found,
              (gain, length, -start, -target) <= (known.gain, known.length, -known.start, -known.target)
            {
              continue
            }
            found = (gain, length, start, target)
            swap(&best, &shifted)
          }
          if candidates >= Self.mostCandidates { return found?.gain ?? 0 }
        }
      }
    }
    return found?.gain ?? 0
  }

  /// The edit distance after a shift; the shifted words are left in `shifted`.
  private mutating func shiftedDistance(
    _ reference: UnsafeBufferPointer<Int32>, start: Int, length: Int, target: Int
  ) -> Int32 {
    shifted.removeAll(keepingCapacity: true)
    let words = current
    if target < start {
      shifted += words[..<target]
      shifted += words[start..<start + length]
      shifted += words[target..<start]
      shifted += words[(start + length)...]
    } else if target > start + length {
      shifted += words[..<start]
      shifted += words[(start + length)..<target]
      shifted += words[start..<start + length]
      shifted += words[target...]
    } else {
      shifted += words[..<start]
      shifted += words[(start + length)..<min(length + target, words.count)]
      shifted += words[start..<start + length]
      shifted += words[min(length + target, words.count)...]
    }
    return distance(reference, unchanged: min(start, target))
  }

  /// The edit distance of `shifted`, whose first `unchanged` words are those of the table.
  private mutating func distance(_ reference: UnsafeBufferPointer<Int32>, unchanged: Int) -> Int32 {
    let rows = shifted.count
    let width = reference.count + 1
    candidateRows.extend(to: 2 * width, filling: 0)
    var above = UnsafePointer(costs.start + unchanged * width)
    for row in (unchanged + 1)..<(rows + 1) {
      let here = candidateRows.start + (row & 1) * width
      let range = Self.columns(row: row, rows: rows, referenceLength: reference.count)
      let word = shifted[row - 1]
      for column in 0..<min(range.first, width) { here[column] = Self.unreached }
      var left = Self.unreached
      for column in range.first..<max(range.first, range.end) {
        if column == 0 {
          left = above[0] + 1
        } else {
          let replaced = above[column - 1] + (word == reference[column - 1] ? 0 : 1)
          left = min(Self.unreached, replaced, above[column] + 1, left + 1)
        }
        here[column] = left
      }
      for column in max(range.first, range.end)..<max(range.first, range.end, width) { here[column] = Self.unreached }
      above = UnsafePointer(here)
    }
    return above[reference.count]
  }
}

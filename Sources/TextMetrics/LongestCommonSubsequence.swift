/// Longest common subsequences of word numbers.
enum LongestCommonSubsequence {
  /// Positions of every word of one text, as bits, for the bit-parallel algorithm.
  struct Positions: ~Copyable {
    /// Bit masks of word w at `w·width ..< (w+1)·width`.
    private var masks = GrowingBuffer<UInt64>(capacity: 1 << 10)
    private var row = GrowingBuffer<UInt64>()
    private var width = 0
    private var length = 0

    /// Takes a text whose words are numbered up to `highest`.
    mutating func set(_ words: UnsafeBufferPointer<Int32>, highest: Int32) {
      length = words.count
      width = (words.count + 63) / 64
      masks.extend(to: (Int(highest) + 1) * width, filling: 0)
      row.extend(to: width, filling: 0)
      for (index, word) in words.enumerated() {
        masks[Int(word) * width + index / 64] |= 1 << UInt64(index % 64)
      }
    }

    /// Removes the text's bits again.
    mutating func clear(_ words: UnsafeBufferPointer<Int32>) {
      for (index, word) in words.enumerated() { masks[Int(word) * width + index / 64] = 0 }
    }

    /// The length of the longest common subsequence of the text and `other`.
    ///
    /// Hyyrö's bit-vector recurrence, V ← (V + (V & M)) | (V & ~M): a zero bit is a step of the table's last row.
    mutating func commonLength(_ other: UnsafeBufferPointer<Int32>) -> Int {
      if length == 0 || other.isEmpty { return 0 }
      let masks = masks.start
      if width == 1 {
        var row = ~UInt64(0)
        for word in other {
          let matches = row & masks[Int(word)]
          row = (row &+ matches) | (row &- matches)
        }
        let used = length == 64 ? ~UInt64(0) : (1 << UInt64(length)) - 1
        return (~row & used).nonzeroBitCount
      }
      for block in 0..<width { row[block] = ~0 }
      for word in other {
        var carry: UInt64 = 0
        for block in 0..<width {
          let value = row[block]
          let matches = value & masks[Int(word) * width + block]
          let (sum, overflow) = value.addingReportingOverflow(matches)
          let (total, overflowOfCarry) = sum.addingReportingOverflow(carry)
          carry = overflow || overflowOfCarry ? 1 : 0
          row[block] = total | (value & ~matches)
        }
      }
      var common = 0
      for block in 0..<width {
        let used = block == width - 1 && length % 64 != 0 ? (1 << UInt64(length % 64)) - 1 : ~UInt64(0)
        common += (~row[block] & used).nonzeroBitCount
      }
      return common
    }
  }

  /// Marks in `union` the positions of `reference` that one longest common subsequence with `candidate` has:
  /// the one that rouge-score reads out, which prefers to step back in the reference.
  static func mark(
    reference: UnsafeBufferPointer<Int32>, candidate: UnsafeBufferPointer<Int32>,
    table: inout GrowingBuffer<Int32>, union: inout [Bool]
  ) {
    let columns = candidate.count + 1
    table.removeAll()
    table.extend(to: (reference.count + 1) * columns, filling: 0)
    let cells = table.start
    for i in 1..<(reference.count + 1) {
      let above = cells + (i - 1) * columns
      let row = cells + i * columns
      let word = reference[i - 1]
      for j in 1..<columns {
        row[j] = word == candidate[j - 1] ? above[j - 1] + 1 : max(above[j], row[j - 1])
      }
    }
    var i = reference.count
    var j = candidate.count
    while i > 0, j > 0 {
      if reference[i - 1] == candidate[j - 1] {
        union[i - 1] = true
        i -= 1
        j -= 1
      } else if cells[i * columns + j - 1] > cells[(i - 1) * columns + j] {
        j -= 1
      } else {
        i -= 1
      }
    }
  }
}

/// The words of the texts of one prompt, counted once and compared in any combination.
struct BLEUGroup: ~Copyable {
  let settings: BLEU
  private var index = NGramIndex(order: BLEU.order)
  private var words = GrowingBuffer<Int32>()
  /// Per n-gram, the largest count that a reference has; zero between calls.
  private var largest = GrowingBuffer<Int32>(capacity: 1 << 10)
  private var secondLargest = GrowingBuffer<Int32>()
  private var owner = GrowingBuffer<Int32>()

  init(_ settings: BLEU) { self.settings = settings }

  /// Takes the texts of a prompt; from here on they are numbered by their place in `members`.
  mutating func set(_ texts: borrowing TextTable, _ members: [Int], _ table: inout BLEUWords) {
    index.removeAll()
    for text in members {
      words.removeAll()
      table.append(
        texts[text], tokenization: settings.tokenization, lowercase: settings.lowercase, to: &words)
      index.add(words.elements)
    }
    largest.extend(to: Int(index.highest) + 1, filling: 0)
  }

  /// The counts of each sample against the same references.
  mutating func statistics(samples: [Int], references: [Int]) -> [BLEUStatistics] {
    let largest = largest.start
    for reference in references {
      for entry in index.entries(of: reference) {
        let number = Int(entry.number)
        largest[number] = max(largest[number], entry.count)
      }
    }
    let lengths = references.map { index.length(of: $0) }
    let result = samples.map { sample in
      var statistics = start(sample)
      statistics.referenceLength = Self.closest(to: statistics.length, in: lengths)
      for order in 1...BLEU.order {
        var matches: Int32 = 0
        for entry in index.entries(of: sample, order: order) { matches += min(entry.count, largest[Int(entry.number)]) }
        statistics.matches[order - 1] = Int(matches)
      }
      return statistics
    }
    for reference in references {
      for entry in index.entries(of: reference) { largest[Int(entry.number)] = 0 }
    }
    return result
  }

  /// The counts of each sample against all the others; equal texts are different samples.
  ///
  /// An n-gram's largest count among the others is its largest count, or the second largest for the sample that owns
  /// the largest, so all samples are counted once.
  mutating func selfStatistics(samples: [Int]) -> [BLEUStatistics] {
    secondLargest.extend(to: Int(index.highest) + 1, filling: 0)
    owner.extend(to: Int(index.highest) + 1, filling: 0)
    let (largest, second, owner) = (largest.start, secondLargest.start, owner.start)
    for (place, sample) in samples.enumerated() {
      for entry in index.entries(of: sample) {
        let number = Int(entry.number)
        if entry.count > largest[number] {
          second[number] = largest[number]
          largest[number] = entry.count
          owner[number] = Int32(place)
        } else {
          second[number] = max(second[number], entry.count)
        }
      }
    }
    let lengths = samples.map { index.length(of: $0) }
    var result: [BLEUStatistics] = []
    for (place, sample) in samples.enumerated() {
      var statistics = start(sample)
      var others = lengths
      others.remove(at: place)
      statistics.referenceLength = Self.closest(to: statistics.length, in: others)
      for order in 1...BLEU.order {
        var matches: Int32 = 0
        for entry in index.entries(of: sample, order: order) {
          let number = Int(entry.number)
          matches += min(entry.count, owner[number] == Int32(place) ? second[number] : largest[number])
        }
        statistics.matches[order - 1] = Int(matches)
      }
      result.append(statistics)
    }
    for sample in samples {
      for entry in index.entries(of: sample) {
        largest[Int(entry.number)] = 0
        second[Int(entry.number)] = 0
      }
    }
    return result
  }

  private func start(_ sample: Int) -> BLEUStatistics {
    var statistics = BLEUStatistics()
    statistics.length = index.length(of: sample)
    for order in 1...BLEU.order {
      statistics.totals[order - 1] = NGramIndex.total(length: statistics.length, order: order)
    }
    return statistics
  }

  private static func closest(to length: Int, in lengths: [Int]) -> Int {
    var best = lengths[0]
    for candidate in lengths {
      let difference = abs(length - candidate)
      let bestDifference = abs(length - best)
      if difference < bestDifference || (difference == bestDifference && candidate < best) { best = candidate }
    }
    return best
  }
}

import Glibc

/// BLEU of order 4 with exponential smoothing, equal to `sacrebleu` 2.6.0.
///
/// Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation" (2002). Any number of references
/// per sample; the reference length is the one closest to the sample's, of two the shorter.
public struct BLEU: Sendable, Hashable {
  /// The largest n-gram.
  public static let order = 4
  /// How text is split into words.
  public var tokenization: BLEUTokenization
  /// Whether case is ignored.
  public var lowercase: Bool

  /// BLEU with the given words; the default is sacrebleu's.
  public init(tokenization: BLEUTokenization = .v13a, lowercase: Bool = false) {
    self.tokenization = tokenization
    self.lowercase = lowercase
  }

  /// Counts one sample against its references.
  ///
  /// - Parameters:
  ///   - sample: The text to judge.
  ///   - references: At least one right text.
  /// - Returns: Counts that add up over samples.
  public func statistics(of sample: String, references: [String]) -> BLEUStatistics {
    precondition(!references.isEmpty, "BLEU needs a reference")
    var words = BLEUWords()
    var texts = TextTable()
    let text = texts.add(sample)
    let numbers = references.map { texts.add($0) }
    var group = BLEUGroup(self)
    group.set(texts, texts.all, &words)
    return group.statistics(samples: [text], references: numbers)[0]
  }

  /// BLEU of all samples together, from 0 to 100.
  ///
  /// - Parameters:
  ///   - samples: The texts to judge.
  ///   - references: For every sample, its right texts.
  /// - Returns: The score of the summed counts.
  public func corpusScore(of samples: [String], references: [[String]]) -> Double {
    precondition(samples.count == references.count, "every sample needs its references")
    var words = BLEUWords()
    var texts = TextTable()
    var group = BLEUGroup(self)
    var sum = BLEUStatistics()
    for (sample, references) in zip(samples, references) {
      texts.removeAll()
      let text = texts.add(sample)
      let numbers = references.map { texts.add($0) }
      group.set(texts, texts.all, &words)
      sum += group.statistics(samples: [text], references: numbers)[0]
    }
    return sum.score(effectiveOrder: false)
  }

  /// BLEU of one sample, with the orders that it has (sacrebleu's `effective_order`), from 0 to 100.
  ///
  /// - Parameters:
  ///   - sample: The text to judge.
  ///   - references: At least one right text.
  /// - Returns: The score.
  public func sentenceScore(of sample: String, references: [String]) -> Double {
    statistics(of: sample, references: references).score(effectiveOrder: true)
  }

  /// Self-BLEU of the texts of one prompt: sentence BLEU of each against all others, from 0 to 100.
  ///
  /// Zhu et al., "Texygen" (2018), with a text never among its own references (there it was).
  /// - Parameter samples: At least two texts.
  /// - Returns: One score a text; their mean is the prompt's Self-BLEU.
  public func selfScores(of samples: [String]) -> [Double] {
    precondition(samples.count > 1, "Self-BLEU needs two samples")
    var words = BLEUWords()
    var texts = TextTable()
    let numbers = samples.map { texts.add($0) }
    var group = BLEUGroup(self)
    group.set(texts, texts.all, &words)
    return group.selfStatistics(samples: numbers).map { $0.score(effectiveOrder: true) }
  }
}

/// The counts that BLEU is computed from; those of a corpus are the sums of those of its samples.
public struct BLEUStatistics: Sendable, Hashable {
  /// Words of the samples.
  public var length = 0
  /// Words of the closest references.
  public var referenceLength = 0
  /// Matched n-grams, by order from 1.
  public var matches: [Int] = [0, 0, 0, 0]
  /// All n-grams of the samples, by order from 1.
  public var totals: [Int] = [0, 0, 0, 0]

  /// No sample.
  public init() {}

  /// Counts in sacrebleu's order, as `values` gives them.
  public init(values: [Double]) {
    precondition(values.count == Self.width, "BLEU has \(Self.width) counts")
    length = Int(values[0])
    referenceLength = Int(values[1])
    matches = values[2..<2 + BLEU.order].map { Int($0) }
    totals = values[(2 + BLEU.order)...].map { Int($0) }
  }

  /// The sum of two counts.
  public static func += (left: inout Self, right: Self) {
    left.length += right.length
    left.referenceLength += right.referenceLength
    for order in 0..<BLEU.order {
      left.matches[order] += right.matches[order]
      left.totals[order] += right.totals[order]
    }
  }

  /// The number of values in `values`.
  static let width = 2 + 2 * BLEU.order

  /// The counts in sacrebleu's order: both lengths, matches, totals.
  public var values: [Double] { ([length, referenceLength] + matches + totals).map(Double.init) }

  /// The score, from 0 to 100.
  ///
  /// - Parameter effectiveOrder: Whether orders that the sample is too short for are left out, as for single
  ///   sentences; a corpus counts all four.
  /// - Returns: Brevity penalty times the geometric mean of the smoothed precisions.
  public func score(effectiveOrder: Bool) -> Double {
    values.withUnsafeBufferPointer { Self.score(of: $0, effectiveOrder: effectiveOrder) }
  }

  /// The score of counts in sacrebleu's order.
  static func score(of values: UnsafeBufferPointer<Double>, effectiveOrder: Bool) -> Double {
    let (length, referenceLength) = (values[0], values[1])
    guard (0..<BLEU.order).contains(where: { values[2 + $0] > 0 }) else { return 0 }
    let brevity = length < referenceLength ? (length > 0 ? exp(1 - referenceLength / length) : 0) : 1
    var smoothing = 1.0
    var logarithms = 0.0
    var orders = effectiveOrder ? 0 : BLEU.order
    for order in 0..<BLEU.order {
      let matches = values[2 + order]
      let total = values[2 + BLEU.order + order]
      if total == 0 {
        // sacrebleu takes −9999999999 for the logarithm of a precision that is 0.
        if !effectiveOrder { return 0 }
        break
      }
      if effectiveOrder { orders = order + 1 }
      if matches == 0 {
        smoothing *= 2
        logarithms += log(100 / (smoothing * total))
      } else {
        logarithms += log(100 * matches / total)
      }
    }
    return brevity * exp(logarithms / Double(orders))
  }
}

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

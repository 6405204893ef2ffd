/// Translation edit rate, equal to `sacrebleu` 2.6.0 with its default settings (Tercom, case ignored).
///
/// Snover et al., "A Study of Translation Edit Rate with Targeted Human Annotation" (2006). The shift search is
/// Tercom's greedy one with its limits, so that the numbers agree with everyone else's.
public struct TranslationEditRate: Sendable, Hashable {
  /// TER; it has no settings.
  public init() {}

  /// The counts of one sample; they add up over samples.
  public struct Statistics: Sendable, Hashable {
    /// Edits and shifts to the reference that needs the fewest.
    public var edits: Double
    /// Mean number of words of the references.
    public var referenceLength: Double

    /// The score, in edits per hundred reference words; it may exceed 100.
    public var score: Double {
      if referenceLength > 0 { return 100 * (edits / referenceLength) }
      return edits > 0 ? 100 : 0
    }
  }

  /// Counts one sample against its references.
  ///
  /// - Parameters:
  ///   - sample: The text to judge.
  ///   - references: At least one right text.
  /// - Returns: Counts that add up over samples.
  public func statistics(of sample: String, references: [String]) -> Statistics {
    precondition(!references.isEmpty, "TER needs a reference")
    var words = BLEUWords()
    var texts = TextTable()
    let text = texts.add(sample)
    let numbers = references.map { texts.add($0) }
    var group = TranslationEditRateGroup()
    group.set(texts, texts.all, &words)
    return group.statistics(samples: [text], references: numbers)[0]
  }
}

/// The words of the texts of one prompt, compared in any combination.
struct TranslationEditRateGroup: ~Copyable {
  private var index = NGramIndex(order: 1)
  private var words = GrowingBuffer<Int32>()
  private var counts = GrowingBuffer<Int32>()
  private var search = ShiftSearch()

  /// Takes the texts of a prompt; from here on they are numbered by their place in `members`.
  mutating func set(_ texts: borrowing TextTable, _ members: [Int], _ table: inout BLEUWords) {
    index.removeAll()
    for text in members {
      words.removeAll()
      table.append(texts[text], tokenization: .none, lowercase: true, to: &words)
      index.add(words.elements)
    }
    counts.extend(to: Int(index.highest) + 1, filling: 0)
  }

  /// The counts of each sample against the same references.
  mutating func statistics(samples: [Int], references: [Int]) -> [TranslationEditRate.Statistics] {
    var best = [Int](repeating: .max, count: samples.count)
    for reference in references {
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = entry.count }
      for (place, sample) in samples.enumerated() where fewestEdits(sample, reference) < best[place] {
        best[place] = min(best[place], search.edits(from: index.words(of: sample), to: index.words(of: reference)))
      }
      for entry in index.entries(of: reference) { counts[Int(entry.number)] = 0 }
    }
    let lengths = references.reduce(0) { $0 + index.length(of: $1) }
    let mean = Double(lengths) / Double(references.count)
    return best.map { TranslationEditRate.Statistics(edits: Double($0), referenceLength: mean) }
  }

  /// A bound from below: shifts change no word, so every word without a partner is at least an edit.
  private func fewestEdits(_ sample: Int, _ reference: Int) -> Int {
    var common: Int32 = 0
    for entry in index.entries(of: sample) { common += min(entry.count, counts[Int(entry.number)]) }
    return max(index.length(of: sample), index.length(of: reference)) - Int(common)
  }
}

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

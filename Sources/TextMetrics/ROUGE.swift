/// Recall-oriented n-gram and subsequence overlap, equal to `rouge-score` 0.1.2.
///
/// Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004), in the rendering of rouge-score: lower
/// case, words are runs of ASCII letters and digits, so a text without any scores 0. Sentences for `rougeLsum` end at
/// line feeds.
public struct ROUGE: Sendable, Hashable {
  /// What is compared.
  public enum Measure: String, Sendable, CaseIterable {
    /// Words.
    case rouge1
    /// Pairs of words.
    case rouge2
    /// The longest common subsequence of the whole texts.
    case rougeL
    /// The union of the longest common subsequences of every reference line with the sample's lines.
    case rougeLsum
  }

  /// Precision, recall and their harmonic mean, each from 0 to 1.
  public struct Score: Sendable, Hashable {
    /// Share of the sample that the reference has.
    public var precision: Double
    /// Share of the reference that the sample has.
    public var recall: Double
    /// Harmonic mean of both, 0 where both are 0.
    public var f1: Double

    /// No overlap.
    static let zero = Score(precision: 0, recall: 0, f1: 0)

    init(precision: Double, recall: Double, f1: Double) {
      self.precision = precision
      self.recall = recall
      self.f1 = f1
    }

    init(hits: Int, sample: Int, reference: Int) {
      precision = Double(hits) / Double(max(sample, 1))
      recall = Double(hits) / Double(max(reference, 1))
      f1 = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }
  }

  /// The four scores of one sample.
  public struct Scores: Sendable, Hashable {
    /// Words.
    public var rouge1: Score
    /// Pairs of words.
    public var rouge2: Score
    /// Longest common subsequence of the whole texts.
    public var rougeL: Score
    /// Longest common subsequence by lines.
    public var rougeLsum: Score

    /// The score of one measure.
    public subscript(measure: Measure) -> Score {
      switch measure {
      case .rouge1: rouge1
      case .rouge2: rouge2
      case .rougeL: rougeL
      case .rougeLsum: rougeLsum
      }
    }

    /// Keeps, for each measure apart, the score with the larger F1; of equals the one that was there.
    mutating func keepBest(_ other: Scores) {
      if other.rouge1.f1 > rouge1.f1 { rouge1 = other.rouge1 }
      if other.rouge2.f1 > rouge2.f1 { rouge2 = other.rouge2 }
      if other.rougeL.f1 > rougeL.f1 { rougeL = other.rougeL }
      if other.rougeLsum.f1 > rougeLsum.f1 { rougeLsum = other.rougeLsum }
    }
  }

  /// Whether words of more than three letters are reduced to their Porter stem.
  public var stemming: Bool

  /// ROUGE with or without stemming.
  public init(stemming: Bool = false) { self.stemming = stemming }

  /// Scores one sample; each measure takes the reference with the best F1.
  ///
  /// - Parameters:
  ///   - sample: The text to judge.
  ///   - references: At least one right text.
  /// - Returns: Precision, recall and F1 of the four measures.
  public func scores(of sample: String, references: [String]) -> Scores {
    precondition(!references.isEmpty, "ROUGE needs a reference")
    var words = ROUGEWords()
    var texts = TextTable()
    let text = texts.add(sample)
    let numbers = references.map { texts.add($0) }
    var group = ROUGEGroup(stemming: stemming)
    group.set(texts, texts.all, &words)
    return group.scores(samples: [text], references: numbers)[0]
  }
}

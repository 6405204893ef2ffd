/// chrF and chrF++, equal to `sacrebleu` 2.6.0.
///
/// Popović, "chrF: character n-gram F-score for automatic MT evaluation" (2015) and "chrF++: words helping character
/// n-grams" (2017): characters to order 6 without white space, β = 2, orders that both texts have; the reference with
/// the best F-score counts.
public struct CharacterFScore: Sendable, Hashable {
  /// The largest character n-gram.
  public static let characterOrder = 6
  /// The largest word n-gram: 0 for chrF, 2 for chrF++.
  public var wordOrder: Int { withWords ? 2 : 0 }
  /// Whether word n-grams count too, as in chrF++.
  public var withWords: Bool

  /// chrF, or chrF++ with words.
  public init(withWords: Bool = false) { self.withWords = withWords }

  /// The number of orders.
  var orders: Int { Self.characterOrder + wordOrder }
  /// The number of values in the statistics.
  var width: Int { 3 * orders }

  /// Counts one sample against the reference that suits it best.
  ///
  /// - Parameters:
  ///   - sample: The text to judge.
  ///   - references: At least one right text.
  /// - Returns: For every order the n-grams of the sample, of the reference, and of both; they add up over samples.
  public func statistics(of sample: String, references: [String]) -> [Double] {
    precondition(!references.isEmpty, "chrF needs a reference")
    var texts = TextTable()
    let text = texts.add(sample)
    let numbers = references.map { texts.add($0) }
    var group = CharacterFScoreGroup()
    var table = WordTable()
    group.set(texts, texts.all, &table)
    let best = group.statistics(samples: [text], references: numbers)[0]
    return withWords ? best.withWords : best.charactersOnly
  }

  /// The score of summed counts, from 0 to 100.
  ///
  /// - Parameter statistics: Counts as `statistics(of:references:)` gives them, or their sum.
  /// - Returns: The F-score of mean precision and mean recall over the orders that both sides have.
  public func score(_ statistics: [Double]) -> Double {
    statistics.withUnsafeBufferPointer { Self.score(of: $0) }
  }

  static func score(of values: UnsafeBufferPointer<Double>) -> Double {
    var precision = 0.0
    var recall = 0.0
    var orders = 0
    for order in 0..<values.count / 3 {
      let (sample, reference, matches) = (values[3 * order], values[3 * order + 1], values[3 * order + 2])
      if sample > 0, reference > 0 {
        precision += matches / sample
        recall += matches / reference
        orders += 1
      }
    }
    guard orders > 0 else { return 0 }
    precision /= Double(orders)
    recall /= Double(orders)
    guard precision + recall != 0 else { return 0 }
    return 100 * (5 * precision * recall / (4 * precision + recall))
  }
}

public import Records
public import Transformers

extension LanguageModel {
  /// The mean of v over the completion tokens of the first rows: the level that a model's logits happen to sit at.
  ///
  /// Subtracting it from all logits leaves every probability as it is and lets the TD term start near 0
  /// (imitation.md §1.4).
  ///
  /// - Parameters:
  ///   - rows: The training rows.
  ///   - count: How many of them, from the first.
  /// - Returns: The level to subtract, what the model subtracts already included.
  public func meanLevel(of rows: TokenRows, first count: Int) -> Float {
    var sums = ObjectiveSums()
    let objective = ModelObjective(.maximumLikelihood(), vocabulary: vocabularySize)
    for group in rows.groups(ofTokens: 4096) where group.lowerBound < count {
      let batch = RaggedBatch(rows, group.prefix { $0 < count }, endTokens: endTokens)
      sums.add(objective.sums(of: evaluate(batch)))
    }
    return Float(Double(levelOffset) + sums.perToken(\.value))
  }
}

public import Records

/// A row that a model can't read or learn from.
public struct UnfitRow: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with it.
  public enum Reason: Sendable, Hashable {
    /// More tokens than the model's context holds.
    case tooLong(tokens: Int, context: Int)
    /// A token id that the model's vocabulary does not have.
    case unknownToken(Int32, vocabulary: Int)
    /// No prompt token to predict from.
    case emptyPrompt
    /// No completion token to learn from.
    case emptyCompletion
  }

  /// The row's id.
  public var id: String
  /// What is wrong with it.
  public var reason: Reason

  /// An error about a row.
  public init(id: String, _ reason: Reason) {
    self.id = id
    self.reason = reason
  }

  /// One sentence that names the row.
  public var description: String {
    switch reason {
    case .tooLong(let tokens, let context):
      "row \(id) has \(tokens) tokens, the model's context is \(context); let tokenize drop or cut such rows "
        + "(max_length, overflow), or take a model with a longer context"
    case .unknownToken(let token, let vocabulary):
      "row \(id) has token \(token), the model's vocabulary is \(vocabulary); tokens and model belong to different "
        + "tokenizers"
    case .emptyPrompt: "row \(id) has no prompt token"
    case .emptyCompletion: "row \(id) has no completion token to learn from"
    }
  }

  /// Throws what is wrong with a row, if anything is.
  ///
  /// - Parameters:
  ///   - id: The row's id.
  ///   - tokens: Prompt and completion.
  ///   - context: The longest sequence that the model reads.
  ///   - vocabulary: How many tokens the model knows.
  /// - Throws: `UnfitRow`.
  public static func check(id: String, _ tokens: some Collection<Int32>, context: Int, vocabulary: Int) throws(UnfitRow)
  {
    if tokens.count > context { throw UnfitRow(id: id, .tooLong(tokens: tokens.count, context: context)) }
    if let token = tokens.first(where: { $0 < 0 || $0 >= vocabulary }) {
      throw UnfitRow(id: id, .unknownToken(token, vocabulary: vocabulary))
    }
  }
}

extension TokenRows {
  /// Checks that a model can learn from every row.
  ///
  /// - Parameters:
  ///   - context: The longest sequence that the model reads.
  ///   - vocabulary: How many tokens the model knows.
  /// - Throws: `UnfitRow` for the first that is too long, has an unknown token, or nothing to learn.
  public func check(context: Int, vocabulary: Int) throws(UnfitRow) {
    for index in 0..<count {
      try UnfitRow.check(id: ids[index], row(index), context: context, vocabulary: vocabulary)
      if completion(index).isEmpty { throw UnfitRow(id: ids[index], .emptyCompletion) }
    }
  }
}

public import Records
public import Transformers

extension RaggedBatch {
  /// Rows of a tokens artifact; a completion whose last token is none of `endTokens` counts as cut off.
  ///
  /// - Parameters:
  ///   - rows: All rows.
  ///   - indices: Which of them, in order.
  ///   - endTokens: The tokens that end a text.
  public init(_ rows: TokenRows, _ indices: some Sequence<Int>, endTokens: [Int32]) {
    self.init()
    for index in indices {
      append(
        rows.row(index), promptLength: rows.promptLengths[index],
        isTerminal: rows.isTerminal(index, endTokens: endTokens))
    }
  }
}

extension TokenRows {
  /// Whether a row's completion ends with an end token; an empty completion has no row that could be anything else.
  public func isTerminal(_ index: Int, endTokens: [Int32]) -> Bool {
    let completion = completion(index)
    return completion.last.map(endTokens.contains) ?? true
  }

  /// The share of rows whose completion ends with an end token, the only anchor of the logits' level.
  public func terminalShare(endTokens: [Int32]) -> Double {
    let terminal = (0..<count).count { !completion($0).isEmpty && isTerminal($0, endTokens: endTokens) }
    return count == 0 ? 0 : Double(terminal) / Double(count)
  }

  /// Cuts rows, in file order, into groups of about `tokens` tokens: the same whatever the batches of training.
  public func groups(ofTokens tokens: Int) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var first = 0
    for index in 0..<count where offsets[index + 1] - offsets[first] >= tokens || index == count - 1 {
      groups.append(first..<index + 1)
      first = index + 1
    }
    return groups
  }
}

import Records

/// Which token a training teaches the model to end with, and the model's end tokens with it first.
///
/// The rows say it: it is the end token of model or tokenizer that ends most of them. One that the tokenizer names and the
/// model does not is taken over, since what is learned would end no text otherwise.
struct LearnedEndToken {
  /// The model's end tokens, the learned one first.
  var endTokens: [Int32]
  /// A sentence where the model's own files said something else.
  var note: String?

  /// Finds it.
  ///
  /// - Parameters:
  ///   - rows: The train split.
  ///   - own: The end tokens that the model's files name.
  ///   - tokenizer: The end token of the tokenizer beside the model, if it is known.
  init(of rows: TokenRows, _ own: [Int32], tokenizer: Int32?) {
    endTokens = own
    var counts: [Int32: Int] = [:]
    for row in 0..<rows.count {
      if let last = rows.completion(row).last { counts[last, default: 0] += 1 }
    }
    // The order decides between equals, so that nothing is left to chance.
    let candidates = own + [tokenizer].compactMap { $0 }.filter { !own.contains($0) }
    let learned = candidates.enumerated().max { left, right in
      let (first, second) = (counts[left.element] ?? 0, counts[right.element] ?? 0)
      return first == second ? left.offset > right.offset : first < second
    }
    if let learned = learned?.element, let count = counts[learned] {
      endTokens = [learned] + own.filter { $0 != learned }
      if !own.contains(learned) {
        note =
          "\(count) of \(rows.count) train rows end with token \(learned), the tokenizer's end token, which the model does "
          + "not name (\(own)); it is taken over as the model's first end token"
      }
      return
    }
    guard let (token, count) = counts.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) }) else { return }
    note =
      "no train row ends with an end token of the model (\(own)), so it does not learn to end; \(count) of \(rows.count) "
      + "rows end with token \(token); tokenize with the model's tokenizer, or name that token as eos_token_id"
  }
}

import Records

/// Prompts that stand in two splits.
enum PromptOverlap {
  /// A sentence for each pair of splits that share prompts.
  ///
  /// - Parameter splits: Splits in order, each with the keys of its rows' prompts.
  /// - Returns: The sentences.
  static func sentences(_ splits: [(split: Split, prompts: [TextKey])]) -> [String] {
    var sentences: [String] = []
    for (index, earlier) in splits.enumerated() {
      for later in splits[(index + 1)...] {
        // The later split is the smaller one as a rule.
        let wanted = Set(later.prompts)
        let shared = Set(earlier.prompts.lazy.filter { wanted.contains($0) })
        guard let first = later.prompts.firstIndex(where: { shared.contains($0) }) else { continue }
        let count = later.prompts.count { shared.contains($0) }
        sentences.append(
          "\(count) of \(later.prompts.count) prompts of \(later.split.rawValue) stand in "
            + "\(earlier.split.rawValue) too, \(later.split.rawValue)-\(first) first")
      }
    }
    return sentences
  }
}

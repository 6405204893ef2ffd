import Records

/// Prompts that stand in two splits.
enum PromptOverlap {
  /// A sentence for each pair of splits that share prompts.
  static func sentences(_ splits: [(split: Split, rows: [DatasetRow])]) -> [String] {
    var sentences: [String] = []
    for (index, earlier) in splits.enumerated() where index + 1 < splits.count {
      let prompts = Set(earlier.rows.map { Array($0.prompt.utf8) })
      for (split, rows) in splits[(index + 1)...] {
        let shared = rows.filter { prompts.contains(Array($0.prompt.utf8)) }
        guard let first = shared.first else { continue }
        sentences.append(
          "\(shared.count) of \(rows.count) prompts of \(split.rawValue) stand in \(earlier.split.rawValue) too, "
            + "\(first.id) first")
      }
    }
    return sentences
  }
}

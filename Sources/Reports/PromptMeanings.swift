import Records

/// What ids stand for in the samples of several cells: one id has one prompt and one list of references.
struct PromptMeanings {
  private struct Member: Hashable {
    var place: Int
    var name: String
  }

  /// By place and by what of the prompt is meant, each with the first scores whose samples say it.
  private var known: [Member: (hash: ContentHash, label: String)] = [:]

  /// Holds the prompts of a cell against those before it.
  ///
  /// - Parameters:
  ///   - prompts: What its prompts are, by place.
  ///   - label: The cell's scores.
  ///   - ids: The ids by place.
  /// - Throws: `ReportError.otherPrompts`.
  mutating func add(_ prompts: [Int: CellFacts.Prompt], of label: String, _ ids: [String]) throws(ReportError) {
    for place in prompts.keys.sorted() {
      for (name, hash) in [("prompt", prompts[place]?.text), ("references", prompts[place]?.references)] {
        guard let hash else { continue }
        let member = Member(place: place, name: name)
        guard let first = known[member] else {
          known[member] = (hash, label)
          continue
        }
        guard first.hash == hash else {
          throw ReportError.otherPrompts(label: label, first: first.label, id: ids[place], what: name)
        }
      }
    }
  }
}

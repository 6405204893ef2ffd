import Records

/// What ids stand for in the samples of several cells: one id has one prompt and one list of references.
struct PromptMeanings {
  private var known: [Int: (facts: CellFacts.Prompt, label: String)] = [:]

  /// Holds the prompts of a cell against those before it.
  ///
  /// - Parameters:
  ///   - prompts: What its prompts are, by place.
  ///   - label: The cell's scores.
  ///   - ids: The ids by place.
  /// - Throws: `ReportError.otherPrompts`.
  mutating func add(_ prompts: [Int: CellFacts.Prompt], of label: String, _ ids: [String]) throws(ReportError) {
    for place in prompts.keys.sorted() {
      guard let own = prompts[place] else { continue }
      guard var first = known[place] else {
        known[place] = (own, label)
        continue
      }
      for (what, its, mine) in [
        ("prompt", first.facts.text, own.text), ("references", first.facts.references, own.references),
      ] {
        guard let its, let mine, its != mine else { continue }
        throw ReportError.otherPrompts(label: label, first: first.label, id: ids[place], what: what)
      }
      if first.facts.text == nil { first.facts.text = own.text }
      if first.facts.references == nil { first.facts.references = own.references }
      known[place] = first
    }
  }
}

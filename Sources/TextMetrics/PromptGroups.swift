/// Samples grouped by prompt, their texts and those of their references numbered.
final class PromptGroups {
  /// Distinct samples of a prompt that have the same references.
  struct Bundle {
    /// References, numbered within the prompt.
    var references: [Int]
    /// Distinct samples, numbered within the prompt.
    var samples: [Int] = []
    /// For every row, the place of its text in `samples`.
    var rows: [(row: Int, place: Int)] = []
  }

  /// One prompt.
  struct Prompt {
    var id: String
    /// Its rows, in their order.
    var rows: [Int] = []
    /// Its distinct texts, as numbers of the table.
    var texts: [Int] = []
    /// For every row, the text, numbered within the prompt.
    var sampleTexts: [Int] = []
    var bundles: [Bundle] = []
  }

  private(set) var texts = TextTable()
  /// Prompts in the order in which their ids are first seen.
  private(set) var prompts: [Prompt] = []
  let rowCount: Int
  /// For every text, the last prompt that had it and its number there.
  private var places: [(prompt: Int, place: Int)] = []

  /// Groups samples by id, compared by bytes.
  init(_ samples: [ScoredSample]) {
    rowCount = samples.count
    var ids = TextTable()
    for (row, sample) in samples.enumerated() {
      let number = ids.add(sample.id)
      if number == prompts.count { prompts.append(Prompt(id: sample.id)) }
      prompts[number].rows.append(row)
    }
    for number in prompts.indices { fill(number, samples) }
  }

  private func fill(_ number: Int, _ samples: [ScoredSample]) {
    var prompt = prompts[number]
    for row in prompt.rows {
      let text = place(samples[row].text, in: number, &prompt)
      prompt.sampleTexts.append(text)
      if samples[row].references.isEmpty { continue }
      let references = samples[row].references.map { place($0, in: number, &prompt) }
      let bundle = prompt.bundles.firstIndex { $0.references == references } ?? prompt.bundles.count
      if bundle == prompt.bundles.count { prompt.bundles.append(Bundle(references: references)) }
      let known = prompt.bundles[bundle].samples.firstIndex(of: text) ?? prompt.bundles[bundle].samples.count
      if known == prompt.bundles[bundle].samples.count { prompt.bundles[bundle].samples.append(text) }
      prompt.bundles[bundle].rows.append((row, known))
    }
    prompts[number] = prompt
  }

  /// The number of a text within a prompt, new or known.
  private func place(_ text: String, in number: Int, _ prompt: inout Prompt) -> Int {
    let text = texts.add(text)
    if text == places.count { places.append((-1, 0)) }
    if places[text].prompt != number {
      places[text] = (number, prompt.texts.count)
      prompt.texts.append(text)
    }
    return places[text].place
  }

  /// Counts every bundle and gives each row the value of its text.
  ///
  /// - Parameters:
  ///   - prepare: Called before the bundles of a prompt.
  ///   - count: One value for each of the bundle's distinct samples.
  /// - Returns: A value a row; nil for rows without references.
  func map<Value>(prepare: (Prompt) -> Void = { _ in }, count: (Bundle) -> [Value]) -> [Value?] {
    var result = [Value?](repeating: nil, count: rowCount)
    for prompt in prompts where !prompt.bundles.isEmpty {
      prepare(prompt)
      for bundle in prompt.bundles {
        let values = count(bundle)
        for (row, place) in bundle.rows { result[row] = values[place] }
      }
    }
    return result
  }
}

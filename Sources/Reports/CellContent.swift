import CanonicalJSON
import Records

/// What scores say of single samples, read once and kept small: prompts in their order, each with its samples.
struct CellContent: Sendable {
  /// One prompt's samples in the order of the file.
  struct Prompt: Sendable {
    var samples: [Sample] = []
    /// What adds up to corpus BLEU over the samples: both lengths, matches and totals of 1- to 4-grams; nil where one
    /// of the samples lacks it.
    var bleu: [Double]? = [Double](repeating: 0, count: 10)
  }

  /// The numbers of one sample.
  struct Sample: Sendable {
    var number: Int
    var quality: Double?
    var selfBLEU: Double?
    var entropy: Double?
    var length: Double?
    var `return`: Double?
  }

  /// The ids in the order in which they are first seen.
  private(set) var ids: [String] = []
  /// Whether samples have the metric of quality itself, not its sentence form alone.
  private(set) var hasOwnQuality = false
  private var places: [TextBytes: Int] = [:]
  private var prompts: [Prompt] = []

  /// Reads the examples of scores.
  ///
  /// - Parameters:
  ///   - scores: The scores.
  ///   - quality: The metric that stands for quality.
  ///   - diversity: The name of Self-BLEU, or nil.
  /// - Throws: `ReportError.sampleTwice`, and what reading throws.
  init(_ scores: ScoresInput, quality: Quality, diversity: String?) throws {
    try scores.forEachExample { example in
      let place = place(of: example.id)
      // Corpus BLEU is made anew of what adds up to it.
      let own = quality.isCorpus ? nil : example[quality.metric]
      if own != nil { hasOwnQuality = true }
      prompts[place].samples.append(
        Sample(
          number: example.sample, quality: own ?? example[quality.sampleMetric],
          selfBLEU: diversity.flatMap { example[$0] },
          entropy: example["entropy"], length: example["length"], return: example["return"]))
      let counts = example.values["bleu_statistics"]?.array?.compactMap(\.number)
      guard let counts, counts.count == 10, let sums = prompts[place].bleu else {
        prompts[place].bleu = nil
        return
      }
      for column in sums.indices { prompts[place].bleu?[column] += counts[column] }
    }
    for (place, prompt) in prompts.enumerated() {
      let numbers = prompt.samples.map(\.number).sorted()
      if let twice = zip(numbers, numbers.dropFirst()).first(where: { $0 == $1 })?.0 {
        throw ReportError.sampleTwice(label: scores.provenance.label, id: ids[place], sample: twice)
      }
    }
  }

  private mutating func place(of id: String) -> Int {
    if let last = ids.indices.last, ids[last].hasSameBytes(as: id) { return last }
    if let known = places[TextBytes(id)] { return known }
    places[TextBytes(id)] = ids.count
    ids.append(id)
    prompts.append(Prompt())
    return ids.count - 1
  }

  /// Whether there is any sample.
  var isEmpty: Bool { ids.isEmpty }

  /// Whether a prompt is there.
  func contains(_ id: String) -> Bool { places[TextBytes(id)] != nil }

  /// A prompt, or nil.
  subscript(id: String) -> Prompt? { places[TextBytes(id)].map { prompts[$0] } }

  /// By what the same numbers of the same samples are told from others; nil where there are none.
  var fingerprint: CellFingerprint? { isEmpty ? nil : CellFingerprint(ids, prompts) }
}

import Records

/// By what the same numbers of the same samples are told from others, a measure at a time.
///
/// Scores of the same samples differ in what was measured, with and without rewards, and in settings such as a seed that
/// had no effect; what both measured is equal.
struct CellFingerprint: Sendable {
  private let samples: ContentHash
  private var measures: [ContentHash?] = []

  /// The numbers of samples, prompt by prompt.
  init(_ ids: [String], _ prompts: [CellContent.Prompt]) {
    var samples = ContentHash()
    for (id, prompt) in zip(ids, prompts) {
      samples.add(text: id)
      for sample in prompt.samples { samples.add(UInt64(bitPattern: Int64(sample.number))) }
    }
    self.samples = samples
    let numbers: [(CellContent.Sample) -> Double?] = [
      { $0.quality }, { $0.selfBLEU }, { $0.entropy }, { $0.length }, { $0.return },
    ]
    for number in numbers {
      var hash: ContentHash?
      for prompt in prompts {
        for sample in prompt.samples {
          guard let value = number(sample) else { continue }
          if hash == nil { hash = ContentHash() }
          hash?.add(UInt64(bitPattern: Int64(sample.number)))
          hash?.add(value)
        }
      }
      measures.append(hash)
    }
  }

  /// Whether the samples have the same numbers and all that both measured is equal; something must be.
  func isSame(as other: CellFingerprint) -> Bool {
    guard samples == other.samples else { return false }
    var isAny = false
    for case (let own?, let its?) in zip(measures, other.measures) {
      if own != its { return false }
      isAny = true
    }
    return isAny
  }
}

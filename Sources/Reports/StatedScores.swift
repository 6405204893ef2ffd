import Records
import TextMetrics

/// Values of `scores.json` that the samples beside it must come to.
struct StatedScores {
  private let scores: ScoresInput

  init(_ scores: ScoresInput) { self.scores = scores }

  /// Holds a value against what its samples come to; nil stands for samples that do not say.
  ///
  /// A value that was rounded for writing is equal, and so is one of samples that were.
  /// - Throws: `ReportError.otherExamples`.
  func check(_ metric: String, against found: Double?) throws(ReportError) {
    guard let found, found.isFinite, let stated = scores.file[metric]?.value, stated.isFinite else { return }
    let tolerance = Self.rounding(of: stated) + 1e-3 * max(1, abs(stated))
    guard abs(stated - found) > tolerance else { return }
    throw ReportError.otherExamples(
      label: scores.provenance.label, metric: metric, stated: "\(stated)", found: Format.plain(found, 4))
  }

  /// Half a unit of a number's last decimal, 0 for one that has all of them.
  private static func rounding(of value: Double) -> Double {
    let parts = "\(value)".utf8.split(separator: UInt8(ascii: "."))
    guard parts.count == 2, !"\(value)".utf8.contains(UInt8(ascii: "e")) else { return 0 }
    let decimals = parts[1].elementsEqual("0".utf8) ? 0 : parts[1].count
    return (0..<decimals).reduce(0.5) { unit, _ in unit / 10 }
  }
}

extension CellContent {
  /// Refuses scores whose samples come to other values: one of the two files is of other samples.
  ///
  /// - Throws: `ReportError.otherExamples`.
  func check(_ scores: ScoresInput, quality: Quality, diversity: String?) throws(ReportError) {
    guard !isEmpty else { return }
    let stated = StatedScores(scores)
    let prompts = ids.compactMap { self[$0] }
    if quality.isCorpus {
      try stated.check(quality.metric, against: Self.bleu(prompts))
    } else if quality.isMean, hasOwnQuality {
      try stated.check(quality.metric, against: Self.mean(prompts.flatMap { $0.samples.compactMap(\.quality) }))
    }
    if let diversity {
      let means = prompts.compactMap { Self.mean($0.samples.compactMap(\.selfBLEU)) }
      try stated.check(diversity, against: Self.mean(means))
    }
    try stated.check("length", against: Self.mean(prompts.flatMap { $0.samples.compactMap(\.length) }))
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  private static func bleu(_ prompts: [Prompt]) -> Double? {
    var sum = [Double](repeating: 0, count: 10)
    for prompt in prompts {
      guard let counts = prompt.bleu else { return nil }
      for column in sum.indices { sum[column] += counts[column] }
    }
    // What no count of words reaches is none.
    guard sum.allSatisfy({ $0 < 1e15 }) else { return nil }
    return sum.withUnsafeBufferPointer { ScoredCell.corpusBLEU($0) }
  }
}

import TextMetrics

/// The right answers themselves as a row: how good and how diverse people are by the same measures.
enum ReferenceRow {
  /// Prompts with enough references below which the row would say nothing.
  static let leastPrompts = 5

  /// The row, where prompts have several references.
  ///
  /// Quality of a metric of overlap is leave-one-out: each reference against the prompt's others. A reference is
  /// right by definition, so a share of right answers is 100 %.
  static func make(_ comparison: Comparison) -> ResultRow? {
    let references = comparison.ids.indices.map { comparison.references[$0] ?? [] }
    guard references.count(where: { $0.count > 1 }) >= leastPrompts else { return nil }
    var values: [Column: Estimate] = [:]
    let bleu = BLEU()
    if let k = comparison.samplesPerPrompt {
      let rows = references.map { texts -> (sum: Double, count: Double) in
        guard texts.count >= k, k > 1 else { return (0, 0) }
        let scores = bleu.selfScores(of: spread(texts, k))
        return (scores.reduce(0, +) / Double(scores.count), 1)
      }
      if rows.count(where: { $0.count > 0 }) >= leastPrompts {
        values[.diversity] = comparison.estimate([Measure.mean(rows)])
      }
    }
    if comparison.quality.isShare {
      values[.quality] = Estimate(value: 1)
    } else if comparison.quality.isCorpus {
      values[.quality] = comparison.estimate([leaveOneOut(references, bleu)])
    }
    let least = references.map(\.count).min() ?? 0
    let greatest = references.map(\.count).max() ?? 0
    return ResultRow(
      kind: .references, name: "References", temperature: "—", values: values,
      provenance: "\(least)–\(greatest) references a prompt, each against the others")
  }

  /// `count` of the texts, evenly spaced in their order.
  static func spread(_ texts: [String], _ count: Int) -> [String] {
    (0..<count).map { texts[$0 * texts.count / count] }
  }

  private static func leaveOneOut(_ references: [[String]], _ bleu: BLEU) -> Measure {
    var rows: [[Double]] = []
    for texts in references {
      var sum = BLEUStatistics()
      if texts.count > 1 {
        for place in texts.indices {
          var others = texts
          let own = others.remove(at: place)
          sum += bleu.statistics(of: own, references: others)
        }
      }
      rows.append(sum.values)
    }
    return Measure(rows: rows) { ScoredCell.corpusBLEU($0) }
  }
}

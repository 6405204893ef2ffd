/// The words and numbers of the table, the same on the page, on the terminal and in files.
struct TableText: Sendable {
  /// What stands behind the name of an arm that was not trained as the first one was.
  static let mark = "†"

  let comparison: Comparison
  let table: ResultTable
  /// Arms that were trained on other terms.
  let marked: [Arm]

  /// The name of a row.
  func name(_ row: ResultRow) -> String {
    guard row.kind == .sampled, let arm = row.arm, marked.contains(arm) else { return row.name }
    return row.name + " " + Self.mark
  }

  /// A value with half its interval: `71.2 ± 2.1`.
  static func cell(_ estimate: Estimate, _ decimals: Int) -> String {
    let value = Format.fixed(estimate.value, decimals)
    return estimate.halfWidth.map { "\(value) ± \(Format.fixed($0, decimals))" } ?? value
  }

  /// The heading of a column; correlations name what is correlated.
  func heading(_ column: Column) -> String {
    switch column {
    case .quality: "\(comparison.quality.heading) \(comparison.quality.arrow)"
    case .diversity: "Self-BLEU@\(comparison.samplesPerPrompt ?? 0) ↓"
    case .entropy: "entropy"
    case .length: "length"
    case .returnCorrelation: "return~\(comparison.quality.word) ρ \(comparison.quality.arrow)"
    case .logProbabilityCorrelation: "(log p)"
    }
  }

  /// What a heading means, for hovering.
  func explanation(_ column: Column) -> String {
    switch column {
    case .quality:
      switch comparison.quality.metric {
      case "exact_match": "share of samples that equal one of the prompt's references byte for byte"
      case "accuracy": "share of samples whose answer equals the reference's"
      default: "\(comparison.quality.metric) over all samples, as scores.json names it"
      }
    case .diversity: "sentence BLEU of each sample against the prompt's others; lower is more diverse"
    case .entropy: "nats per token, at temperature 1"
    case .length: "tokens a sample, the end token included"
    case .returnCorrelation:
      "Spearman's ρ of a sample's summed reward with its \(comparison.comparedQuality.word), over all samples"
    case .logProbabilityCorrelation: "the same of log p, which needs no reward"
    }
  }

  /// A value as its column prints it.
  func text(_ estimate: Estimate, _ column: Column) -> (value: String, half: String?) {
    switch column {
    case .quality:
      let scaled = estimate.scaled(by: comparison.quality.scale)
      return (
        Format.fixed(scaled.value, comparison.quality.decimals),
        scaled.halfWidth.map { Format.fixed($0, comparison.quality.decimals) }
      )
    case .diversity, .length: return (Format.fixed(estimate.value, 1), estimate.halfWidth.map { Format.fixed($0, 1) })
    case .entropy: return (Format.fixed(estimate.value, 2), estimate.halfWidth.map { Format.fixed($0, 2) })
    case .returnCorrelation, .logProbabilityCorrelation:
      return (Format.correlation(estimate.value), estimate.halfWidth.map { Format.correlation($0) })
    }
  }

  /// What was run: `500 test prompts × 8 samples, 1 seed`.
  var scope: String {
    guard !comparison.ids.isEmpty else {
      return "Scores without those of single samples, \(seeds)"
    }
    let split = comparison.split.isEmpty ? "" : comparison.split + " "
    let counts = Set(comparison.groups.flatMap(\.cells).map(\.leastSamples).filter { $0 > 1 })
    let samples = counts.count == 1 ? counts.first ?? 1 : comparison.samplesPerPrompt ?? 1
    return "\(Format.count(comparison.ids.count)) \(split)prompt\(comparison.ids.count == 1 ? "" : "s") × "
      + "\(Format.count(samples, "sample")), \(seeds)"
  }

  /// How many seeds arms have: `3 seeds`, `1 to 3 seeds`.
  private var seeds: String {
    let (least, most) = (comparison.leastSeedCount, comparison.seedCount)
    return (least < most ? "\(Format.count(least)) to " : "") + Format.count(most, "seed")
  }

  /// What ± means.
  var interval: String {
    let (least, most) = (comparison.leastSeedCount, comparison.seedCount)
    if most == 1 { return "± is a 95 % bootstrap interval over prompts" }
    if least == 1 { return "± is a 95 % t interval over seeds, a bootstrap over prompts where an arm has one seed" }
    return "± is a 95 % t interval over \(least < most ? "\(least) to " : "")\(most) seeds"
  }

  /// The table for a terminal.
  var terminal: String {
    // Length and its like are left to the page.
    let columns = table.columns.filter { $0 != .length }
    var lines = [["", "T"] + columns.map(heading)]
    for row in table.rows {
      var cells = [name(row), row.temperature]
      for (place, column) in columns.enumerated() {
        if let note = row.note {
          cells.append(place == 0 ? note : "")
          continue
        }
        let isShort = column == .entropy || column == .logProbabilityCorrelation
        cells.append(
          row.values[column].map { estimate in
            let (value, half) = text(estimate, column)
            return half.flatMap { isShort ? nil : "\(value) ± \($0)" } ?? value
          } ?? "—")
      }
      lines.append(cells)
    }
    return TerminalLayout.aligned(lines).joined(separator: "\n")
  }
}

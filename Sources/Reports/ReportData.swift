import Records

/// The tables and series of a report as CSV, for whoever draws them anew.
struct ReportData {
  let comparison: Comparison
  let table: ResultTable
  let correlations: [(predictor: Predictor, group: SeedGroup, across: Estimate?, within: Estimate?)]
  let curves: [CurvesInput]
  let training: TrainingTable
  let warnings: [String]

  /// Name and content of every file.
  var files: [(name: String, content: String)] {
    [
      ("table.csv", tableFile), ("front.csv", frontFile), ("matched.csv", matchedFile),
      ("correlations.csv", correlationFile), ("curves.csv", curveFile), ("training.csv", trainingFile),
      ("warnings.csv", lines([["warning"]] + warnings.map { [$0] })),
    ]
  }

  private func lines(_ rows: [[String]]) -> String {
    rows.map { $0.map(Self.field).joined(separator: ",") + "\n" }.joined()
  }

  /// A field, quoted where RFC 4180 asks for it; what a spreadsheet would take for a formula gets a quote mark first.
  static func field(_ text: String) -> String {
    let isFormula = text.utf8.first.map { "=+@\t\r".utf8.contains($0) } ?? false
    let safe = isFormula ? "'" + text : text
    guard safe.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return safe }
    return "\"" + safe.replacingQuotes + "\""
  }

  private static func number(_ value: Double?) -> String { value.map { Format.plain($0, 6) } ?? "" }

  private static func triple(_ estimate: Estimate?, _ scale: Double = 1) -> [String] {
    let scaled = estimate?.scaled(by: scale)
    return [number(scaled?.value), number(scaled?.low), number(scaled?.high)]
  }

  private var columnNames: [String] {
    Column.allCases.flatMap { column -> [String] in
      let name = name(of: column)
      return [name, name + "_low", name + "_high"]
    }
  }

  private func name(of column: Column) -> String {
    switch column {
    case .quality: comparison.quality.metric
    case .diversity: "self_bleu@\(comparison.samplesPerPrompt ?? 0)"
    case .entropy: "entropy"
    case .length: "length"
    case .returnCorrelation: "spearman_return"
    case .logProbabilityCorrelation: "spearman_log_p"
    }
  }

  private var tableFile: String {
    let rows = table.rows.map { row in
      [row.name, row.temperature, row.note ?? ""] + Column.allCases.flatMap { Self.triple(row.values[$0]) }
    }
    return lines([["arm", "T", "note"] + columnNames] + rows)
  }

  private var frontFile: String {
    let rows = comparison.groups.map { group in
      let row = ResultTable.row(group, comparison)
      let seeds = group.cells.compactMap(\.identity.seed).joined(separator: " ")
      return [comparison.name(group.arm), group.arm.strength, group.sampling.text, seeds]
        + Column.allCases.flatMap { Self.triple(row.values[$0]) }
        + ["\(comparison.ids.count)", "\(group.cells.first?.leastSamples ?? 0)"]
    }
    return lines([["arm", "strength", "T", "seeds"] + columnNames + ["n_prompts", "n_samples"]] + rows)
  }

  private var matchedFile: String {
    let rows = table.contrasts.map { arm, contrast -> [String] in
      var difference: Estimate?
      var outcome = "no grid"
      switch contrast.equalQuality {
      case .difference(let estimate, let way):
        difference = estimate
        outcome = estimate.isDecided ? "decided" : "undecided"
        if way != .baseline { outcome += way == .arm ? ", arm matched" : ", both matched" }
      case .outOfReach: outcome = "not reached"
      case .identical: outcome = "identical"
      case .copies: outcome = "copies"
      case .repeated: outcome = "temperatures repeated"
      case .unpaired: outcome = "seeds not paired"
      case .notMeasured: outcome = "not measured"
      case .noGrid: break
      }
      return [comparison.name(arm)] + Self.triple(contrast.equalTemperature.diversity)
        + Self.triple(contrast.equalTemperature.quality) + Self.triple(difference)
        + [Self.number(table.matches[arm]?.read.first?.temperature), outcome]
    }
    let heads = ["diversity_at_equal_t", "quality_at_equal_t", "diversity_at_equal_quality"]
    return lines(
      [["arm"] + heads.flatMap { [$0, $0 + "_low", $0 + "_high"] } + ["matched_t", "outcome"]] + rows)
  }

  private var correlationFile: String {
    let rows = correlations.map { item in
      [comparison.name(item.group.arm), item.group.sampling.text, item.predictor.name] + Self.triple(item.across)
        + Self.triple(item.within)
    }
    let heads = ["rho", "rho_within"].flatMap { [$0, $0 + "_low", $0 + "_high"] }
    return lines([["arm", "T", "predictor"] + heads] + rows)
  }

  private var trainingFile: String {
    lines([["of"] + training.entries.map(\.name)] + training.rows.map { [$0.name] + $0.values })
  }

  private var curveFile: String {
    var rows = [["curve", "step", "split", "loss", "mle", "td", "entropy"]]
    for curve in curves {
      for row in curve.rows {
        rows.append(
          [curve.provenance.label, "\(row.step)", row.split.rawValue]
            + [row.loss, row.mle, row.td, row.entropy].map { Self.number($0) })
      }
    }
    return lines(rows)
  }
}

extension String {
  fileprivate var replacingQuotes: String {
    utf8.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\"\"")
  }
}

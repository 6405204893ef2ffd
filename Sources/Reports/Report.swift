/// A comparison of arms as one HTML page, CSV tables and a few lines for a terminal.
///
/// Everything is computed from values, and equal values give equal bytes: no date, no machine, no pipeline's name.
public struct Report: Sendable {
  /// The page, self-contained: no script, no font and no picture from elsewhere.
  public let page: String
  /// Names and contents of the CSV files that stand in `data/`.
  public let data: [(name: String, content: String)]
  /// The table and the sentence as lines for a terminal.
  public let terminalText: String
  /// What the comparison comes to, in one sentence.
  public let sentence: String
  /// What makes the comparison unfair or its numbers fewer than they look, a sentence each.
  public let warnings: [String]

  /// Compares.
  ///
  /// - Parameters:
  ///   - inputs: Scores of every arm, and what else is known of them.
  ///   - options: The heading, the metric of quality, the baseline, the bootstrap.
  /// - Throws: `ReportError` where scores can't be compared.
  public init(_ inputs: ReportInputs, options: ReportOptions = ReportOptions()) throws(ReportError) {
    let comparison = try Comparison(inputs, options: options)
    let table = ResultTable(comparison)
    let verdict = Verdict(table, comparison)
    let training = TrainingTable(inputs.curves, comparison)
    let decoding = UnequalDecoding(comparison)
    let marked = training.marked + decoding.marked.filter { !training.marked.contains($0) }
    let unfair = training.warnings + decoding.warnings
    let text = TableText(comparison: comparison, table: table, marked: marked)
    warnings = comparison.remarks + unfair
    let shown = comparison.arms.compactMap { comparison.representative(of: $0) }
    let correlations = ReturnCharts.correlations(shown, comparison)
    sentence = verdict.sentence
    let footnote = marked.isEmpty ? [] : ["\(TableText.mark) " + unfair.joined(separator: "; ")]
    terminalText =
      (TerminalLayout.wrapped(text.scope + "; " + text.interval) + [text.terminal]
      + (footnote + [verdict.sentence]).flatMap(TerminalLayout.wrapped) + training.lines).joined(separator: "\n")
    data =
      ReportData(
        comparison: comparison, table: table, correlations: correlations, curves: inputs.curves, training: training,
        warnings: warnings
      ).files
    let panel = try PromptPanel(shown, comparison, ArmStyle(comparison), tokenBytes: inputs.tokenBytes)
    page =
      ReportPage(
        inputs: inputs, options: options, text: text, verdict: verdict, shown: shown, correlations: correlations,
        training: training, panel: panel, warnings: warnings, unfair: unfair
      ).html
  }
}

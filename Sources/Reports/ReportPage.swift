import CanonicalJSON

/// The page: the first screen, then what stands behind it.
struct ReportPage {
  let inputs: ReportInputs
  let options: ReportOptions
  let text: TableText
  let verdict: Verdict
  /// The group that stands for each arm.
  let shown: [SeedGroup]
  let correlations: [(predictor: Predictor, group: SeedGroup, across: Estimate?, within: Estimate?)]

  let training: TrainingTable
  /// The prompts that are shown, or nil.
  let panel: PromptPanel?
  /// What makes the comparison unfair, or its numbers fewer than they look.
  let warnings: [String]
  /// Those of them that marked arms bear.
  let unfair: [String]

  private var comparison: Comparison { text.comparison }
  private var style: ArmStyle { ArmStyle(comparison) }

  private var title: String {
    guard options.title.isEmpty else { return options.title }
    var stems: [String] = []
    let compared = text.table.contrasts.map(\.arm)
    for arm in compared.isEmpty ? comparison.arms.filter({ $0 != comparison.baseline }) : compared {
      let name = Arm(stem: arm.stem, axes: [:]).name(comparison.names)
      if !name.isEmpty, !stems.contains(name) { stems.append(name) }
    }
    let base = comparison.baseline.map { comparison.name($0) }
    return stems.isEmpty ? base ?? "Report" : Format.list(stems) + (base.map { " against \($0)" } ?? "")
  }

  /// The whole document.
  var html: String {
    let body =
      [firstScreen]
      + sections.map { section in
        Markup.element("section", [:], .element("h2", text: section.title), section.content)
      }
    let page =
      Markup.literal("<!doctype html>\n<html lang=\"en\">\n")
      + .element(
        "head", [:], .literal("<meta charset=\"utf-8\">"),
        .literal("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"),
        .literal("<meta name=\"color-scheme\" content=\"light dark\">"), .element("title", text: title),
        StyleSheet.markup)
      + .literal("\n") + .element("body", [:], .element("main", [:], body)) + .literal("\n</html>\n")
    return page.source
  }

  private var firstScreen: Markup {
    let markup = TableMarkup(text: text, style: style)
    let chart = FrontChart.make(comparison, text.table, style)
    let remarks = [text.interval + "."] + verdict.remarks + notes
    return .element(
      "header", [:], .element("h1", text: title), .element("p", ["class": "scope"], scope),
      .element("p", ["class": "verdict"], text: verdict.sentence), caution,
      .element(
        "div", ["class": "first"],
        .element("div", [:], markup.main, .element("p", ["class": "remarks"], text: remarks.joined(separator: " "))),
        chart.map { chart in
          Markup.element("figure", [:], chart, .element("figcaption", text: frontCaption))
        } ?? Markup()))
  }

  private var caution: Markup {
    guard !warnings.isEmpty else { return Markup() }
    let mark = text.marked.isEmpty ? "" : "\(TableText.mark) "
    return .element(
      "ul", ["class": "caution"],
      warnings.map { warning in
        .element("li", text: (unfair.contains(warning) ? mark : "") + warning.sentenceCase + ".")
      })
  }

  private var scope: Markup {
    let arms = comparison.arms.flatMap { arm in [style.mark(arm), .element("span", text: comparison.name(arm))] }
    var parts: [Markup] = [.element("span", text: text.scope), .element("span", ["class": "arms"], arms)]
    let digests = inputs.scores.compactMap { input in
      input.provenance.digest.map { (input.provenance.label, $0) }
    }
    if !digests.isEmpty {
      let names = digests.map { label, digest in
        Markup.element(
          "code", ["title": "\(label)\n\(digest)"], text: digest.afterColon)
      }
      parts.append(.element("span", ["class": "digests"], [.text("scores ")] + names))
    }
    return parts.reduce(into: Markup()) { $0 += $1 }
  }

  private var frontCaption: String {
    var caption = "Up is better, left is more diverse."
    if let baseline = comparison.baseline, comparison.grid(of: baseline).count > 1 {
      caption += " The line is \(comparison.name(baseline)) over temperatures; "
      caption +=
        text.table.matches.isEmpty
        ? "bands are the other arms' quality." : "× is where two have one quality; bands are the other arms'."
    }
    return caption
  }

  private var notes: [String] {
    var notes: [String] = []
    if text.table.rows.contains(where: { $0.kind == .matched && $0.note == nil }), let baseline = comparison.baseline {
      let name = comparison.name(baseline)
      notes.append(
        "“\(name), matched” is \(name) at the temperature that gives the quality of the arm above it, "
          + "interpolated over its grid."
      )
    }
    return notes
  }

  private var sections: [(title: String, content: Markup)] {
    let found: [(title: String, content: Markup?)] = [
      ("How the arms were trained", trainings),
      ("Learning curves", CurveCharts.make(inputs.curves, comparison, style)),
      ("What the reward knows of quality", rewards), ("Samples side by side", samples),
      ("Parameters that differ", SettingsTable.markup(comparison, style)),
      ("Every cell", TableMarkup(text: text, style: style).all), ("Inputs", provenance),
    ]
    return found.compactMap { section in section.content.map { (section.title, $0) } }
  }

  private var trainings: Markup? {
    if let table = training.markup(style) { return table }
    return comparison.arms.count > 1
      ? .element("p", text: "Not known: connect the curves of every training to the port curves.") : nil
  }

  private var rewards: Markup? {
    let scatters = ReturnCharts.scatters(shown, comparison, style)
    let bars = ReturnCharts.bars(correlations, comparison, style)
    guard scatters != nil || bars != nil else { return nil }
    let words =
      "At γ = 1 the return of a finished completion is log p + v₀ whatever the model, so its ρ counts only beside "
      + "those of its parts; within a prompt v₀ is constant."
    return .element("p", text: words) + (scatters ?? Markup()) + (bars ?? Markup())
  }

  private var samples: Markup? {
    guard let panel else { return nil }
    let words =
      "\(Format.count(panel.count)) of \(Format.count(comparison.ids.count)) prompts, evenly spaced by how much the "
      + "arms disagree on them in quality and Self-BLEU; the median one is open. Shades are token rewards, on each "
      + "arm's own scale; the number is the return."
    let shades = ["n4", "n2", "z", "p2", "p4"].map { Markup.element("i", ["class": $0]) }
    return .element("p", text: words)
      + .element("p", ["class": "scale"], [.text("low")] + shades + [.text("high")]) + panel.markup
  }

  private var provenance: Markup {
    let ports: [(String, [Provenance])] = [
      ("scores", inputs.scores.map(\.provenance)), ("samples", inputs.samples.map(\.provenance)),
      ("rewards", inputs.rewards.map(\.provenance)), ("curves", inputs.curves.map(\.provenance)),
    ]
    let rows = ports.filter { !$0.1.isEmpty }.map { port, inputs in
      Markup.element(
        "tr", [:], .element("th", ["scope": "row"], text: port),
        .element("td", [:], inputs.map { .element("code", ["title": $0.digest ?? ""], text: $0.label) + .literal(" ") })
      )
    }
    return .element(
      "div", ["class": "scroll"], .element("table", ["class": "settings inputs"], .element("tbody", [:], rows)))
      + .element(
        "p", ["class": "quiet"],
        text:
          "Tables and series stand in data/ beside this page. Bootstrap of "
          + "\(Format.count(comparison.resamples, "resample")), seed \(options.seed)."
      )
  }
}

extension String {
  /// With a capital first letter.
  fileprivate var sentenceCase: String {
    var scalars = unicodeScalars[...]
    guard let first = scalars.popFirst() else { return self }
    return first.properties.uppercaseMapping + String(scalars)
  }

  /// The first digits of a digest.
  fileprivate var afterColon: String {
    String(decoding: (utf8.split(separator: UInt8(ascii: ":")).last ?? utf8[...]).prefix(8), as: UTF8.self)
  }
}

/// The tables of the page.
struct TableMarkup {
  let text: TableText
  let style: ArmStyle

  private var comparison: Comparison { text.comparison }
  private var table: ResultTable { text.table }

  /// The table of the first screen.
  var main: Markup {
    // Length and its like are left to the table of every cell.
    markup(of: table.rows, columns: table.columns.filter { $0 != .length }, isMain: true)
  }

  /// Every cell of every grid.
  var all: Markup {
    let rows = comparison.groups.map { ResultTable.row($0, comparison) }
    return markup(of: rows, columns: table.columns, isMain: false)
  }

  private func markup(of rows: [ResultRow], columns: [Column], isMain: Bool) -> Markup {
    var heads: [Markup] = [
      .element("th", ["scope": "col"]), .element("th", ["scope": "col", "title": "temperature"], text: "T"),
    ]
    for column in columns {
      heads.append(
        .element(
          "th", ["scope": "col", "title": text.explanation(column)],
          .text(text.heading(column).unbroken)))
    }
    var body: [Markup] = []
    for row in rows { body.append(markup(of: row, columns: columns, isMain: isMain)) }
    return .element(
      "div", ["class": "scroll"],
      .element(
        "table", ["class": "results"], .element("thead", [:], .element("tr", [:], heads)), .element("tbody", [:], body))
    )
  }

  private func markup(of row: ResultRow, columns: [Column], isMain: Bool) -> Markup {
    var cells: [Markup] = [
      .element(
        "th", ["scope": "row", "title": row.provenance],
        (row.kind == .sampled ? row.arm.map(style.mark) : nil) ?? .element("i", ["class": "mark"]),
        .text(text.name(row))),
      .element("td", ["class": "t"], text: row.temperature),
    ]
    if let note = row.note {
      cells.append(.element("td", ["class": "note", "colspan": "\(columns.count)"], text: note))
    } else {
      for column in columns { cells.append(cell(row, column, isMain: isMain)) }
    }
    let kind =
      switch row.kind {
      case .sampled: ""
      case .matched: "matched"
      case .references: "references"
      }
    return .element("tr", kind.isEmpty ? [:] : ["class": kind], cells)
  }

  private func cell(_ row: ResultRow, _ column: Column, isMain: Bool) -> Markup {
    guard let estimate = row.values[column] else { return .element("td", ["class": "none"], text: "—") }
    let (value, half) = text.text(estimate, column)
    var content = isMain && table.isBest(row, column) ? Markup.element("b", text: value) : .text(value)
    // What is context rather than a result has its interval on hovering, and in the table of every cell.
    let isContext = column == .entropy || column == .logProbabilityCorrelation
    if let half, !(isMain && isContext) { content += .element("span", ["class": "pm"], text: " ± \(half)") }
    return .element("td", ["title": provenance(row, column, estimate)], content)
  }

  private func provenance(_ row: ResultRow, _ column: Column, _ estimate: Estimate) -> String {
    var lines = [row.provenance]
    if let low = estimate.low, let high = estimate.high {
      let ends = [low, high].map { text.text(Estimate(value: $0), column).value }
      lines.append("95 % interval \(ends[0]) to \(ends[1]), \(Format.count(comparison.ids.count, "prompt"))")
    } else if row.kind == .references, column == .quality {
      lines.append("by definition")
    }
    return lines.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}

extension String {
  /// The same with hyphens at which no line ends.
  fileprivate var unbroken: String { String(map { $0 == "-" ? "\u{2011}" : $0 }) }
}

/// Quality against Self-BLEU: the baseline's temperature curve as a line, arms as points, bands of matched quality.
enum FrontChart {
  private struct Point {
    var group: SeedGroup
    var x: Estimate
    var y: Estimate
  }

  /// The chart, or nil where no diversity was measured.
  static func make(_ comparison: Comparison, _ table: ResultTable, _ style: ArmStyle) -> Markup? {
    let scale = comparison.quality.scale
    let points = comparison.groups.compactMap { group -> Point? in
      let row = ResultTable.row(group, comparison)
      guard let x = row.values[.diversity], let y = row.values[.quality] else { return nil }
      return Point(group: group, x: x, y: y.scaled(by: scale))
    }
    guard !points.isEmpty else { return nil }
    let references = table.rows.first { $0.kind == .references }
    let human = references.flatMap { row in row.values[.diversity].map { ($0, row.values[.quality]?.scaled(by: scale)) }
    }
    let xs =
      points.flatMap { [$0.x.value, $0.x.low, $0.x.high].compactMap(\.self) } + (human.map { [$0.0.value] } ?? [])
    let ys =
      points.flatMap { [$0.y.value, $0.y.low, $0.y.high].compactMap(\.self) }
      + (human?.1.flatMap { $0.halfWidth == nil ? nil : [$0.value] } ?? [])
    var plot = Plot(width: 480, height: 350, x: xs, y: ys)
    bands(comparison, table, points, style, &plot)
    for arm in comparison.arms { curve(arm, points, comparison, style, &plot) }
    // Where samples are compared by another measure, its places are none of this chart.
    for (arm, _) in table.contrasts where comparison.isComparedAsShown {
      for place in table.matches[arm]?.read ?? [] {
        cross((plot.x(place.diversity), plot.y(place.quality * scale)), &plot)
      }
    }
    if let human { reference(human, &plot) }
    return plot.svg(
      title: "Quality against Self-BLEU", xLabel: "Self-BLEU@\(comparison.samplesPerPrompt ?? 0)  (← more diverse)",
      yLabel: "\(comparison.quality.heading) \(comparison.quality.arrow)")
  }

  /// Where an arm's quality meets the baseline's curve.
  private static func bands(
    _ comparison: Comparison, _ table: ResultTable, _ points: [Point], _ style: ArmStyle, _ plot: inout Plot
  ) {
    for (arm, _) in table.contrasts {
      guard let group = comparison.representative(of: arm),
        let point = points.first(where: { $0.group.arm == arm && $0.group.sampling == group.sampling })
      else { continue }
      let (top, bottom) = (plot.y(point.y.high ?? point.y.value), plot.y(point.y.low ?? point.y.value))
      let title = "quality of \(comparison.name(arm)): \(Format.fixed(point.y.value, comparison.quality.decimals))"
      plot.rectangle(plot.x.start, top, plot.x.end, bottom, "band " + style[arm], title: title)
      if comparison.isComparedAsShown, let match = table.matches[arm] {
        let height = plot.y(match.arm.quality * comparison.quality.scale)
        plot.segment(
          (plot.x(match.arm.diversity), height), (plot.x(match.baseline.diversity), height), "match " + style[arm])
      }
    }
  }

  private static func cross(_ place: (x: Double, y: Double), _ plot: inout Plot) {
    plot.segment((place.x - 5, place.y - 5), (place.x + 5, place.y + 5), "cross")
    plot.segment((place.x - 5, place.y + 5), (place.x + 5, place.y - 5), "cross")
  }

  private static func curve(
    _ arm: Arm, _ points: [Point], _ comparison: Comparison, _ style: ArmStyle, _ plot: inout Plot
  ) {
    let own = points.filter { $0.group.arm == arm }
    let grid = comparison.grid(of: arm).compactMap { group in own.first { $0.group.sampling == group.sampling } }
    let isBaseline = arm == comparison.baseline
    plot.line(
      grid.map { ($0.x.value, $0.y.value) }, style[arm] + (isBaseline ? "" : " thin"), title: comparison.name(arm))
    let representative = comparison.representative(of: arm)?.sampling
    for point in own {
      let isMain = point.group.sampling == representative
      if isMain || isBaseline {
        plot.whisker((point.x.value, point.y.value), x: point.x, y: point.y, style[arm])
      }
      plot.dot(
        (point.x.value, point.y.value), radius: isMain ? 5 : 3, style[arm] + (isMain ? "" : " hollow"),
        title: title(point, comparison))
      let place = (x: plot.x(point.x.value), y: plot.y(point.y.value))
      if isMain {
        label(comparison.name(arm), of: place, isLeft: isBaseline, style[arm], &plot)
      } else if isBaseline || own.count > 1 {
        let text = point.group.sampling.text
        // Near the left edge a label stands right of its point, else it would run into the axis.
        let isLeft = isBaseline && place.x > plot.x.start + 52
        plot.label(
          point.group.sampling.temperature == nil ? text : "T " + text,
          at: (place.x + (isLeft ? -8 : 8), place.y + (isLeft ? -7 : 15)), anchor: isLeft ? "end" : "start", "small")
      }
    }
  }

  private static func label(
    _ text: String, of place: (x: Double, y: Double), isLeft: Bool, _ style: String, _ plot: inout Plot
  ) {
    if isLeft {
      plot.label(text, at: (place.x - 9, place.y - 8), anchor: "end", "strong " + style)
    } else {
      plot.label(text, at: (place.x + 9, place.y + 16), "strong " + style)
    }
  }

  private static func reference(_ human: (x: Estimate, y: Estimate?), _ plot: inout Plot) {
    let x = plot.x(human.x.value)
    plot.segment((x, plot.y.start), (x, plot.y.end), "human")
    // What is so by definition has no interval, and is no point of the chart.
    if let y = human.y, y.halfWidth != nil {
      plot.rectangle(x - 4, plot.y(y.value) - 4, x + 4, plot.y(y.value) + 4, "humandot")
    }
    let isRight = x > (plot.x.start + plot.x.end) / 2
    plot.label("references", at: (x + (isRight ? -7 : 7), plot.y.start - 8), anchor: isRight ? "end" : "start", "small")
  }

  private static func title(_ point: Point, _ comparison: Comparison) -> String {
    "\(comparison.name(point.group.arm)), T \(point.group.sampling.text): \(comparison.quality.heading) "
      + "\(TableText.cell(point.y, comparison.quality.decimals)), Self-BLEU \(TableText.cell(point.x, 1))\n"
      + point.group.provenance
  }
}

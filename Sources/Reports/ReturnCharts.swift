/// Return against quality, and what else tells a good sample.
enum ReturnCharts {
  /// The most points drawn for an arm.
  static let mostPoints = 700

  /// A scatter for each arm that has rewards, or nil where none has.
  static func scatters(_ groups: [SeedGroup], _ comparison: Comparison, _ style: ArmStyle) -> Markup? {
    var charts: [Markup] = []
    for group in groups {
      guard let cell = group.cells.first else { continue }
      let pairs = cell.prompts.flatMap(\.samples).compactMap { sample in
        sample.return.flatMap { x in sample.quality.map { (x: x, y: $0 * comparison.quality.scale) } }
      }
      guard pairs.count > 2 else { continue }
      let drawn = stride(from: 0, to: pairs.count, by: max(1, (pairs.count + mostPoints - 1) / mostPoints)).map {
        pairs[$0]
      }
      let rest =
        drawn.count < pairs.count ? ", \(Format.count(drawn.count)) of \(Format.count(pairs.count)) samples drawn" : ""
      charts.append(
        .element(
          "figure", [:], scatter(drawn, comparison.quality, style[group.arm], width: groups.count > 2 ? 340 : 460),
          .element(
            "figcaption", ["title": group.provenance], style.mark(group.arm),
            .element("b", text: comparison.name(group.arm)),
            .text(" at T \(group.sampling.text)\(rest)"))))
    }
    return charts.isEmpty ? nil : .element("div", ["class": charts.count == 4 ? "panels four" : "panels"], charts)
  }

  private static func scatter(_ points: [(x: Double, y: Double)], _ quality: Quality, _ style: String, width: Double)
    -> Markup
  {
    let isBinary = points.allSatisfy { $0.y == 0 || $0.y == quality.scale }
    // Far outliers would press all else together.
    let sorted = points.map(\.x).sorted()
    let low = sorted[sorted.count / 100]
    let inside = points.filter { $0.x >= low }
    var plot = Plot(
      width: width, height: isBinary ? 0.42 * width : 0.62 * width, x: inside.map(\.x),
      y: isBinary ? [0, 1] : points.map(\.y),
      room: isBinary ? 0.35 : 0.06)
    plot.x = Axis(inside.map(\.x), from: plot.x.start, to: plot.x.end, room: 0.04)
    for (place, point) in inside.enumerated() {
      let height = isBinary ? point.y / quality.scale + jitter(place) : point.y
      plot.dot((point.x, height), radius: 1.8, style + " sheer")
    }
    guard isBinary else {
      return plot.svg(
        title: "return against \(quality.word)", xLabel: "return, nats", yLabel: quality.heading, yTicks: 4)
    }
    var axis = plot
    axis.label("right", at: (plot.x.start - 6, plot.y(1) + 4), anchor: "end")
    axis.label("wrong", at: (plot.x.start - 6, plot.y(0) + 4), anchor: "end")
    return axis.svg(title: "return of right and wrong samples", xLabel: "return, nats", yLabel: "", yTicks: 0)
  }

  /// A spread by a low-discrepancy sequence, so that points of one height don't hide each other.
  private static func jitter(_ place: Int) -> Double {
    let golden = 0.618_033_988_749_895 * Double(place + 1)
    return (golden - golden.rounded(.down) - 0.5) * 0.5
  }

  /// The correlations of a report: predictor, arm, across and within prompts.
  static func correlations(
    _ groups: [SeedGroup], _ comparison: Comparison
  ) -> [(predictor: Predictor, group: SeedGroup, across: Estimate?, within: Estimate?)] {
    // An arm without rewards has nothing to be compared with.
    let rewarded = groups.filter { group in
      group.cells.contains { $0.prompts.contains { $0.samples.contains { $0.return != nil } } }
    }
    return Predictor.allCases.flatMap { predictor in
      rewarded.map { group in
        let across = group.measures { $0.correlation(across: predictor) }
        let within = group.measures { $0.correlation(within: predictor) }
        return (
          predictor, group, across.flatMap { comparison.estimate($0) }, within.flatMap { comparison.estimate($0) }
        )
      }
    }
  }

  /// Bars of ρ, across prompts and within, or nil where nothing is known.
  static func bars(
    _ correlations: [(predictor: Predictor, group: SeedGroup, across: Estimate?, within: Estimate?)],
    _ comparison: Comparison, _ style: ArmStyle
  ) -> Markup? {
    let known = correlations.filter { $0.across != nil || $0.within != nil }
    guard !known.isEmpty else { return nil }
    let panels: [(title: String, note: String, value: Int)] = [
      ("over all samples", "prompts pooled", 0), ("within prompts", "mean over prompts", 1),
    ]
    var charts: [Markup] = []
    for panel in panels {
      let bars = known.map { ($0.predictor, $0.group, panel.value == 0 ? $0.across : $0.within) }
      charts.append(
        .element(
          "figure", [:], chart(bars, comparison, style, title: panel.title),
          .element("figcaption", [:], .element("b", text: "ρ " + panel.title), .text(", " + panel.note))))
    }
    return .element("div", ["class": "panels two"], charts)
  }

  private static func chart(
    _ bars: [(Predictor, SeedGroup, Estimate?)], _ comparison: Comparison, _ style: ArmStyle, title: String
  ) -> Markup {
    let predictors = Predictor.allCases.filter { predictor in bars.contains { $0.0 == predictor } }
    let perPredictor = max(1, bars.count { $0.0 == predictors.first })
    let (thick, gap) = (12.0, 13.0)
    let block = Double(perPredictor) * thick + gap
    let height = Double(predictors.count) * block + 34
    var plot = Plot(width: 460, height: height, x: [0], y: [0])
    var ends = [0.0]
    for case let estimate? in bars.map(\.2) { ends += [estimate.value, estimate.low, estimate.high].compactMap { $0 } }
    plot.x = Axis(ends, from: 112, to: 450, room: 0.04)
    for tick in plot.x.ticks(5) {
      plot.segment((plot.x(tick.value), 6), (plot.x(tick.value), height - 26), tick.value == 0 ? "axis" : "grid")
      plot.label(Format.correlation(tick.value), at: (plot.x(tick.value), height - 10), anchor: "middle")
    }
    for (row, predictor) in predictors.enumerated() {
      let top = Double(row) * block + 8
      let isKnown = bars.contains { $0.0 == predictor && $0.2 != nil }
      if !isKnown {
        let reason = predictor == .firstValue ? "constant within a prompt" : "undefined"
        plot.label(reason, at: (plot.x(0) + 5, top + (block - gap) / 2 + 4), "small")
      }
      plot.label(predictor.label, at: (102, top + (block - gap) / 2 + 4), anchor: "end", "name")
      for (place, bar) in bars.filter({ $0.0 == predictor }).enumerated() {
        let middle = top + (Double(place) + 0.5) * thick
        guard let estimate = bar.2 else { continue }
        let name = "\(comparison.name(bar.1.arm)): \(predictor.label) ρ \(Format.correlation(estimate.value))"
        plot.rectangle(
          plot.x(0), middle - thick / 2 + 1, plot.x(estimate.value), middle + thick / 2 - 1, "bar " + style[bar.1.arm],
          title: name)
        if let low = estimate.low, let high = estimate.high {
          plot.segment((plot.x(low), middle), (plot.x(high), middle), "error")
        }
      }
    }
    return plot.bare(title: "ρ with quality " + title)
  }
}

import Records

/// Learning curves: likelihood, temporal difference and entropy by step.
enum CurveCharts {
  /// The most points that a curve is drawn with; more are averaged in bins.
  static let mostPoints = 120

  private struct Curve {
    var name: String
    var style: String
    var provenance: String
    var train: [CurveRow]
    var validation: [CurveRow]
  }

  /// The charts, or nil where there are no curves.
  static func make(_ inputs: [CurvesInput], _ comparison: Comparison, _ style: ArmStyle) -> Markup? {
    let curves = inputs.compactMap { input -> Curve? in
      guard !input.rows.isEmpty else { return nil }
      let identity = CellIdentity(input.provenance)
      let seed = identity.seed.map { " seed \($0)" } ?? ""
      return Curve(
        name: comparison.name(identity.arm) + seed, style: style[identity.arm], provenance: input.provenance.text,
        train: input.rows.filter { $0.split == .train }, validation: input.rows.filter { $0.split == .validation })
    }
    guard !curves.isEmpty else { return nil }
    var charts: [Markup] = []
    let panels: [(title: String, unit: String, logarithmic: Bool, value: (CurveRow) -> Double)] = [
      ("−log p", "nats per token", false, { $0.mle }), ("TD term, mean r²", "log scale", true, { $0.td }),
      ("entropy", "nats per token", false, { $0.entropy }),
    ]
    for panel in panels {
      let value = panel.value
      charts.append(
        .element(
          "figure", [:], chart(curves, panel.title, logarithmic: panel.logarithmic, value),
          .element("figcaption", [:], .element("b", text: panel.title), .text(", " + panel.unit))))
    }
    return .element("div", ["class": "panels"], charts) + legend(curves)
  }

  private static func chart(
    _ curves: [Curve], _ title: String, logarithmic: Bool, _ value: (CurveRow) -> Double
  ) -> Markup {
    let thinned = curves.map { curve in
      (curve: curve, train: thin(curve.train.map { (Double($0.step), value($0)) }))
    }
    let all = thinned.flatMap { item in item.train + item.curve.validation.map { (Double($0.step), value($0)) } }
    // A few steep first steps would press all else together.
    let heights = all.map(\.1).filter(\.isFinite).sorted()
    let ceiling = heights.isEmpty ? 1 : heights[min(heights.count - 1, heights.count * 97 / 100)]
    let usable = heights.filter { $0 <= ceiling }
    var plot = Plot(width: 340, height: 230, x: all.map(\.0), y: usable, room: 0.05, logarithmic: logarithmic)
    for (curve, train) in thinned {
      plot.line(train.filter { $0.1 <= ceiling }.map { (x: $0.0, y: $0.1) }, curve.style + " faint", title: curve.name)
      let validation = curve.validation.map { (x: Double($0.step), y: value($0)) }.filter { $0.y <= ceiling }
      plot.line(validation, curve.style, title: curve.name + ", validation")
      for point in validation where validation.count <= 40 {
        plot.dot(point, radius: 2.2, curve.style, title: "\(curve.name), validation at step \(Int(point.x)): \(Format.fixed(point.y, 3))")
      }
    }
    return plot.svg(title: title, xLabel: "step", yLabel: "", xTicks: 4, yTicks: 4)
  }

  private static func legend(_ curves: [Curve]) -> Markup {
    var items: [Markup] = []
    var seen: [String] = []
    for curve in curves where !seen.contains(curve.name) {
      seen.append(curve.name)
      items.append(
        .element("span", ["title": curve.provenance], .element("i", ["class": "mark " + curve.style]), .text(curve.name)))
    }
    items.append(.element("span", ["class": "quiet"], text: "thin: training batches, binned · dots: whole validation split"))
    return .element("p", ["class": "legend"], items)
  }

  /// Means of equal bins where there are too many points.
  static func thin(_ points: [(Double, Double)]) -> [(Double, Double)] {
    guard points.count > mostPoints else { return points }
    return (0..<mostPoints).map { bin in
      let part = points[bin * points.count / mostPoints..<(bin + 1) * points.count / mostPoints]
      let count = Double(part.count)
      return (part.reduce(0) { $0 + $1.0 } / count, part.reduce(0) { $0 + $1.1 } / count)
    }
  }
}

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
    let panels: [(title: String, unit: String, value: (CurveRow) -> Double)] = [
      ("−log p", "nats per token, log scale", { $0.mle }), ("TD term, mean r²", "log scale", { $0.td }),
      ("entropy", "nats per token, log scale", { $0.entropy }),
    ]
    for panel in panels {
      let value = panel.value
      charts.append(
        .element(
          "figure", [:], chart(curves, panel.title, value),
          .element("figcaption", [:], .element("b", text: panel.title), .text(", " + panel.unit))))
    }
    return .element("div", ["class": "panels"], charts) + legend(curves)
  }

  private static func chart(_ curves: [Curve], _ title: String, _ value: @escaping (CurveRow) -> Double) -> Markup {
    // On a logarithmic scale a value of 0 has no place.
    let points = { (rows: [CurveRow]) in
      rows.map { (x: Double($0.step), y: value($0)) }.filter { $0.y.isFinite && $0.y > 0 }
    }
    let drawn = curves.map { (curve: $0, train: thin(points($0.train)), validation: points($0.validation)) }
    let all = drawn.flatMap { $0.train + $0.validation }
    var plot = Plot(width: 340, height: 230, x: all.map(\.x), y: all.map(\.y), room: 0.05, logarithmic: true)
    for item in drawn {
      let (name, style) = (item.curve.name, item.curve.style)
      plot.line(item.train, style + " faint", title: name)
      plot.line(item.validation, style, title: name + ", validation")
      for point in item.validation where item.validation.count <= 40 {
        let value = Format.fixed(point.y, 3)
        plot.dot(point, radius: 2.2, style, title: "\(name), validation at step \(Format.fixed(point.x, 0)): \(value)")
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
        .element(
          "span", ["title": curve.provenance], .element("i", ["class": "mark " + curve.style]), .text(curve.name)))
    }
    items.append(
      .element("span", ["class": "quiet"], text: "thin: training batches, binned · dots: whole validation split"))
    return .element("p", ["class": "legend"], items)
  }

  /// Means of equal bins where there are too many points.
  static func thin(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard points.count > mostPoints else { return points }
    return (0..<mostPoints).map { bin in
      let part = points[bin * points.count / mostPoints..<(bin + 1) * points.count / mostPoints]
      let count = Double(part.count)
      return (part.reduce(0) { $0 + $1.x } / count, part.reduce(0) { $0 + $1.y } / count)
    }
  }
}

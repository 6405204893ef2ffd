/// A chart as SVG: a frame with axes, and marks in the colours of arms.
///
/// Colours come from the page's style sheet, so that a chart follows light and dark.
struct Plot: Sendable {
  let width: Double
  let height: Double
  var x: Axis
  var y: Axis
  private var marks = Markup()
  private var labels = Markup()

  static let margin = (left: 46.0, right: 14.0, top: 12.0, bottom: 40.0)

  /// An empty chart whose axes hold the given values.
  init(
    width: Double = 460, height: Double = 300, x horizontal: [Double], y vertical: [Double], room: Double = 0.08,
    logarithmic: Bool = false
  ) {
    self.width = width
    self.height = height
    x = Axis(horizontal, from: Self.margin.left, to: width - Self.margin.right, room: room)
    y = Axis(vertical, from: height - Self.margin.bottom, to: Self.margin.top, room: room, logarithmic: logarithmic)
  }

  /// Adds a mark behind the labels.
  mutating func add(_ mark: Markup) { marks += mark }

  /// A line through points.
  mutating func line(_ points: [(x: Double, y: Double)], _ style: String, title: String = "") {
    guard points.count > 1 else { return }
    let path = points.enumerated().map { place, point in
      "\(place == 0 ? "M" : "L")\(Self.print(x(point.x))) \(Self.print(y(point.y)))"
    }
    marks += .element(
      "path", ["class": "line " + style, "d": path.joined()], title.isEmpty ? Markup() : .element("title", text: title))
  }

  /// A dot.
  mutating func dot(_ point: (x: Double, y: Double), radius: Double = 3.5, _ style: String, title: String = "") {
    marks += .element(
      "circle",
      [
        "class": "dot " + style, "cx": Self.print(x(point.x)), "cy": Self.print(y(point.y)),
        "r": Self.print(radius),
      ], title.isEmpty ? Markup() : .element("title", text: title))
  }

  /// An interval along an axis through a point.
  mutating func whisker(_ point: (x: Double, y: Double), x range: Estimate? = nil, y vertical: Estimate? = nil, _ style: String) {
    if let low = range?.low, let high = range?.high {
      segment((x(low), y(point.y)), (x(high), y(point.y)), "whisker " + style)
    }
    if let low = vertical?.low, let high = vertical?.high {
      segment((x(point.x), y(low)), (x(point.x), y(high)), "whisker " + style)
    }
  }

  /// A straight line in the chart's own units.
  mutating func segment(_ from: (x: Double, y: Double), _ to: (x: Double, y: Double), _ style: String) {
    marks += .element(
      "line",
      [
        "class": style, "x1": Self.print(from.x), "y1": Self.print(from.y), "x2": Self.print(to.x),
        "y2": Self.print(to.y),
      ])
  }

  /// A filled rectangle in the chart's own units.
  mutating func rectangle(
    _ left: Double, _ top: Double, _ right: Double, _ bottom: Double, _ style: String, title: String = ""
  ) {
    marks += .element(
      "rect",
      [
        "class": style, "x": Self.print(min(left, right)), "y": Self.print(min(top, bottom)),
        "width": Self.print(abs(right - left)), "height": Self.print(abs(bottom - top)),
      ], title.isEmpty ? Markup() : .element("title", text: title))
  }

  /// Text in the chart's own units.
  mutating func label(_ text: String, at place: (x: Double, y: Double), anchor: String = "start", _ style: String = "") {
    labels += .element(
      "text",
      ["class": style, "x": Self.print(place.x), "y": Self.print(place.y), "text-anchor": anchor], text: text)
  }

  /// The chart with axes.
  func svg(title: String, xLabel: String, yLabel: String, xTicks: Int = 5, yTicks: Int = 5) -> Markup {
    var axes = Markup()
    let (left, right) = (Self.margin.left, width - Self.margin.right)
    let bottom = height - Self.margin.bottom
    for tick in y.ticks(yTicks) {
      let place = Self.print(y(tick.value))
      axes += .element(
        "line",
        ["class": "grid", "x1": Self.print(left), "x2": Self.print(right), "y1": place, "y2": place])
      axes += .element(
        "text", ["x": Self.print(left - 7), "y": Self.print(y(tick.value) + 4), "text-anchor": "end"],
        text: tick.label)
    }
    for tick in x.ticks(xTicks) {
      let place = Self.print(x(tick.value))
      axes += .element(
        "line",
        ["class": "tick", "x1": place, "x2": place, "y1": Self.print(bottom), "y2": Self.print(bottom + 4)])
      axes += .element(
        "text", ["x": place, "y": Self.print(bottom + 17), "text-anchor": "middle"], text: tick.label)
    }
    axes += .element(
      "line",
      [
        "class": "axis", "x1": Self.print(left), "x2": Self.print(right), "y1": Self.print(bottom),
        "y2": Self.print(bottom),
      ])
    axes += .element(
      "text", ["class": "name", "x": Self.print(right), "y": Self.print(height - 5), "text-anchor": "end"],
      text: xLabel)
    axes += .element(
      "text", ["class": "name", "x": Self.print(left), "y": "8", "text-anchor": "start"], text: yLabel)
    return Self.frame(width, height, title: title, axes + marks + labels)
  }

  /// Marks alone, for charts that draw their own axes.
  func bare(title: String) -> Markup { Self.frame(width, height, title: title, marks + labels) }

  private static func frame(_ width: Double, _ height: Double, title: String, _ content: Markup) -> Markup {
    .element(
      "svg", ["viewBox": "0 0 \(print(width)) \(print(height))", "role": "img", "aria-label": title], content)
  }

  /// A coordinate with a tenth of a unit, which no eye misses.
  static func print(_ value: Double) -> String {
    let text = Format.plain(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

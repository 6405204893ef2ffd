import Glibc

/// One axis of a chart: a range of values on a range of pixels, with round marks.
struct Axis: Sendable {
  var low: Double
  var high: Double
  /// Where `low` and `high` lie, in the chart's units.
  var start: Double
  var end: Double
  var isLogarithmic = false

  /// An axis over values with some room at both ends, a share of the range; without any finite value from 0 to 1.
  init(_ values: [Double], from start: Double, to end: Double, room: Double = 0.06, logarithmic: Bool = false) {
    let usable = values.filter { $0.isFinite && (!logarithmic || $0 > 0) }
    let scaled = logarithmic ? usable.map { log10($0) } : usable
    var low = scaled.min() ?? 0
    var high = scaled.max() ?? 1
    if high - low < 1e-9 * max(1, abs(high)) { (low, high) = (low - 0.5, high + 0.5) }
    let extra = (high - low) * room
    self.low = low - extra
    self.high = high + extra
    self.start = start
    self.end = end
    isLogarithmic = logarithmic
  }

  /// Where a value lies.
  func callAsFunction(_ value: Double) -> Double {
    let scaled = isLogarithmic ? log10(max(value, 1e-12)) : value
    return start + (scaled - low) / (high - low) * (end - start)
  }

  /// Round values inside the range, about as many as asked for.
  func ticks(_ count: Int = 5) -> [(value: Double, label: String)] {
    count == 0 ? [] : isLogarithmic ? logarithmicTicks : linearTicks(count)
  }

  private func linearTicks(_ count: Int) -> [(value: Double, label: String)] {
    let rough = (high - low) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    let decimals = (0..<6).first { places in
      let scaled = step * pow(10, Double(places))
      return abs(scaled - scaled.rounded()) < 1e-6
    }
    let first = Int(exactly: (low / step - 1e-9).rounded(.up))
    let last = Int(exactly: (high / step + 1e-9).rounded(.down))
    // Values so large that neighbouring marks can't be told apart have none.
    guard let first, let last, first <= last, last - first <= 100 else { return [] }
    return (first...last).map { place in
      let value = Double(place) * step
      return (value, Format.fixed(value, decimals ?? 0))
    }
  }

  private var logarithmicTicks: [(value: Double, label: String)] {
    let factors: [Double] = high - low > 2 ? [1] : high - low > 1 ? [1, 3] : [1, 2, 5]
    var ticks: [(value: Double, label: String)] = []
    for power in Int(floor(low))...Int(ceil(high)) {
      for factor in factors {
        let value = factor * pow(10, Double(power))
        if log10(value) >= low, log10(value) <= high { ticks.append((value, Format.number(value, least: 0))) }
      }
    }
    return ticks
  }
}

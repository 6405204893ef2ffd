/// Which prompts a report shows whole, so that none is picked by hand.
struct PromptChoice: Sendable {
  /// Places of prompts by rising disagreement, from the least to the greatest.
  var places: [Int]
  /// The place that is opened first: the median.
  var opened: Int
  /// How much arms disagree on a prompt, by place.
  var disagreement: [Double]

  /// - Parameters:
  ///   - cells: One cell an arm.
  ///   - count: How many prompts to show at most.
  init?(_ cells: [ScoredCell], quality: Quality, count: Int) {
    guard let first = cells.first, !first.prompts.isEmpty, count > 0 else { return nil }
    let scale = quality.isShare ? 1 : 0.01
    disagreement = first.prompts.indices.map { place in
      let qualities = cells.map { Self.mean($0.prompts[place].samples.compactMap(\.quality)) * scale }
      let diversities = cells.map { Self.mean($0.prompts[place].samples.compactMap(\.selfBLEU)) * 0.01 }
      return Self.spread(qualities) + Self.spread(diversities)
    }
    let values = disagreement
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    opened = order[(order.count - 1) / 2]
    guard order.count > count else {
      places = order
      return
    }
    // Evenly spaced quantiles, the median among them.
    let middle = count / 2
    let half = (order.count - 1) / 2
    places = (0..<count).map { place in
      if place <= middle { return order[middle == 0 ? half : half * place / middle] }
      return order[half + (order.count - 1 - half) * (place - middle) / (count - 1 - middle)]
    }
  }

  private static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  private static func spread(_ values: [Double]) -> Double { (values.max() ?? 0) - (values.min() ?? 0) }
}

/// Bootstrap of many Spearman correlations over the same points.
///
/// Each variable is sorted once. In a resample a point counts as often as its prompt was drawn, and the mean ranks of
/// the resample follow in one pass over the sorted points.
struct RankBootstrap {
  /// The prompt of each point.
  let prompts: [Int]
  /// Values of each variable at each point.
  let variables: [[Double]]
  private let orders: [[Int32]]
  /// Per variable and sorted place, whether the next point is tied with this one.
  private let tiedWithNext: [[Bool]]

  init(prompts: [Int], variables: [[Double]]) {
    self.prompts = prompts
    self.variables = variables
    orders = variables.map { values in values.indices.sorted { values[$0] < values[$1] }.map(Int32.init) }
    tiedWithNext = zip(variables, orders).map { values, order in
      order.indices.map { $0 + 1 < order.count && values[Int(order[$0])] == values[Int(order[$0 + 1])] }
    }
  }

  /// The 95 % intervals of the correlations of pairs of variables.
  func intervals(of pairs: [(Int, Int)], _ bootstrap: Bootstrap) -> [(low: Double, high: Double)?] {
    var counts = [Double](repeating: 0, count: bootstrap.prompts)
    var weights = [Double](repeating: 0, count: prompts.count)
    var ranks = variables.map { [Double](repeating: 0, count: $0.count) }
    var squares = [Double](repeating: 0, count: variables.count)
    var found = [[Double]](repeating: [], count: pairs.count)
    for resample in 0..<bootstrap.resamples {
      bootstrap.multiplicities(resample: resample, into: &counts)
      for point in prompts.indices { weights[point] = counts[prompts[point]] }
      for variable in variables.indices {
        squares[variable] = rank(variable, weights, into: &ranks[variable])
      }
      for (place, (first, second)) in pairs.enumerated() where squares[first] > 0 && squares[second] > 0 {
        let product = Self.product(ranks[first], ranks[second], weights)
        found[place].append(product / (squares[first] * squares[second]).squareRoot())
      }
    }
    return found.map { Bootstrap.percentiles($0) }
  }

  /// Writes the mean ranks of the resample, less their mean; returns their weighted sum of squares.
  private func rank(_ variable: Int, _ weights: [Double], into ranks: inout [Double]) -> Double {
    let order = orders[variable]
    let tied = tiedWithNext[variable]
    var below = 0.0
    var start = 0
    while start < order.count {
      var end = start
      var weight = weights[Int(order[end])]
      while tied[end] {
        end += 1
        weight += weights[Int(order[end])]
      }
      let rank = below + (weight + 1) / 2
      for place in start...end { ranks[Int(order[place])] = rank }
      below += weight
      start = end + 1
    }
    // The mean of all ranks is known: ranks run from 1 to the total weight.
    let mean = (below + 1) / 2
    for point in ranks.indices { ranks[point] -= mean }
    return Self.product(ranks, ranks, weights)
  }

  private static func product(_ first: [Double], _ second: [Double], _ weights: [Double]) -> Double {
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        weights.withUnsafeBufferPointer { InnerProduct.of(first, second, $0) }
      }
    }
  }
}

/// Orders stages so that each follows all it needs; where that leaves freedom, as in the file.
struct StageOrder {
  var stages: [String]
  /// Stage to the stages that it needs, with the place that says so.
  var edges: [[Int: ValueOrigin]]

  /// The order; incomplete where there is a cycle, which the log then says.
  func sorted(log: ProblemLog) -> [Int] {
    var order: [Int] = []
    var remaining = Set(stages.indices)
    while !remaining.isEmpty {
      let ready = stages.indices.first { stage in
        remaining.contains(stage) && edges[stage].keys.allSatisfy { !remaining.contains($0) }
      }
      if let ready {
        order.append(ready)
        remaining.remove(ready)
      } else {
        let cycle = self.cycle(in: remaining)
        let names = cycle.map { stages[$0] }
        if let last = cycle.last, let first = cycle.first, let origin = edges[last][first] {
          log.report(
            origin, found: "a cycle: \((names + [names[0]]).joined(separator: " → "))",
            expected: "stages that need only earlier ones")
        }
        remaining.subtract(cycle)
      }
    }
    return order
  }

  /// Stages each of which needs the next, and the last the first.
  private func cycle(in remaining: Set<Int>) -> [Int] {
    var path: [Int] = []
    var current = remaining.min() ?? 0
    while true {
      if let start = path.firstIndex(of: current) { return Array(path[start...]) }
      path.append(current)
      guard let next = edges[current].keys.filter(remaining.contains).min() else { return path }
      current = next
    }
  }
}

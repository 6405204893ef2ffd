/// Orders stages so that each follows all it needs; where that leaves freedom, as in the file.
struct StageOrder {
  var stages: [String]
  /// Stage to the stages that it needs, with the place that says so.
  var edges: [[Int: ValueOrigin]]

  /// The order; incomplete where there is a cycle, which the log then says.
  func sorted(log: ProblemLog) -> [Int] {
    var order: [Int] = []
    var open = edges.map(\.count)
    var dependents = Array(repeating: [Int](), count: stages.count)
    for (stage, needed) in edges.enumerated() { for other in needed.keys { dependents[other].append(stage) } }
    var remaining = Set(stages.indices)
    // Stages that need nothing any more, the first of the file last.
    var ready = stages.indices.filter { open[$0] == 0 }.reversed() as [Int]

    func remove(_ stage: Int) {
      remaining.remove(stage)
      for dependent in dependents[stage] {
        open[dependent] -= 1
        guard open[dependent] == 0, remaining.contains(dependent) else { continue }
        ready.insert(dependent, at: ready.partition(after: dependent))
      }
    }

    while !remaining.isEmpty {
      if let next = ready.popLast() {
        order.append(next)
        remove(next)
      } else {
        let cycle = self.cycle(in: remaining)
        report(cycle, to: log)
        cycle.forEach(remove)
        ready.removeAll(where: cycle.contains)
      }
    }
    return order
  }

  private func report(_ cycle: [Int], to log: ProblemLog) {
    guard let first = cycle.first, let last = cycle.last, let origin = edges[last][first] else { return }
    let names = (cycle + [first]).map { stages[$0] }
    log.report(
      origin, found: "a cycle: \(names.joined(separator: " → "))", expected: "stages that need only earlier ones")
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

extension [Int] {
  /// The place of a number among descending ones.
  fileprivate func partition(after number: Int) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

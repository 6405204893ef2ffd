/// Foretells wall time and memory of a run from what actions took before.
enum RunEstimator {
  /// What an action took in an earlier run.
  struct Cost: Sendable {
    var seconds: Double
    var peakBytes: Int
  }

  /// An action that is to run.
  struct Task {
    var index: Int
    /// Those of the tasks that must end first.
    var needs: [Int]
    var cost: Cost
  }

  /// Plays the run through: tasks start in order as soon as what they need is done and a place is free.
  ///
  /// - Parameters:
  ///   - tasks: Ascending by index.
  ///   - places: How many run at once.
  /// - Returns: When the last ends, and the largest memory at once.
  static func estimate(_ tasks: [Task], places: Int) -> RunEstimate {
    var waiting = tasks
    var running: [(index: Int, end: Double, peak: Int)] = []
    var done: Set<Int> = []
    let all = Set(tasks.map(\.index))
    var time = 0.0
    var peak = 0
    while !waiting.isEmpty || !running.isEmpty {
      while running.count < max(1, places),
        let next = waiting.firstIndex(where: { $0.needs.allSatisfy { done.contains($0) || !all.contains($0) } })
      {
        let task = waiting.remove(at: next)
        running.append((task.index, time + task.cost.seconds, task.cost.peakBytes))
      }
      peak = max(peak, running.reduce(0) { $0 + $1.peak })
      guard let first = running.indices.min(by: { running[$0].end < running[$1].end }) else { break }
      time = running[first].end
      done.insert(running.remove(at: first).index)
    }
    return RunEstimate(seconds: time, peakBytes: peak)
  }
}

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
    let places = max(1, places)
    let order = Dictionary(uniqueKeysWithValues: tasks.enumerated().map { ($1.index, $0) })
    var missing = tasks.map { task in task.needs.count { order[$0] != nil } }
    var followers = [[Int]](repeating: [], count: tasks.count)
    for (task, needs) in tasks.map(\.needs).enumerated() {
      for need in needs.compactMap({ order[$0] }) { followers[need].append(task) }
    }
    var ready = IndexQueue()
    for task in missing.indices where missing[task] == 0 { ready.insert(task) }
    var running: [(task: Int, end: Double, peak: Int)] = []
    var time = 0.0
    var peak = 0
    while true {
      while running.count < places, let task = ready.first {
        ready.remove(task)
        running.append((task, time + tasks[task].cost.seconds, tasks[task].cost.peakBytes))
      }
      peak = max(peak, running.reduce(0) { $0 + $1.peak })
      guard let first = running.indices.min(by: { running[$0].end < running[$1].end }) else { break }
      time = running[first].end
      for follower in followers[running.remove(at: first).task] {
        missing[follower] -= 1
        if missing[follower] == 0 { ready.insert(follower) }
      }
    }
    return RunEstimate(seconds: time, peakBytes: peak)
  }
}

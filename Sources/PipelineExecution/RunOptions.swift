package import SystemPackage

/// How a pipeline is run.
package struct RunOptions: Sendable {
  /// The most actions at once; nil for as many as there are threads.
  package var jobs: Int?
  /// Threads that running actions share.
  package var threads: Int
  /// Whether actions that do not need a failed one still start.
  package var keepsGoing = false
  /// Whether to wait for actions that another process holds.
  package var waits = true
  /// Where results are shown; nil for nowhere.
  package var results: FilePath?
  /// How long an interrupted stage may take to save its state, in seconds.
  package var grace = 30.0
  /// Where results of others are looked for before an action runs, and where ours are shared.
  package var remote: SharedResults?

  /// The defaults.
  package init(threads: Int, results: FilePath?) {
    self.threads = threads
    self.results = results
  }
}

/// Shares threads out among actions.
struct ThreadShare {
  /// Threads for all.
  let threads: Int
  /// The most actions at once.
  let jobs: Int
  private(set) var taken = 0
  private(set) var running = 0

  init(threads: Int, jobs: Int?) {
    self.threads = max(1, threads)
    self.jobs = max(1, jobs ?? threads)
  }

  /// Takes threads for one action when `ready` wait for some.
  ///
  /// - Returns: An equal part of what is free, at least 1; nil where all is taken.
  mutating func take(ready: Int) -> Int? {
    let free = threads - taken
    guard running < jobs, free > 0, ready > 0 else { return nil }
    let sharers = min(ready, jobs - running, free)
    let share = (free + sharers - 1) / sharers
    taken += share
    running += 1
    return share
  }

  /// Gives threads back.
  mutating func give(_ share: Int) {
    taken -= share
    running -= 1
  }
}

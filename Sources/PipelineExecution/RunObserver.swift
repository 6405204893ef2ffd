package import StageKit

/// What a run tells whoever shows it; all calls come from the run's own thread.
package protocol RunObserver: AnyObject {
  /// Planning is done and something is to run.
  func runBegins(_ overview: RunOverview)
  /// A process was started for an action.
  func actionBegins(_ id: String)
  /// The stage of a running action tells something.
  func action(_ id: String, tells event: StageEvent)
  /// Another process holds the action.
  func action(_ id: String, isHeldBy holder: String)
  /// The result of an action is looked for at a place, and taken from there; nil when it is not to be had.
  func action(_ id: String, isSoughtAt place: String?)
  /// The run waits only for so many results to be shared at a place.
  func sharing(_ count: Int, at place: String)
  /// An action has come to its end, or was found fresh though it was thought to run.
  func actionEnds(_ ending: ActionEnding)
  /// A signal came: what is done about it.
  func notice(_ text: String)
  /// Something that the user should know: one line.
  func warning(_ text: String)
  /// Some time has passed.
  func timePasses()
  /// The run is over.
  func runEnds(_ closing: RunClosing)
}

/// What is known before anything runs.
package struct RunOverview: Sendable {
  /// The pipeline's name.
  package var pipeline: String
  /// The actions that were asked for, with what they need.
  package var actions: Int
  /// Those whose results are there.
  package var fresh: Int
  /// The ids of those that will run, as far as is known.
  package var pending: [String]
  /// What earlier runs of the same stages took, where all are known.
  package var estimate: RunEstimate?
  /// How many threads stages share.
  package var threads: Int
  /// How many of those are at a remote, where that was asked.
  package var remote: (name: String, count: Int)?
  /// Where those came from that were not made here, a line for every place.
  package var origins: [String]

  /// An overview.
  package init(
    pipeline: String, actions: Int, fresh: Int, pending: [String], estimate: RunEstimate?, threads: Int,
    remote: (name: String, count: Int)? = nil, origins: [String] = []
  ) {
    self.remote = remote
    self.origins = origins
    self.pipeline = pipeline
    self.actions = actions
    self.fresh = fresh
    self.pending = pending
    self.estimate = estimate
    self.threads = threads
  }
}

/// How long a run may take and what memory.
package struct RunEstimate: Sendable, Equatable {
  /// Wall time in seconds.
  package var seconds: Double
  /// The largest memory of the processes that run at once, in bytes.
  package var peakBytes: Int

  /// An estimate.
  package init(seconds: Double, peakBytes: Int) {
    self.seconds = seconds
    self.peakBytes = peakBytes
  }
}

/// How an action ended.
package struct ActionEnding: Sendable {
  /// The action.
  package var id: String
  /// What became of it.
  package var state: ActionState
  /// Wall time, where a process of ours ran.
  package var seconds: Double?
  /// What the stage says of itself; may have many lines.
  package var summary: String?
  /// What went wrong, or who made the result.
  package var message: String?
  /// What helps.
  package var remedy: String?
  /// The last lines of the log of a failed action.
  package var logTail: [String]

  /// An ending.
  package init(
    id: String, state: ActionState, seconds: Double? = nil, summary: String? = nil, message: String? = nil,
    remedy: String? = nil, logTail: [String] = []
  ) {
    self.id = id
    self.state = state
    self.seconds = seconds
    self.summary = summary
    self.message = message
    self.remedy = remedy
    self.logTail = logTail
  }
}

/// What remains to be said at the end.
package struct RunClosing: Sendable {
  /// Texts of reports that were made in this run, whole.
  package var reports: [String] = []
  /// Where the last report lies.
  package var reportPath: String?
  /// A command that changes something, with how much it reruns.
  package var change: (command: String, reruns: Int, of: Int)?
  /// How to go on after an interruption or a failure.
  package var resume: String?
  /// What came from a remote cache and went there.
  package var remote: String?
  /// What else is to be said, such as trouble with the results folder.
  package var trouble: String?

  /// Nothing.
  package init() {}
}

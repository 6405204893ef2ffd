/// The exit status of the command line, which scripts rely on.
public enum ExitStatus: Int32, Sendable, Hashable {
  /// Done.
  case done = 0
  /// A stage that was started failed, bad data included.
  case stageFailed = 1
  /// Found wrong before anything ran: pipeline, parameters, ports, missing paths.
  case invalid = 2
  /// Something is stale or differs.
  case differs = 3
  /// Damaged store, bundle or signature.
  case damaged = 4
  /// Held by another process, under `--no-wait`.
  case held = 5
  /// A remote or an executor can't be reached.
  case unreachable = 6
  /// The disk is full.
  case diskFull = 7
  /// Wrong argument syntax.
  case usage = 64
  /// Interrupted by the user.
  case interrupted = 130
  /// Terminated.
  case terminated = 143
}

/// A failure of a running stage: what went wrong, where, and what helps.
public struct StageFailure: Error, Sendable, CustomStringConvertible {
  /// How the command line ends: 1, or 4, 7, 130 and 143, which keep their meaning inside a stage.
  public var status: ExitStatus
  /// One sentence that names the place.
  public var message: String
  /// What the user can do, or nil.
  public var remedy: String?

  /// A failure.
  public init(_ message: String, remedy: String? = nil, status: ExitStatus = .stageFailed) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  /// The message and the remedy.
  public var description: String { remedy.map { "\(message); \($0)" } ?? message }
}

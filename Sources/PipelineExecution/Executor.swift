import CanonicalJSON
import Glibc
import StageKit
import SystemPackage

/// One attempt at an action, made ready to run: the files that its process reads lie in the work folder.
struct ActionJob {
  /// The file of the request.
  var request: FilePath
  /// The file that says how to start a user's program, where the stage is one.
  var command: FilePath?
  /// Where its output goes.
  var log: FilePath
  /// All that its environment holds besides.
  var environment: [(name: String, value: String)]
}

/// Something that an executor has to tell.
enum ExecutorEvent {
  /// The process of an action told something.
  case told(Int, [ActionReport])
  /// It has ended and is to be collected.
  case ended(Int)
}

/// How a job ended, and what it used.
struct JobEnd: Sendable {
  /// Its exit status, or 128 + the signal that ended it.
  var status: Int32
  /// The signal that ended it.
  var signal: Int32?
  /// The largest resident set of the process and of those that it waited for, in bytes.
  var peakBytes: Int
  /// The processor time that they used, in seconds.
  var processorSeconds: Double
}

/// Where actions run.
///
/// A job is known by the number of its action; what a call does costs the same whatever the number of actions.
///
/// The run submits, sleeps until a descriptor can be read, watches for what has happened, and collects what has ended;
/// nothing that was submitted outlives the executor.
protocol Executor: AnyObject {
  /// Starts a job.
  ///
  /// - Returns: What the journal says of where it runs.
  /// - Throws: The system's error where it can't be started.
  func submit(_ job: ActionJob, of action: Int) throws -> JSONObject
  /// What can be read as soon as there is something to watch for, beside the signals of the process.
  var descriptors: [CInt] { get }
  /// What has happened since it was asked last.
  func watch() -> [ExecutorEvent]
  /// Asks a job to save its state and end, or ends it at once.
  func cancel(_ action: Int, atOnce: Bool)
  /// Takes leave of a job that has ended, with what it still had to tell; whatever it started ends, too.
  func collect(_ action: Int) -> (end: JobEnd, reports: [ActionReport])
  /// Takes leave: nothing runs any more, and what is left of what ran ends.
  func close()
}

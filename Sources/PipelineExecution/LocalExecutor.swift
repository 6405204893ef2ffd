import CProcess
import CanonicalJSON
import Glibc
import StageKit
import SystemPackage

/// Runs actions as child processes on this machine.
final class LocalExecutor: Executor {
  private let program: ActionProgram
  private var processes: [Int: ActionProcess] = [:]
  private var requests: [Int: FilePath] = [:]
  /// Those whose events can still be read.
  private var listening: Set<Int> = []
  /// Those of which it was told that they have ended.
  private var ended: Set<Int> = []

  /// An executor that starts a program once a job.
  ///
  /// What a job leaves behind can be ended only in a process that adopts orphans (`ActionProgram.adoptOrphans`).
  init(program: ActionProgram) { self.program = program }

  func submit(_ job: ActionJob, of action: Int) throws -> JSONObject {
    do { return try start(job, of: action) } catch let error as Errno {
      let isOutOfFiles = [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .invalidArgument].contains(error)
      throw StageFailure(
        "its process can't be started: \(error)",
        remedy: isOutOfFiles ? "raise the limit on open files (ulimit -n), or lower --jobs" : nil)
    }
  }

  private func start(_ job: ActionJob, of action: Int) throws -> JSONObject {
    let log = try FileDescriptor.open(
      job.log, .writeOnly, options: [.create, .truncate, .append, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    defer { try? log.close() }
    let process = try ActionProcess(
      program: program, request: job.request, command: job.command, log: log, environment: job.environment)
    processes[action] = process
    requests[action] = job.request
    listening.insert(action)
    return ["process": JSONValue(Int(process.process))]
  }

  var descriptors: [CInt] { listening.compactMap { processes[$0]?.events.rawValue } }

  func watch() -> [ExecutorEvent] {
    var events: [ExecutorEvent] = []
    for action in processes.keys.sorted() {
      let hasEnded = processes[action]?.hasEnded ?? false
      if listening.contains(action), let (reports, isOpen) = processes[action]?.readReports() {
        if !isOpen { listening.remove(action) }
        if !reports.isEmpty { events.append(.told(action, reports)) }
      }
      if hasEnded, ended.insert(action).inserted { events.append(.ended(action)) }
    }
    return events
  }

  func cancel(_ action: Int, atOnce: Bool) {
    if atOnce { processes[action]?.kill() } else { processes[action]?.interrupt() }
  }

  func collect(_ action: Int) -> (end: JobEnd, reports: [ActionReport]) {
    guard var process = processes.removeValue(forKey: action) else {
      preconditionFailure("action \(action) was not submitted")
    }
    listening.remove(action)
    ended.remove(action)
    let (end, reports) = process.finish()
    // Those that left its group: as long as it lived they were its own children.
    if let request = requests.removeValue(forKey: action) {
      process_end_orphans("\(ChildEnvironment.action)=\(request.string)")
    }
    return (end, reports)
  }

  func close() {
    // What outlived a supervisor that was killed, and has an environment of its own, can't be told by that.
    process_end_orphans("")
  }
}

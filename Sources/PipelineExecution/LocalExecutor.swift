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
  /// What this machine is to processes with certain variables, as the first of them has told.
  private var machines: [[String]: JSONObject] = [:]
  /// The variables of those that are to tell it.
  private var asked: [Int: [String]] = [:]
  /// What is told of those that need not tell it.
  private var known: [Int: JSONObject] = [:]

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
    let variables = job.environment.map { "\($0.name)=\($0.value)" }
    // To say which kernels there are, a library is loaded that a user's program does not need.
    let machine = job.command == nil ? nil : machines[variables]
    let process = try ActionProcess(
      program: program, request: job.request, command: job.command, log: log, environment: job.environment,
      isDescribed: machine != nil)
    processes[action] = process
    if let machine { known[action] = machine } else { asked[action] = variables }
    requests[action] = job.request
    listening.insert(action)
    return ["process": JSONValue(Int(process.process))]
  }

  var descriptors: [CInt] { listening.compactMap { processes[$0]?.events.rawValue } }

  func watch() -> [ExecutorEvent] {
    var events: [ExecutorEvent] = []
    for action in processes.keys.sorted() {
      let hasEnded = processes[action]?.hasEnded ?? false
      if listening.contains(action), let (told, isOpen) = processes[action]?.readReports() {
        if !isOpen { listening.remove(action) }
        let reports = completed(told, of: action)
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
    let (end, told) = process.finish()
    let reports = completed(told, of: action)
    asked[action] = nil
    // Those that left its group: as long as it lived they were its own children.
    if let request = requests.removeValue(forKey: action) {
      process_end_orphans("\(ChildEnvironment.action)=\(request.string)")
    }
    return (end, reports)
  }

  /// What a process told, with what it need not tell before it.
  private func completed(_ reports: [ActionReport], of action: Int) -> [ActionReport] {
    if let machine = known.removeValue(forKey: action) { return [.environment(machine)] + reports }
    if asked[action] != nil, case .environment(let machine)? = reports.first,
      let variables = asked.removeValue(forKey: action)
    {
      machines[variables] = machine
    }
    return reports
  }

  func close() {
    // What outlived a supervisor that was killed, and has an environment of its own, can't be told by that.
    process_end_orphans("")
  }
}

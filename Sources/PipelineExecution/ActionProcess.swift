import CProcess
import Glibc
import StageKit
package import SystemPackage

/// The process of one action, seen from the engine: its group, its reports, its end.
struct ActionProcess {
  /// The process, which leads the group of the same number.
  let process: pid_t
  /// Where its reports are read; non-blocking.
  let events: FileDescriptor
  /// As long as this is open the group lives; nobody writes to it.
  private let guarding: FileDescriptor
  private var lines = LineBuffer()

  /// Starts the executable again, with the hidden verb that runs one action.
  ///
  /// - Parameters:
  ///   - program: The executable and the hidden verb's arguments.
  ///   - request: The file of the request.
  ///   - command: The file that says how to start a user's program, where the stage is one.
  ///   - log: What takes its output.
  ///   - environment: All that its environment holds besides.
  ///   - isDescribed: Whether it is known already what this machine is to such a process.
  /// - Throws: The system's error where it can't be started.
  init(
    program: ActionProgram, request: FilePath, command: FilePath?, log: FileDescriptor,
    environment: [(name: String, value: String)], isDescribed: Bool
  ) throws(Errno) {
    let (eventsOut, eventsIn) = try Self.pipe()
    defer { try? eventsIn.close() }
    let guards: (read: FileDescriptor, write: FileDescriptor)
    do {
      guards = try Self.pipe()
    } catch {
      try? eventsOut.close()
      throw error
    }
    defer { try? guards.read.close() }
    var variables = environment
    variables.append((ChildEnvironment.action, request.string))
    variables.append((ChildEnvironment.events, "3"))
    variables.append((ChildEnvironment.guarding, "4"))
    if let command { variables.append((ChildEnvironment.command, command.string)) }
    if isDescribed { variables.append((ChildEnvironment.described, "1")) }
    do {
      let empty = try Self.openNull()
      defer { try? empty.close() }
      process = try Launch(
        executable: program.executable, arguments: [program.name] + program.arguments, environment: variables,
        directory: nil,
        descriptors: [(empty, 0), (log, 1), (log, 2), (eventsIn, 3), (guards.read, 4)],
        leadsGroup: true, deathSignal: nil
      ).start()
    } catch {
      try? eventsOut.close()
      try? guards.write.close()
      throw error
    }
    events = eventsOut
    guarding = guards.write
    _ = fcntl(events.rawValue, F_SETFL, O_NONBLOCK)
  }

  /// The reports that wait to be read, and whether more may come.
  mutating func readReports() -> (reports: [ActionReport], isOpen: Bool) {
    var reports: [ActionReport] = []
    var isOpen = true
    while true {
      let chunk = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer -> [UInt8]? in
        let count = read(events.rawValue, buffer.baseAddress, buffer.count)
        if count == 0 { isOpen = false }
        return count > 0 ? Array(buffer[..<count]) : nil
      }
      guard let chunk else { return (reports, isOpen) }
      reports += lines.append(chunk).compactMap { ActionReport(line: $0) }
    }
  }

  /// Whether the process has ended.
  var hasEnded: Bool { JobEnd.hasEnded(process) }

  /// Asks the whole group to stop.
  func interrupt() { kill(-process, SIGTERM) }

  /// Ends the whole group at once.
  func kill() { kill(-process, SIGKILL) }

  private func kill(_ process: pid_t, _ signal: Int32) { _ = Glibc.kill(process, signal) }

  /// Takes leave of a process that has ended: what is left of its group ends too.
  ///
  /// - Returns: How it ended, with the reports that were still to be read.
  mutating func finish() -> (end: JobEnd, reports: [ActionReport]) {
    // While the leader is not waited for, its number can't become another group's.
    kill()
    let reports = readReports().reports
    let end = JobEnd.wait(for: process)
    try? events.close()
    try? guarding.close()
    return (end, reports)
  }

  private static func pipe() throws(Errno) -> (read: FileDescriptor, write: FileDescriptor) {
    var ends: [Int32] = [0, 0]
    guard process_pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
    return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
  }

  private static func openNull() throws(Errno) -> FileDescriptor {
    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return FileDescriptor(rawValue: descriptor)
  }
}

/// How the executable is started again to run one action.
package struct ActionProgram: Sendable {
  /// The executable.
  package var executable: FilePath
  /// What it is called.
  package var name: String
  /// The hidden verb.
  package var arguments: [String]

  /// This very executable, even if its file was replaced since it started.
  ///
  /// - Parameter arguments: The hidden verb.
  package init(arguments: [String]) {
    self.init(executable: "/proc/self/exe", name: CommandLine.arguments.first ?? "apprentice", arguments: arguments)
  }

  /// From now on whatever an action leaves behind becomes a child of this process, so that it can be ended.
  ///
  /// For a process that does nothing else than run a pipeline: it is told of children that it did not start.
  package static func adoptOrphans() { process_adopt_orphans() }

  /// An executable.
  package init(executable: FilePath, name: String, arguments: [String]) {
    self.executable = executable
    self.name = name
    self.arguments = arguments
  }
}

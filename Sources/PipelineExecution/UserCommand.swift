import CanonicalJSON
import CProcess
import Glibc
import StageKit
import SystemPackage

/// How the supervisor starts a user's program.
struct UserCommand {
  /// The program and its arguments.
  var command: [String]
  /// The folder with copies of its code, in which it runs.
  var directory: FilePath
  /// All that its environment holds, except what tells it of its action.
  var environment: [(name: String, value: String)]
  /// What is checked after it.
  var outputs: [(port: String, kind: ArtifactKind)]

  init(
    command: [String], directory: FilePath, environment: [(name: String, value: String)],
    outputs: [(port: String, kind: ArtifactKind)]
  ) {
    self.command = command
    self.directory = directory
    self.environment = environment
    self.outputs = outputs
  }

  var json: JSONValue {
    [
      "command": .array(command.map { .string($0) }), "directory": .string(directory.string),
      "environment": .object(JSONObject(environment.map { ($0.name, .string($0.value)) })),
      "outputs": .object(JSONObject(outputs.map { ($0.port, .string($0.kind.rawValue)) })),
    ]
  }

  init(file: FilePath) throws {
    let json = try JSONValue(parsing: try SmallFile.bytes(of: file))
    guard let command = json["command"]?.array?.compactMap(\.string), !command.isEmpty,
      let directory = json["directory"]?.string, let environment = json["environment"]?.object,
      let outputs = json["outputs"]?.object
    else { throw StageFailure("\(file) does not say how to start a program") }
    self.init(
      command: command, directory: FilePath(directory),
      environment: environment.members.map { ($0.name, $0.value.string ?? "") },
      outputs: outputs.members.compactMap { member in
        member.value.string.flatMap(ArtifactKind.init(rawValue:)).map { (member.name, $0) }
      })
  }

  /// Starts the program in the supervisor's process group and waits for it.
  ///
  /// It dies with the supervisor, and with the group when the engine is gone.
  /// - Throws: `StageFailure` where it can't be started or ends with a status other than 0.
  func run(events: FileDescriptor?) throws(StageFailure) {
    guard let program = executable() else {
      throw StageFailure(
        "the program \(command[0]) was not found", remedy: "install it, or correct `run.command` in stage.yaml")
    }
    var environment = environment
    var descriptors: [(ours: FileDescriptor, theirs: Int32)] = [
      (.standardInput, 0), (.standardOutput, 1), (.standardError, 2),
    ]
    if let events {
      descriptors.append((events, events.rawValue))
      environment.append((ChildEnvironment.events, "\(events.rawValue)"))
    }
    if let action = getenv(ChildEnvironment.action) {
      environment.append((ChildEnvironment.action, String(cString: action)))
    }
    let launch = Launch(
      executable: program, arguments: command, environment: environment, directory: directory,
      descriptors: descriptors, leadsGroup: false, deathSignal: SIGKILL)
    let end: JobEnd
    do {
      end = JobEnd.wait(for: try launch.start())
      // A worker with a session of its own ends with the action, too.
      process_end_orphans(nil)
    } catch {
      throw StageFailure("the program \(command[0]) could not be started: \(error)")
    }
    guard end.status != 0 else { return }
    if process_is_interrupted() != 0 { throw StageFailure("interrupted", status: .interrupted) }
    if let signal = end.signal { throw StageFailure("\(command[0]) was ended by signal \(signal)") }
    let kept: [ExitStatus] = [.damaged, .diskFull]
    throw StageFailure(
      "\(command[0]) ended with status \(end.status)",
      status: kept.first { $0.rawValue == end.status } ?? .stageFailed)
  }

  /// The program's file: a path is relative to the working directory, a bare name is looked for along PATH.
  private func executable() -> FilePath? {
    let name = command[0]
    if name.utf8.contains(UInt8(ascii: "/")) { return directory.pushing(FilePath(name)) }
    let path = environment.first { $0.name == "PATH" }?.value ?? "/usr/local/bin:/usr/bin:/bin"
    for folder in path.split(separator: ":") {
      let candidate = FilePath(String(folder)).appending(name)
      if candidate.withPlatformString({ access($0, X_OK) }) == 0 { return candidate }
    }
    return nil
  }
}

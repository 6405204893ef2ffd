import ArtifactStore
import CProcess
public import CanonicalJSON
import Glibc
public import StageKit
import Synchronization
public import SystemPackage

/// What runs in the process of one action: the stage, or the supervisor of a user's program.
///
/// The engine starts the same executable again with a hidden verb that calls `run`. `APPRENTICE_ACTION` names the
/// request; events go to the descriptor that `APPRENTICE_EVENTS` names.
public struct ActionProcessMain: Sendable {
  /// Checks the files of one kind in a folder; throws an error of one sentence where they are not as they must be.
  public typealias Validator = @Sendable (FilePath) throws -> Void

  /// The built-in stages.
  public var registry: StageRegistry
  /// How outputs are checked before they are published, by kind.
  public var validators: [ArtifactKind: Validator]
  /// What else the bits depend on: CPU, kernel class, OpenBLAS configuration and core.
  public var environment: @Sendable () -> JSONObject
  /// Throws where this machine can't compute as the environment asks.
  public var check: @Sendable () throws -> Void

  /// What the process of an action needs to know of the program.
  public init(
    registry: StageRegistry, validators: [ArtifactKind: Validator], environment: @escaping @Sendable () -> JSONObject,
    check: @escaping @Sendable () throws -> Void
  ) {
    self.registry = registry
    self.validators = validators
    self.environment = environment
    self.check = check
  }

  /// Runs the action that the environment names.
  ///
  /// - Returns: The exit status of the process.
  public func run() -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    guardGroup()
    process_flag_interruption()
    let events = EventWriter(descriptor: Self.descriptor(ChildEnvironment.events))
    do {
      guard let path = Self.variable(ChildEnvironment.action) else {
        throw StageFailure("this verb is for the engine's own use: \(ChildEnvironment.action) is not set")
      }
      let request = try Self.request(FilePath(path))
      if Self.variable(ChildEnvironment.described) == nil { events.write(.environment(environment())) }
      if let command = Self.variable(ChildEnvironment.command) {
        let file = FilePath(command)
        let command = try UserCommand(file: file)
        // It may hold secrets; the file itself is used again.
        truncate(file.string, 0)
        try runCommand(command, request: request)
      } else {
        try check()
        try runStage(request, events: events)
      }
      return ExitStatus.done.rawValue
    } catch {
      let failure = FailureStatus.failure(error)
      events.write(.failure(message: failure.message, remedy: failure.remedy))
      LogText.write("failed: \(failure.description)")
      return failure.status.rawValue
    }
  }

  /// Sees to it that nothing of this action outlives the engine.
  private func guardGroup() {
    guard let descriptor = Self.descriptor(ChildEnvironment.guarding) else { return }
    _ = fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC)
    let error = process_guard_group(descriptor.rawValue)
    // Without a guard the action must not run: it could outlive the engine.
    if error != 0 { exit(ExitStatus.stageFailed.rawValue) }
  }

  private func runStage(_ request: ActionRequest, events: EventWriter) throws {
    guard let stage = registry.stage(named: request.stage) else {
      throw StageFailure("this program has no stage \(request.stage)")
    }
    let values = try ParameterValues(request.parameters, for: stage.declaration)
    let context = StageContext(
      inputs: Dictionary(uniqueKeysWithValues: request.inputs.map { ($0.port, $0.inputs) }),
      outputs: Dictionary(uniqueKeysWithValues: request.outputs.map { ($0.port, $0.path) }),
      work: request.work, threads: request.threads, action: request.key,
      emit: { event in
        events.write(.stage(event))
        if let text = LogText.line(event) { LogText.write(text) }
      },
      interrupted: { process_is_interrupted() != 0 })
    do { try stage.init(values).run(context) } catch let error as Errno {
      throw FailureStatus.failure(error, writing: request.outputs.map { (name: $0.port, path: $0.path) })
    }
    try validate(
      request.outputs.compactMap { output in
        stage.declaration.output(output.port).map { ($0.name, $0.kind, output.path) }
      })
  }

  private func runCommand(_ command: UserCommand, request: ActionRequest) throws {
    try command.run(events: Self.descriptor(ChildEnvironment.events))
    try validate(
      command.outputs.compactMap { output in
        request.outputs.first { $0.port == output.port }.map { (output.port, output.kind, $0.path) }
      })
  }

  private func validate(_ outputs: [(port: String, kind: ArtifactKind, path: FilePath)]) throws {
    for (port, kind, path) in outputs {
      do {
        try OutputFolder.check(path)
        try validators[kind]?(path)
      } catch let failure as StageFailure where failure.status != .stageFailed {
        throw failure
      } catch {
        throw StageFailure("output \(port) is no valid \(kind.rawValue): \(error)")
      }
    }
  }

  private static func request(_ path: FilePath) throws -> ActionRequest {
    guard let request = ActionRequest(json: try JSONValue(parsing: try SmallFile.bytes(of: path))) else {
      throw StageFailure("\(path) is no request of an action")
    }
    return request
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  private static func descriptor(_ name: String) -> FileDescriptor? {
    variable(name).flatMap { Int32($0) }.map { FileDescriptor(rawValue: $0) }
  }
}

/// The environment variables by which the engine speaks to the process of an action.
enum ChildEnvironment {
  /// The file of the request.
  static let action = "APPRENTICE_ACTION"
  /// The number of the descriptor for events.
  static let events = "APPRENTICE_EVENTS"
  /// The number of the descriptor whose end means that the engine is gone.
  static let guarding = "APPRENTICE_GUARD"
  /// The file that says how to start a user's program.
  static let command = "APPRENTICE_COMMAND"
  /// Set where the process need not say what this machine is to it.
  static let described = "APPRENTICE_DESCRIBED"
}

/// What of a stage's events stands in its log, too.
private enum LogText {
  static func line(_ event: StageEvent) -> String? {
    switch event {
    case .summary(let text): text
    case .warning(let text): "warning: \(text)"
    case .measure(let name, let value): "\(name): \(Wording.rate(value))"
    case .progress: nil
    }
  }

  static func write(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(Array("\(text)\n".utf8)) }
}

/// Writes reports, a line each, from any thread.
private final class EventWriter: Sendable {
  private let descriptor: Mutex<FileDescriptor?>

  init(descriptor: FileDescriptor?) { self.descriptor = Mutex(descriptor) }

  func write(_ report: ActionReport) {
    var text = JSONText()
    text.append(report.json)
    text.raw("\n")
    let bytes = text.bytes
    // A reader that is gone is the guard's business.
    descriptor.withLock { descriptor in _ = try? descriptor?.writeAll(bytes) }
  }
}

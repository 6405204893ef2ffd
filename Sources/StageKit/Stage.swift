public import CanonicalJSON
public import SystemPackage

/// One step of a pipeline: a declaration, parameters that hang together, and `run`.
///
/// A stage sees folders and numbers only: no store, no pipeline, no clock, no global random numbers.
public protocol Stage: Sendable {
  /// Ports, parameters and revision.
  static var declaration: StageDeclaration { get }
  /// The stage with checked parameters.
  ///
  /// - Parameter parameters: Values of the declared types and ranges.
  /// - Throws: `ParameterError` where values exclude each other; this is found before anything runs.
  init(_ parameters: ParameterValues) throws(ParameterError)
  /// Whether the connected ports go together with the parameters; asked before anything runs.
  ///
  /// - Parameter ports: The names of the input ports that are connected; those that must be are.
  /// - Throws: `ConnectionError` where one is missing or one too many.
  func check(connected ports: Set<String>) throws(ConnectionError)
  /// Reads the input folders and fills the output folders.
  ///
  /// - Parameter context: Folders, threads, progress and interruption.
  /// - Throws: `StageFailure`, or an error that says in one sentence what was wrong where.
  func run(_ context: StageContext) throws
  /// Names or globs of the files that the stage reads below a `source` folder; nil for all.
  ///
  /// Other files are neither read nor hashed. A glob does not cross folders, and one that no file matches is no error
  /// here; a name without a file is one.
  var sourceFiles: [String]? { get }
}

extension Stage {
  /// Any that the declaration allows.
  public func check(connected ports: Set<String>) throws(ConnectionError) {}
  /// All files.
  public var sourceFiles: [String]? { nil }
}

/// One artifact at an input port.
public struct StageInput: Sendable, Hashable {
  /// How the user called it: `iq@lambda=0.1.scores`, or the label of `--in PORT:LABEL=PATH`.
  public var label: String
  /// The grid axes of its cell.
  public var axes: JSONObject
  /// The digest of the artifact, `sha256:…`; nil where it is in no store.
  public var digest: String?
  /// Its folder, or the one file that its kind needs.
  public var path: FilePath

  /// An input.
  public init(label: String, axes: JSONObject = [:], digest: String? = nil, path: FilePath) {
    self.label = label
    self.axes = axes
    self.digest = digest
    self.path = path
  }
}

/// What a stage runs with.
public struct StageContext: Sendable {
  private let inputs: [String: [StageInput]]
  private let outputs: [String: FilePath]
  private let emit: @Sendable (StageEvent) -> Void
  private let interrupted: @Sendable () -> Bool
  /// A folder for checkpoints and scratch files; what lies here survives a killed attempt of the same action.
  public let work: FilePath
  /// How many threads the stage may use; the result does not depend on it.
  public let threads: Int
  /// What names the action, so that a checkpoint of another is known: its key, or the name of its folder for checkpoints.
  public let action: String

  /// A context.
  public init(
    inputs: [String: [StageInput]], outputs: [String: FilePath], work: FilePath, threads: Int, action: String? = nil,
    emit: @escaping @Sendable (StageEvent) -> Void, interrupted: @escaping @Sendable () -> Bool
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.work = work
    self.threads = threads
    self.action = action ?? work.lastComponent?.string ?? ""
    self.emit = emit
    self.interrupted = interrupted
  }

  /// The artifact at a port that takes one and is not optional.
  public func input(_ port: String) -> StageInput {
    guard let input = inputs[port]?.first else { preconditionFailure("port \(port) is not connected") }
    return input
  }

  /// The artifact at an optional port, or nil.
  public func optionalInput(_ port: String) -> StageInput? { inputs[port]?.first }

  /// The artifacts at a port that takes many, in order.
  public func allInputs(_ port: String) -> [StageInput] { inputs[port] ?? [] }

  /// The folder of an output port; it exists and is empty, or holds what a killed attempt left.
  public func output(_ port: String) -> FilePath {
    guard let path = outputs[port] else { preconditionFailure("no output port \(port)") }
    return path
  }

  /// Tells the engine something.
  public func report(_ event: StageEvent) { emit(event) }

  /// Whether the user asked to stop; a stage that trains writes a checkpoint and throws `interruption`.
  public var isInterrupted: Bool { interrupted() }

  /// The failure to throw once `isInterrupted` is seen and all is saved.
  public var interruption: StageFailure { StageFailure("interrupted", status: .interrupted) }
}

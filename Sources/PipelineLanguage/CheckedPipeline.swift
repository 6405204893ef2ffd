public import CanonicalJSON
public import StageKit
public import SystemPackage

/// A pipeline file in which everything has been checked: what to run, with which values, in which order.
public struct CheckedPipeline: Sendable {
  /// The pipeline's name.
  public var name: String
  /// The file, as the user named it or as it was found.
  public var file: FilePath
  /// Which kernels its stages use.
  public var numerics: NumericsPolicy
  /// The values that `--set` may override, in the order of the file.
  public var params: [PipelineParameter]
  /// Every action after all those it needs; where that leaves freedom, in the order of the file, cells in grid order.
  public var actions: [PlannedAction]
  /// The stages in the order of the file.
  public var stageNames: [String]
  /// Params that `--set` names and that nothing in the file reads.
  public var unreadSettings: [String] = []

  /// A pipeline.
  public init(
    name: String, file: FilePath, numerics: NumericsPolicy, params: [PipelineParameter], actions: [PlannedAction],
    stageNames: [String]
  ) {
    self.name = name
    self.file = file
    self.numerics = numerics
    self.params = params
    self.actions = actions
    self.stageNames = stageNames
  }
}

/// Which kernels a pipeline's stages use; part of every action key.
public enum NumericsPolicy: String, Sendable, Hashable, CaseIterable {
  /// The fastest of this machine: same bits on one kind of CPU.
  case native
  /// Those that every x86-64-v3 machine has: same bits on all of them.
  case portable
}

/// One of the pipeline's `params` with the value that holds in this run.
public struct PipelineParameter: Sendable, Hashable {
  /// The name in `${name}` and `--set name=value`.
  public var name: String
  /// The value, read by YAML's core schema, `${…}` replaced.
  public var value: JSONValue
  /// Where the value was written.
  public var origin: ValueOrigin

  /// A parameter.
  public init(name: String, value: JSONValue, origin: ValueOrigin) {
    self.name = name
    self.value = value
    self.origin = origin
  }
}

/// One run of a stage: a stage without grid has one, a gridded stage one per cell.
public struct PlannedAction: Sendable {
  /// The stage's name in the file.
  public var stage: String
  /// The cell, or nil where the stage has no grid.
  public var cell: CellName?
  /// What runs.
  public var implementation: StageImplementation
  /// Ports, parameters and revision of what runs.
  public var declaration: StageDeclaration
  /// A value for every declared parameter.
  public var parameters: ParameterValues
  /// Where the values that the user gave were written, by parameter; those left at their default are absent.
  ///
  /// For a value that is exactly `${x}` this is the place of x's value.
  public var parameterOrigins: [String: ValueOrigin]
  /// Every connected input port in the order of the declaration.
  public let inputs: [PlannedInput]
  /// The indices of the actions whose outputs this one reads, ascending, each once.
  public let dependencies: [Int]
  /// The stage's key in the file.
  public var location: SourceLocation

  /// An action.
  public init(
    stage: String, cell: CellName?, implementation: StageImplementation, declaration: StageDeclaration,
    parameters: ParameterValues, parameterOrigins: [String: ValueOrigin], inputs: [PlannedInput],
    location: SourceLocation
  ) {
    self.stage = stage
    self.cell = cell
    self.implementation = implementation
    self.declaration = declaration
    self.parameters = parameters
    self.parameterOrigins = parameterOrigins
    self.inputs = inputs
    var dependencies: Set<Int> = []
    for input in inputs {
      for case .output(let action, _, _, _) in input.sources { dependencies.insert(action) }
    }
    self.dependencies = dependencies.sorted()
    self.location = location
  }

  /// `mle`, or `iq@lambda=0.1,seed=2`.
  public var id: String { cell.map { "\(stage)@\($0)" } ?? stage }
}

/// What runs a stage.
public enum StageImplementation: Sendable {
  /// One of the stages that the program brings.
  case builtin(any Stage.Type)
  /// A program of the user's own.
  case command(UserStage)
}

/// A connected input port.
public struct PlannedInput: Sendable {
  /// The port.
  public var port: PortDeclaration
  /// What it receives: one source, or at a port that takes many any number, as written, then in grid order.
  public var sources: [InputSource]

  /// A port with what it receives.
  public init(port: PortDeclaration, sources: [InputSource]) {
    self.port = port
    self.sources = sources
  }
}

/// Where an input comes from.
public enum InputSource: Sendable, Hashable {
  /// An output of an earlier action.
  ///
  /// `action` is its index among the pipeline's actions; the label is the reference with the cell's full name,
  /// such as `score@lambda=0.1,seed=0.scores`; `axes` are the cell's.
  case output(action: Int, port: String, label: String, axes: JSONObject)
  /// A file or folder outside the store: an absolute path that existed when the pipeline was checked.
  ///
  /// `kind` is the port's. The label is the text as written in the file with only `${matrix.…}` replaced, so that
  /// it holds neither what `--set` says nor where the file lies.
  case path(FilePath, kind: ArtifactKind, label: String, origin: ValueOrigin)
}

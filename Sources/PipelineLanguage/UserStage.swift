public import StageKit
public import SystemPackage

/// A stage of the user's own: a folder with `stage.yaml` and any program.
public struct UserStage: Sendable {
  /// What the manifest declares.
  public var declaration: StageDeclaration
  /// The folder, absolute.
  public var folder: FilePath
  /// The program and its arguments; it runs in a folder that holds copies of `code`.
  public var command: [String]
  /// Files that the program consists of, relative to the folder; their bytes belong to the action key.
  public var code: [FilePath]
  /// Variables of our environment that the program gets beside the usual ones; outside the action key.
  public var environment: [String]

  /// A stage.
  public init(
    declaration: StageDeclaration, folder: FilePath, command: [String], code: [FilePath], environment: [String] = []
  ) {
    self.declaration = declaration
    self.folder = folder
    self.command = command
    self.code = code
    self.environment = environment
  }
}

extension PipelineChecker {
  /// The stage in a folder.
  ///
  /// - Parameter folder: The folder, absolute or relative to the working directory.
  /// - Returns: The stage.
  /// - Throws: All that is wrong with its manifest.
  public func userStage(_ folder: String) throws(PipelineProblems) -> UserStage {
    let log = ProblemLog()
    let places = Places(workingDirectory: workingDirectory)
    var resolver = StageResolver(registry: registry, places: places, log: log)
    guard let stage = resolver.folder(folder, at: .commandLine(folder)) else {
      throw PipelineProblems(log.sorted(main: folder))
    }
    return stage
  }
}

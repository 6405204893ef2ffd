public import StageKit
public import SystemPackage

/// Reads a pipeline file and checks everything that can be known before anything runs.
public struct PipelineChecker: Sendable {
  /// The built-in stages.
  public var registry: StageRegistry
  /// What relative paths of the command line are relative to; absolute.
  public var workingDirectory: FilePath
  /// The value of an environment variable, or nil.
  public var environment: @Sendable (String) -> String?

  /// A checker.
  public init(
    registry: StageRegistry, workingDirectory: FilePath, environment: @escaping @Sendable (String) -> String?
  ) {
    self.registry = registry
    self.workingDirectory = workingDirectory
    self.environment = environment
  }

  /// The file to use where the command line names none.
  ///
  /// That is `./apprentice.yaml`, else the only file in `pipelines/`.
  ///
  /// - Returns: A path relative to the working directory.
  /// - Throws: A problem that lists the files to choose from.
  public func discover() throws(PipelineProblems) -> FilePath { throw PipelineProblems([]) }

  /// The pipeline of a file.
  ///
  /// - Parameters:
  ///   - file: The file, absolute or relative to the working directory.
  ///   - settings: The arguments of `--set`, each `name=value`.
  /// - Returns: The pipeline, everything in it checked.
  /// - Throws: All problems at once.
  public func check(_ file: FilePath, settings: [String] = []) throws(PipelineProblems) -> CheckedPipeline {
    throw PipelineProblems([])
  }
}

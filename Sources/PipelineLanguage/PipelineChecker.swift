import CanonicalJSON
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
  /// What a path lacks to be an artifact of a kind, such as `config.json` for a model; nil where it lacks nothing.
  public var missing: @Sendable (ArtifactKind, FilePath) -> String?
  /// Whether an input, as written and as a path where there is nothing, is known by its content all the same.
  public var isKnown: @Sendable (_ label: String, ArtifactKind, FilePath) -> Bool = { _, _, _ in false }

  /// A checker.
  ///
  /// - Parameters:
  ///   - registry: The built-in stages.
  ///   - workingDirectory: The working directory, absolute.
  ///   - missing: What a path lacks to be an artifact of a kind.
  ///   - environment: The value of an environment variable, or nil.
  public init(
    registry: StageRegistry, workingDirectory: FilePath,
    missing: @escaping @Sendable (ArtifactKind, FilePath) -> String? = { _, _ in nil },
    environment: @escaping @Sendable (String) -> String?
  ) {
    self.missing = missing
    self.registry = registry
    self.workingDirectory = workingDirectory
    self.environment = environment
  }

  /// The pipeline of a file.
  ///
  /// - Parameters:
  ///   - file: The file, absolute or relative to the working directory.
  ///   - settings: The arguments of `--set`, each `name=value`; of two for one name the later holds.
  /// - Returns: The pipeline, everything in it checked.
  /// - Throws: All problems at once.
  public func check(_ file: FilePath, settings: [String] = []) throws(PipelineProblems) -> CheckedPipeline {
    let log = ProblemLog()
    let pipeline = check(file, settings: settings, log: log)
    guard let pipeline, log.isEmpty else { throw PipelineProblems(log.sorted(main: file.string)) }
    return pipeline
  }

  private func check(_ file: FilePath, settings: [String], log: ProblemLog) -> CheckedPipeline? {
    let places = Places(workingDirectory: workingDirectory)
    let path = places.absolute(file)
    guard let bytes = FileAccess.read(path) else {
      let isThere = FileAccess.exists(path)
      let reason =
        if let kind = FileAccess.otherKind(of: path) {
          "\(file), which is \(kind)"
        } else {
          isThere ? "\(file), which can't be read" : "no file \(file)"
        }
      let origin = ValueOrigin.file(SourceLocation(file: file, line: 1, column: 1))
      log.report(
        origin, found: reason, expected: "a pipeline file", nearest: isThere ? nil : places.nearestFile(to: path))
      return nil
    }
    guard let root = YAMLReader.read(bytes, file: file, log: log) else { return nil }
    let syntax = PipelineSyntaxReader(log: log).read(root)
    let params = PipelineParams(syntax, settings: settings, variable: environment, log: log)
    let resolved = params.all(log: log)
    let grids = GridResolver(syntax.stages, params: params, log: log)
    var implementations = StageResolver(registry: registry, places: places, log: log)
    let stages = syntax.stages.map { stage in
      StageDraft(syntax: stage, implementation: implementations.resolve(stage), grid: grids.grid(of: stage))
    }
    let references = ReferenceResolver(stages: stages, places: places, missing: missing, isKnown: isKnown, log: log)
    let planner = ActionPlanner(
      stages: stages, builtins: implementations.declarations, params: params, references: references, log: log)
    let actions = planner.plan()
    var pipeline = CheckedPipeline(
      name: syntax.name?.text ?? Self.defaultName(of: file), file: file, numerics: syntax.numerics, params: resolved,
      actions: actions, stageNames: syntax.stages.map(\.name))
    pipeline.unreadSettings = params.unread
    return pipeline
  }

  /// The file's name without its extension, what no name may hold replaced by `-`.
  private static func defaultName(of file: FilePath) -> String {
    let stem = file.lastComponent?.stem ?? "pipeline"
    let name = String(stem.map { String($0).isName(dots: false) ? $0 : "-" })
    return name.isName ? name : "pipeline"
  }
}

/// What relative paths are relative to.
struct Places {
  var workingDirectory: FilePath

  /// A path of the command line.
  func absolute(_ path: FilePath) -> FilePath { Self.clean(workingDirectory.pushing(path)) }

  /// A path that was written at a place: in a file relative to it, else to the working directory.
  func absolute(_ path: String, from origin: ValueOrigin) -> FilePath {
    switch origin {
    case .file(let location): Self.clean(folder(of: location.file).pushing(FilePath(path)))
    case .commandLine, .environment: absolute(FilePath(path))
    }
  }

  /// The folder that holds a file.
  func folder(of file: FilePath) -> FilePath { workingDirectory.pushing(file).removingLastComponent() }

  /// The name of a file next to a missing one that is near to its name.
  func nearestFile(to path: FilePath) -> String? {
    guard let name = path.lastComponent?.string else { return nil }
    // A link that leads nowhere is listed under the very name.
    let names = (FileAccess.names(in: path.removingLastComponent()) ?? []).filter { $0 != name }
    return Spelling.nearest(to: name, among: names)
  }

  /// The path without `.` components; `..` stays, since it may follow a link.
  private static func clean(_ path: FilePath) -> FilePath {
    guard path.components.contains(where: { $0.kind == .currentDirectory }) else { return path }
    return FilePath(root: path.root, path.components.filter { $0.kind != .currentDirectory })
  }
}

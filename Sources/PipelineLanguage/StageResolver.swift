import StageKit
import SystemPackage

/// A stage of the file with what runs it and its grid, before its values are read.
struct StageDraft {
  var syntax: StageSyntax
  /// What runs it, or nil where `uses` has been reported.
  var implementation: (runs: StageImplementation, declaration: StageDeclaration)?
  var grid: GridResolver.Outcome
}

/// Finds what `uses` names.
struct StageResolver {
  let declarations: [StageDeclaration]
  private let registry: StageRegistry
  private let places: Places
  private let log: ProblemLog
  private var folders: [String: UserStage?] = [:]

  init(registry: StageRegistry, places: Places, log: ProblemLog) {
    self.registry = registry
    self.places = places
    self.log = log
    declarations = registry.declarations
  }

  /// What people call some stages elsewhere.
  private static let foreignNames = [
    "sft": "train-mle", "mle": "train-mle", "finetune": "train-mle", "fine-tune": "train-mle", "train": "train-mle",
    "iq": "train-iq", "iqlearn": "train-iq", "iq-learn": "train-iq", "gail": "train-gail", "evaluate": "score",
    "eval": "score", "metrics": "score", "sample": "generate", "inference": "generate", "predict": "generate",
    "model": "init-model", "import": "init-model", "load": "ingest", "dataset": "ingest", "data": "ingest",
    "reward": "extract-reward", "rewards": "extract-reward", "compare": "report",
  ]

  /// The implementation of a stage, or nil where there is none, which the log then says.
  mutating func resolve(_ stage: StageSyntax) -> (runs: StageImplementation, declaration: StageDeclaration)? {
    guard let (name, origin) = stage.uses else { return nil }
    if name.contains("/") || name.hasPrefix(".") {
      return folder(name, at: origin).map { (.command($0), $0.declaration) }
    }
    if let index = declarations.firstIndex(where: { $0.name == name }) {
      return (.builtin(registry.stages[index]), declarations[index])
    }
    let names = declarations.map(\.name)
    let known = Spelling.nearest(to: name, among: names)
    let foreign = Self.foreignNames[name.lowercased()].flatMap { names.contains($0) ? $0 : nil }
    let isFolder = FileAccess.exists(places.absolute(name, from: origin).appending("stage.yaml"))
    log.report(
      origin, found: "unknown stage \(name)", expected: "one of \(names.joined(separator: ", ")), or ./folder",
      nearest: isFolder ? "./\(name)" : known ?? foreign)
    return nil
  }

  /// The stage of a folder, or nil where it can't be used, which the log then says.
  mutating func folder(_ name: String, at origin: ValueOrigin) -> UserStage? {
    let folder = places.absolute(name, from: origin)
    let manifest = folder.appending("stage.yaml")
    if let known = folders[folder.string] { return known }
    var stage: UserStage?
    if !FileAccess.exists(folder) {
      let nearest = places.nearestFile(to: folder)
      log.report(
        origin, found: "no folder \(name)", expected: "a folder with stage.yaml",
        nearest: nearest.map { "./\($0)" })
    } else if !FileAccess.exists(manifest) {
      log.report(origin, found: "no stage.yaml in \(name)", expected: "a folder with stage.yaml")
    } else if let bytes = FileAccess.read(manifest) {
      stage = UserStageReader(log: log).read(bytes, folder: folder, shown: shown(name, from: origin))
    } else {
      let reason = FileAccess.isFile(manifest) ? "can't be read" : "is no regular file"
      log.report(
        origin, found: "\(shown(name, from: origin)), which \(reason)", expected: "a stage's manifest")
    }
    folders[folder.string] = .some(stage)
    return stage
  }

  /// The manifest's name as messages show it: beside the pipeline file as the user named that.
  private func shown(_ name: String, from origin: ValueOrigin) -> FilePath {
    var path = FilePath(name)
    if case .file(let location) = origin { path = location.file.removingLastComponent().pushing(path) }
    return path.appending("stage.yaml").lexicallyNormalized()
  }
}

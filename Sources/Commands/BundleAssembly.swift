import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// Collects what a bundle holds from a pipeline whose actions have been judged.
struct BundleAssembly {
  let session: PipelineSession
  let planner: Planner
  let settings: [String]
  /// The actions that travel, in plan order; each has a result.
  let actions: [Int]

  private var folder: FilePath { PipelineOptions.folder(of: session.pipeline.file) }

  /// The bundle.
  ///
  /// - Throws: `CommandFailure`, `StoreError` or `SourceProblem`.
  func contents(resultsOnly: Bool, withSources: Bool) throws -> BundleContents {
    let pipeline = session.pipeline
    var results: [(label: String, result: ActionResult)] = []
    var artifacts: [Artifact] = []
    for index in actions {
      guard let result = planner.result(index) else { continue }
      results.append((pipeline.actions[index].id, result))
      for port in pipeline.actions[index].declaration.outputs {
        guard !resultsOnly || [.scores, .report, .curves].contains(port.kind) else { continue }
        if let artifact = result.output(port.name) { artifacts.append(artifact) }
      }
    }
    let sources = try sources(withFiles: withSources)
    let stages = try ownStages()
    guard let name = pipeline.file.lastComponent?.string, let text = try FileSystem.read(pipeline.file) else {
      throw CommandFailure(.invalid, "there is no file \(pipeline.file)")
    }
    let description = BundleDescription(
      pipeline: pipeline.name, file: name, settings: normalSettings,
      parameters: JSONObject(pipeline.params.map { ($0.name, $0.value) }),
      actions: results.map { .init(label: $0.label, key: $0.result.key, result: $0.result.digest) },
      sources: sources.map(\.record), stages: stages.map(\.stage))
    return BundleContents(
      description: description, pipeline: text, results: results, artifacts: artifacts,
      sources: sources.map { ($0.manifest, $0.files) }, stages: stages.map(\.part), in: session.store)
  }

  /// Of two settings of one name the later; sorted, so that their order on the command line does not matter.
  private var normalSettings: [String] {
    var byName: [String: String] = [:]
    for setting in settings { byName[String(setting.prefix { $0 != "=" })] = setting }
    return byName.values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  // MARK: Sources

  private typealias Source = (record: RecordedSource, manifest: Manifest, files: [String: FilePath]?)

  private func sources(withFiles: Bool) throws -> [Source] {
    var sources: [Source] = []
    for index in actions {
      let action = session.pipeline.actions[index]
      for input in action.inputs {
        for source in input.sources {
          guard case .path(let path, let kind, let label, let origin) = source else { continue }
          let found = try self.source(source, path, kind, label, origin, of: action, withFiles: withFiles)
          if !sources.contains(where: { $0.record == found.record }) { sources.append(found) }
        }
      }
    }
    return sources
  }

  private func source(
    _ source: InputSource, _ path: FilePath, _ kind: ArtifactKind, _ label: String, _ origin: ValueOrigin,
    of action: PlannedAction, withFiles: Bool
  ) throws -> Source {
    let digest = try planner.digest(of: source, for: action)
    guard let manifest = planner.sources.manifest(digest) else {
      throw CommandFailure(.invalid, "\(origin): there is no \(path)")
    }
    let known = try planner.replacement(of: source, for: action)
    var status = stat()
    let isFolder = known?.isFolder ?? (stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    let record = RecordedSource(
      label: label, kind: kind.rawValue, files: action.namedFiles(kind),
      path: AbsentSources.relative(path, to: folder), setting: setting(naming: path), isFolder: isFolder,
      manifest: digest)
    guard withFiles else { return (record, manifest, nil) }
    if let known, let missing = try known.missing(in: session.store).first {
      throw CommandFailure(
        .invalid,
        "\(origin): there is no \(path), nor is \(missing.title ?? "its file") in the store; "
          + "leave --with-sources out")
    }
    var files: [String: FilePath] = [:]
    for file in manifest.layers {
      guard known == nil, let title = file.title else { continue }
      files[title] = isFolder ? path.pushing(FilePath(title)) : path
    }
    return (record, manifest, files)
  }

  /// The setting whose value is a path, if one is.
  private func setting(naming path: FilePath) -> String? {
    settings.last { setting in
      guard let equals = setting.firstIndex(of: "=") else { return false }
      let value = FilePath(String(setting[setting.index(after: equals)...]))
      return PipelineOptions.workingDirectory.pushing(value).lexicallyNormalized() == path.lexicallyNormalized()
    }
  }

  // MARK: Own stages

  private typealias Own = (stage: BundleDescription.OwnStage, part: BundleContents.Part)

  private func ownStages() throws -> [Own] {
    var stages: [Own] = []
    for action in session.pipeline.actions {
      guard case .command(let stage) = action.implementation else { continue }
      let place = AbsentSources.relative(stage.folder, to: folder)
      guard !stages.contains(where: { $0.stage.folder == place }) else { continue }
      guard FileTitle.isValid(place) else {
        throw CommandFailure(
          .invalid,
          "\(action.location): the stage \(stage.folder) lies outside the pipeline's folder and can't "
            + "travel with it; move it below \(folder)")
      }
      var files: [String: FilePath] = [:]
      for file in [FilePath("stage.yaml")] + stage.code { files[file.string] = stage.folder.pushing(file) }
      var layers: [Descriptor] = []
      var hasher = FileHasher()
      for (title, path) in files {
        let content = try hasher.content(of: path)
        layers.append(Descriptor(file: title, digest: content.digest, size: content.size))
      }
      let manifest = Manifest(kind: BundleContents.stageKind, files: layers)
      let programs = files.filter { access($0.value.string, X_OK) == 0 && Self.isProgram($0.value) }.map(\.key).sorted()
      stages.append(
        (
          .init(folder: place, manifest: manifest.descriptor.digest, programs: programs),
          .init(manifest: manifest, files: files)
        ))
    }
    return stages
  }

  private static func isProgram(_ path: FilePath) -> Bool {
    var status = stat()
    return stat(path.string, &status) == 0 && status.st_mode & S_IXUSR != 0
  }
}

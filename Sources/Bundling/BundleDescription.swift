public import ArtifactStore
public import CanonicalJSON
public import ContentAddressing

/// What a bundle says of itself: `bundle.json`, a document of the bundle's own manifest.
///
/// Everything that matters stands here and not in the index, which tools rewrite on the way.
public struct BundleDescription: Sendable, Hashable {
  /// An action of the bundled run.
  public struct Action: Sendable, Hashable {
    /// Stage and cell, such as `iq@seed=2`.
    public var label: String
    /// The action.
    public var key: ActionKey
    /// The manifest of its result.
    public var result: Digest

    /// An action.
    public init(label: String, key: ActionKey, result: Digest) {
      self.label = label
      self.key = key
      self.result = result
    }
  }

  /// A stage of the user's own whose code travels.
  public struct OwnStage: Sendable, Hashable {
    /// The folder, relative to the pipeline file's.
    public var folder: String
    /// The manifest of `stage.yaml` and the code.
    public var manifest: Digest
    /// Files that are programs.
    public var programs: [String]

    /// A stage.
    public init(folder: String, manifest: Digest, programs: [String]) {
      self.folder = folder
      self.manifest = manifest
      self.programs = programs
    }
  }

  /// The pipeline's name.
  public var pipeline: String
  /// The name of the pipeline file.
  public var file: String
  /// The arguments of `--set`, sorted by name.
  public var settings: [String]
  /// The values of the pipeline's params.
  public var parameters: JSONObject
  /// The actions in plan order.
  public var actions: [Action]
  /// What was read from outside.
  public var sources: [RecordedSource]
  /// The user's own stages.
  public var stages: [OwnStage]

  /// A description.
  public init(
    pipeline: String, file: String, settings: [String], parameters: JSONObject, actions: [Action],
    sources: [RecordedSource], stages: [OwnStage]
  ) {
    self.pipeline = pipeline
    self.file = file
    self.settings = settings
    self.parameters = parameters
    self.actions = actions
    self.sources = sources
    self.stages = stages
  }

  /// The document.
  public var json: JSONValue {
    [
      "apprentice": 1, "pipeline": .string(pipeline), "file": .string(file),
      "settings": .array(settings.map { .string($0) }), "parameters": .object(parameters),
      "actions": .array(
        actions.map { action in
          [
            "label": .string(action.label), "key": .string(action.key.description),
            "result": .string(action.result.description),
          ]
        }),
      "sources": .array(sources.map(\.json)),
      "stages": .array(
        stages.map { stage in
          [
            "folder": .string(stage.folder), "manifest": .string(stage.manifest.description),
            "programs": .array(stage.programs.map { .string($0) }),
          ]
        }),
    ]
  }

  /// Reads a description; names that become paths are checked.
  ///
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue) throws(ManifestError) {
    guard json["apprentice"]?.integer == 1 else { throw ManifestError(member: "apprentice", expected: "1") }
    func list(_ name: String) throws(ManifestError) -> [JSONValue] {
      guard let list = json[name]?.array else { throw ManifestError(member: name, expected: "an array") }
      return list
    }
    func text(_ value: JSONValue?, _ place: String) throws(ManifestError) -> String {
      guard let text = value?.string else { throw ManifestError(member: place, expected: "a string") }
      return text
    }
    func digest(_ value: JSONValue?, _ place: String) throws(ManifestError) -> Digest {
      guard let digest = Digest(try text(value, place)) else {
        throw ManifestError(member: place, expected: "sha256: and 64 hexadecimal digits")
      }
      return digest
    }
    pipeline = try text(json["pipeline"], "pipeline")
    file = try text(json["file"], "file")
    guard FileTitle.isValid(file), !file.utf8.contains(UInt8(ascii: "/")) else {
      throw ManifestError(member: "file", expected: "a plain file name")
    }
    guard let parameters = json["parameters"]?.object else {
      throw ManifestError(member: "parameters", expected: "an object")
    }
    self.parameters = parameters
    (settings, actions, sources, stages) = ([], [], [], [])
    for setting in try list("settings") { settings.append(try text(setting, "settings")) }
    for (index, action) in try list("actions").enumerated() {
      let place = "actions[\(index)]"
      actions.append(
        Action(
          label: try text(action["label"], "\(place).label"),
          key: ActionKey(try digest(action["key"], "\(place).key")),
          result: try digest(action["result"], "\(place).result")))
    }
    for (index, source) in try list("sources").enumerated() {
      sources.append(try RecordedSource(json: source, at: "sources[\(index)]"))
    }
    for (index, stage) in try list("stages").enumerated() {
      let place = "stages[\(index)]"
      let folder = try text(stage["folder"], "\(place).folder")
      guard FileTitle.isValid(folder) else { throw ManifestError(member: "\(place).folder", expected: FileTitle.rule) }
      stages.append(
        OwnStage(
          folder: folder, manifest: try digest(stage["manifest"], "\(place).manifest"),
          programs: (stage["programs"]?.array ?? []).compactMap(\.string)))
    }
  }
}

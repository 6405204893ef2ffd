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
    func list(_ name: String, most: Int) throws(ManifestError) -> [JSONValue] {
      guard let list = json[name]?.array, list.count <= most else {
        throw ManifestError(member: name, expected: "an array of at most \(most)")
      }
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
    func checked(
      _ text: String, _ place: String, _ rule: String, _ isFit: (String) -> Bool
    ) throws(ManifestError) -> String {
      guard isFit(text) else { throw ManifestError(member: place, expected: "\(rule), not \(text.shown(limit: 60))") }
      return text
    }
    func isLine(_ text: String) -> Bool { BundleNames.isText(text) }
    pipeline = try checked(text(json["pipeline"], "pipeline"), "pipeline", BundleNames.nameRule, BundleNames.isName)
    file = try text(json["file"], "file")
    guard FileTitle.isValid(file), BundleNames.isText(file), file.utf8.first != UInt8(ascii: "."),
      !file.utf8.contains(UInt8(ascii: "/"))
    else { throw ManifestError(member: "file", expected: "a plain file name") }
    guard let parameters = json["parameters"]?.object else {
      throw ManifestError(member: "parameters", expected: "an object")
    }
    for parameter in parameters.members {
      _ = try checked(parameter.name, "parameters", BundleNames.nameRule, BundleNames.isName)
    }
    self.parameters = parameters
    (settings, actions, sources, stages) = ([], [], [], [])
    for (index, setting) in try list("settings", most: 10_000).enumerated() {
      let place = "settings[\(index)]"
      settings.append(try checked(text(setting, place), place, BundleNames.settingRule, BundleNames.isSetting))
    }
    var labels: Set<String> = []
    for (index, action) in try list("actions", most: 200_000).enumerated() {
      let place = "actions[\(index)]"
      let label = try checked(
        text(action["label"], "\(place).label"), "\(place).label", BundleNames.labelRule, BundleNames.isLabel)
      guard labels.insert(label).inserted else {
        throw ManifestError(member: "\(place).label", expected: "a label that no other action has, not \(label)")
      }
      actions.append(
        Action(
          label: label, key: ActionKey(try digest(action["key"], "\(place).key")),
          result: try digest(action["result"], "\(place).result")))
    }
    for (index, source) in try list("sources", most: 10_000).enumerated() {
      let place = "sources[\(index)]"
      let source = try RecordedSource(json: source, at: place)
      _ = try checked(source.label, "\(place).label", BundleNames.textRule, isLine)
      _ = try checked(source.kind, "\(place).kind", BundleNames.nameRule, BundleNames.isName)
      for file in source.files ?? [] { _ = try checked(file, "\(place).files", BundleNames.textRule, isLine) }
      if let setting = source.setting {
        _ = try checked(setting, "\(place).setting", BundleNames.settingRule, BundleNames.isSetting)
      } else {
        _ = try checked(source.path, "\(place).path", "a relative path; " + BundleNames.textRule) {
          isLine($0) && !$0.isEmpty && !$0.hasPrefix("/")
        }
      }
      sources.append(source)
    }
    var folders: Set<[UInt8]> = []
    for (index, stage) in try list("stages", most: 1_000).enumerated() {
      let place = "stages[\(index)]"
      let folder = try checked(
        text(stage["folder"], "\(place).folder"), "\(place).folder", FileTitle.rule
      ) { FileTitle.isValid($0) && BundleNames.isText($0) }
      guard folders.insert(Array(folder.utf8)).inserted else {
        throw ManifestError(member: "\(place).folder", expected: "a folder that no other stage has, not \(folder)")
      }
      var programs: [String] = []
      for program in stage["programs"]?.array ?? [] {
        programs.append(
          try checked(text(program, "\(place).programs"), "\(place).programs", BundleNames.textRule, isLine))
      }
      stages.append(
        OwnStage(folder: folder, manifest: try digest(stage["manifest"], "\(place).manifest"), programs: programs))
    }
  }
}

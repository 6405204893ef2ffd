public import CanonicalJSON
public import ContentAddressing
import SystemPackage

/// What a pipeline once read from outside the store, known by its content: it stands in for a path that is absent.
public struct RecordedSource: Sendable, Hashable {
  /// The input as the pipeline file has it, such as `${data}`.
  public var label: String
  /// The kind of the port.
  public var kind: String
  /// Names or patterns of the only files that are read; nil for all.
  public var files: [String]?
  /// The path as seen from the folder of the pipeline file.
  public var path: String
  /// The argument of `--set` that named the path, or nil where the file does.
  public var setting: String?
  /// Whether it is a folder of files, or one file.
  public var isFolder: Bool
  /// The manifest of the files.
  public var manifest: Digest

  /// A record.
  public init(
    label: String, kind: String, files: [String]?, path: String, setting: String?, isFolder: Bool, manifest: Digest
  ) {
    self.label = label
    self.kind = kind
    self.files = files
    self.path = path
    self.setting = setting
    self.isFolder = isFolder
    self.manifest = manifest
  }

  /// The record as it stands in a bundle.
  public var json: JSONValue {
    var object: JSONObject = [
      "label": .string(label), "kind": .string(kind), "folder": .bool(isFolder),
      "manifest": .string(manifest.description),
    ]
    if let files { object["files"] = .array(files.map { .string($0) }) }
    // A path of the command line is this machine's matter.
    if let setting { object["setting"] = .string(setting) } else { object["path"] = .string(path) }
    return .object(object)
  }

  /// Reads a record.
  ///
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue, at place: String) throws(ManifestError) {
    func text(_ name: String) throws(ManifestError) -> String {
      guard let text = json[name]?.string else { throw ManifestError(member: "\(place).\(name)", expected: "a string") }
      return text
    }
    guard let manifest = Digest(try text("manifest")) else {
      throw ManifestError(member: "\(place).manifest", expected: "sha256: and 64 hexadecimal digits")
    }
    guard let isFolder = json["folder"]?.bool else {
      throw ManifestError(member: "\(place).folder", expected: "true or false")
    }
    let setting = json["setting"] == nil ? nil : try text("setting")
    var files: [String]?
    if let members = json["files"] {
      files = members.array?.compactMap(\.string)
      guard files?.count == members.array?.count, files != nil else {
        throw ManifestError(member: "\(place).files", expected: "an array of strings")
      }
    }
    self.init(
      label: try text("label"), kind: try text("kind"), files: files,
      path: setting == nil ? try text("path") : "", setting: setting, isFolder: isFolder, manifest: manifest)
  }
}

/// What a bundle that was imported says of what its pipeline read.
public struct RecordedBundle: Sendable {
  /// The pipeline's name.
  public var pipeline: String
  /// The digest of the pipeline file's bytes.
  public var file: Digest
  /// The results of its actions.
  public var results: [ActionKey: Digest]
  /// What it read.
  public var sources: [RecordedSource]
}

extension Store {
  /// The name of a reference that keeps a bundle: its index, the bundle's own manifest first.
  public static func bundleReference(_ manifest: Digest) -> String {
    bundleReferencePrefix + manifest.hexadecimal.prefix(16)
  }

  static let bundleReferencePrefix = "bundle."
  /// The document of a bundle's manifest that describes it.
  public static let bundleDescription = "bundle.json"
  /// The pipeline file among the documents of a bundle's manifest.
  public static let bundlePipeline = "pipeline.yaml"

  /// The bundles that were imported, the last one last; one that is damaged says nothing.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func recordedBundles() throws(StoreError) -> [RecordedBundle] {
    var bundles: [(time: Int64, bundle: RecordedBundle)] = []
    for (name, digest) in try references() where name.hasPrefix(Store.bundleReferencePrefix) {
      let user = "reference \(name)"
      guard let index = try? ImageIndex(json: json(digest, neededBy: user)), let first = index.manifests.first,
        let own = try? manifest(first.digest, neededBy: user), let file = own.file(Store.bundlePipeline),
        let layer = own.file(Store.bundleDescription), let description = try? json(layer.digest, neededBy: user),
        let pipeline = description["pipeline"]?.string, let members = description["sources"]?.array
      else { continue }
      let sources = members.compactMap { try? RecordedSource(json: $0, at: "sources") }
      var results: [ActionKey: Digest] = [:]
      for action in description["actions"]?.array ?? [] {
        guard let key = action["key"]?.string.flatMap({ Digest($0) }),
          let result = action["result"]?.string.flatMap({ Digest($0) })
        else { continue }
        results[ActionKey(key)] = result
      }
      let time = try FileSystem.status(refsFolder.appending(name))?.modified ?? 0
      bundles.append((time, RecordedBundle(pipeline: pipeline, file: file.digest, results: results, sources: sources)))
    }
    // References come by name, which decides where two were written at one moment.
    return bundles.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element.bundle)
  }
}

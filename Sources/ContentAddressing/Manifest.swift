public import CanonicalJSON

/// An OCI image manifest with an `artifactType`: the list of an artifact's files.
///
/// Its canonical bytes depend on kind, names and contents alone, so equal artifacts have equal digests.
public struct Manifest: Hashable, Sendable {
  /// What the artifact is, `application/vnd.apprentice.<kind>.v1+json`.
  public var artifactType: String
  /// The configuration; the empty one in every manifest of ours.
  public var config: Descriptor
  /// The files, in the order of the bytes of their names.
  public var layers: [Descriptor]
  /// Remarks by name; none in a manifest of ours.
  public var annotations: [String: String]

  /// A manifest of an artifact; its files are sorted by the bytes of their names.
  public init(kind: KindName, files: [Descriptor]) {
    self.init(artifactType: MediaType.artifact(kind), files: files)
  }

  /// A manifest of any type; its files are sorted by the bytes of their names.
  public init(artifactType: String, files: [Descriptor]) {
    self.artifactType = artifactType
    config = .empty
    layers = files.sorted { ($0.title ?? "").utf8.lexicographicallyPrecedes(($1.title ?? "").utf8) }
    annotations = [:]
  }

  /// The kind of the artifact; nil where it is none of ours.
  public var kind: KindName? { KindName(artifactType: artifactType) }

  /// The number of bytes of all files.
  public var totalSize: Int { layers.reduce(0) { $0 + $1.size } }

  /// The file of a name, or nil.
  public func file(_ title: String) -> Descriptor? { layers.first { $0.title == title } }

  /// The manifest as JSON.
  public var json: JSONValue {
    var object: JSONObject = [
      "schemaVersion": 2, "mediaType": .string(MediaType.manifest), "artifactType": .string(artifactType),
      "config": config.json, "layers": .array(layers.map(\.json)),
    ]
    if !annotations.isEmpty { object["annotations"] = .strings(annotations) }
    return .object(object)
  }

  /// The canonical bytes: what is stored and hashed.
  public var canonical: [UInt8] { json.canonical }

  /// A descriptor of the manifest itself, as an index lists it.
  public var descriptor: Descriptor {
    let bytes = canonical
    return Descriptor(
      mediaType: MediaType.manifest, digest: Digest(hashing: bytes), size: bytes.count, artifactType: artifactType)
  }

  /// Reads a manifest.
  ///
  /// Every layer must have a title, distinct, relative and without `.` or `..`, since files are made of them.
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue) throws(ManifestError) {
    guard json["schemaVersion"]?.integer == 2 else { throw ManifestError(member: "schemaVersion", expected: "2") }
    guard json["mediaType"]?.string == MediaType.manifest else {
      throw ManifestError(member: "mediaType", expected: MediaType.manifest)
    }
    guard let artifactType = json["artifactType"]?.string else {
      throw ManifestError(member: "artifactType", expected: "a media type")
    }
    guard let layers = json["layers"]?.array else { throw ManifestError(member: "layers", expected: "an array") }
    self.artifactType = artifactType
    config = try Descriptor(json: json["config"] ?? .null, at: "config")
    annotations = try strings(json["annotations"], at: "annotations")
    self.layers = []
    // By bytes: é and e + accent are two files.
    var titles: Set<[UInt8]> = []
    for (index, layer) in layers.enumerated() {
      let descriptor = try Descriptor(json: layer, at: "layers[\(index)]")
      guard let title = descriptor.title, FileTitle.isValid(title) else {
        throw ManifestError(
          member: "layers[\(index)].annotations.\(Descriptor.titleAnnotation)", expected: FileTitle.rule)
      }
      guard titles.insert(Array(title.utf8)).inserted else {
        throw ManifestError(member: "layers[\(index)]", expected: "a title that no other layer has, not \(title)")
      }
      self.layers.append(descriptor)
    }
  }
}

/// The names that files of an artifact may have.
public enum FileTitle {
  /// The rule in words.
  public static let rule = "a relative path of plain names, without '.', '..', empty parts or control characters"

  /// Whether a text is a relative path that stays inside its folder.
  public static func isValid(_ title: String) -> Bool {
    guard !title.isEmpty, title.utf8.count <= 4096 else { return false }
    guard title.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return false }
    return title.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part.count <= 255 && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
    }
  }
}

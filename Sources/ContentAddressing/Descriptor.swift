public import CanonicalJSON

/// An OCI content descriptor: what kind of content, which, and how long.
public struct Descriptor: Hashable, Sendable {
  /// The media type of the content.
  public var mediaType: String
  /// The digest of the content.
  public var digest: Digest
  /// The number of bytes of the content.
  public var size: Int
  /// The `artifactType` of a manifest, where the descriptor stands in an index.
  public var artifactType: String?
  /// Remarks by name, such as a file's name under `org.opencontainers.image.title`.
  public var annotations: [String: String]

  /// The annotation that names a file.
  public static let titleAnnotation = "org.opencontainers.image.title"
  /// The annotation that names a manifest in a layout's `index.json`.
  public static let referenceAnnotation = "org.opencontainers.image.ref.name"

  /// The content of the empty configuration.
  public static let emptyContent: [UInt8] = Array("{}".utf8)
  /// The empty configuration of every manifest of ours.
  public static let empty = Descriptor(
    mediaType: MediaType.empty, digest: Digest(hashing: emptyContent), size: emptyContent.count)

  /// A descriptor.
  public init(
    mediaType: String, digest: Digest, size: Int, artifactType: String? = nil, annotations: [String: String] = [:]
  ) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
    self.artifactType = artifactType
    self.annotations = annotations
  }

  /// A file of an artifact.
  public init(file title: String, digest: Digest, size: Int, mediaType: String = MediaType.file) {
    self.init(
      mediaType: mediaType, digest: digest, size: size, annotations: [Descriptor.titleAnnotation: title])
  }

  /// The relative path of a file, where the descriptor names one.
  public var title: String? { annotations[Descriptor.titleAnnotation] }

  /// The descriptor as JSON, members that are absent or empty left out.
  public var json: JSONValue {
    var object: JSONObject = [
      "mediaType": .string(mediaType), "digest": .string(digest.description), "size": JSONValue(size),
    ]
    if let artifactType { object["artifactType"] = .string(artifactType) }
    if !annotations.isEmpty { object["annotations"] = .strings(annotations) }
    return .object(object)
  }

  /// Reads a descriptor; members that are not ours are passed over, as OCI asks.
  ///
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue, at place: String) throws(ManifestError) {
    guard let mediaType = json["mediaType"]?.string else {
      throw ManifestError(member: "\(place).mediaType", expected: "a media type")
    }
    guard let digest = json["digest"]?.string.flatMap(Digest.init(_:)) else {
      throw ManifestError(member: "\(place).digest", expected: "sha256: and 64 hexadecimal digits")
    }
    guard let size = json["size"]?.integer, size >= 0 else {
      throw ManifestError(member: "\(place).size", expected: "a number of bytes")
    }
    self.init(
      mediaType: mediaType, digest: digest, size: size, artifactType: json["artifactType"]?.string,
      annotations: try strings(json["annotations"], at: "\(place).annotations"))
  }
}

/// What in a manifest, an index or a key document is not as it must be.
public struct ManifestError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The member at fault, as a path such as `layers[2].digest`.
  public var member: String
  /// What was expected there.
  public var expected: String
  /// A fault at a member.
  public init(member: String, expected: String) {
    self.member = member
    self.expected = expected
  }

  /// One sentence with the place.
  public var description: String { "\(member): expected \(expected)" }
}

extension JSONValue {
  /// An object of strings.
  static func strings(_ strings: [String: String]) -> JSONValue {
    .object(JSONObject(strings.sorted { $0.key < $1.key }.map { (name: $0.key, value: .string($0.value)) }))
  }
}

/// Reads an object of strings; none where it is absent.
func strings(_ value: JSONValue?, at place: String) throws(ManifestError) -> [String: String] {
  guard let value else { return [:] }
  guard let object = value.object else { throw ManifestError(member: place, expected: "an object of strings") }
  var result: [String: String] = [:]
  for (name, value) in object.members {
    guard let text = value.string else { throw ManifestError(member: "\(place).\(name)", expected: "a string") }
    result[name] = text
  }
  return result
}

public import CanonicalJSON

/// An OCI image index: a flat list of manifests, as a layout's `index.json` and as the transport form of a run.
public struct ImageIndex: Hashable, Sendable {
  /// The manifests.
  public var manifests: [Descriptor]
  /// Remarks by name.
  public var annotations: [String: String]

  /// An index of manifests in the given order.
  public init(manifests: [Descriptor] = [], annotations: [String: String] = [:]) {
    self.manifests = manifests
    self.annotations = annotations
  }

  /// The index as JSON.
  public var json: JSONValue {
    var object: JSONObject = [
      "schemaVersion": 2, "mediaType": .string(MediaType.index), "manifests": .array(manifests.map(\.json)),
    ]
    if !annotations.isEmpty { object["annotations"] = .strings(annotations) }
    return .object(object)
  }

  /// The canonical bytes.
  public var canonical: [UInt8] { json.canonical }

  /// Reads an index.
  ///
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue) throws(ManifestError) {
    guard json["schemaVersion"]?.integer == 2 else { throw ManifestError(member: "schemaVersion", expected: "2") }
    guard let manifests = json["manifests"]?.array else {
      throw ManifestError(member: "manifests", expected: "an array")
    }
    annotations = try strings(json["annotations"], at: "annotations")
    self.manifests = []
    for (index, manifest) in manifests.enumerated() {
      self.manifests.append(try Descriptor(json: manifest, at: "manifests[\(index)]"))
    }
  }
}

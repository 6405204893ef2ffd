/// The media types of what a store holds.
public enum MediaType {
  /// An OCI image manifest: an artifact or a result.
  public static let manifest = "application/vnd.oci.image.manifest.v1+json"
  /// An OCI image index: a list of manifests, for transport.
  public static let index = "application/vnd.oci.image.index.v1+json"
  /// The empty configuration that artifacts refer to, the two bytes `{}`.
  public static let empty = "application/vnd.oci.empty.v1+json"
  /// A file of an artifact.
  public static let file = "application/octet-stream"
  /// A document of a result.
  public static let json = "application/json"

  /// The `artifactType` of artifacts of a kind.
  public static func artifact(_ kind: KindName) -> String { "application/vnd.apprentice.\(kind).v1+json" }

  /// The `artifactType` of what an action came to.
  public static let result = artifact(.result)
}

/// The name of an artifact kind as it stands in media types: lowercase letters, digits and hyphens, a letter first.
///
/// Which kinds there are is not this module's matter.
public struct KindName: Hashable, Sendable, LosslessStringConvertible {
  /// The name.
  public let description: String

  /// Checks a name; nil where it does not fit the pattern `[a-z][a-z0-9-]{0,63}`.
  public init?(_ description: String) {
    guard isToken(description) else { return nil }
    self.description = description
  }

  private init(known name: String) { description = name }

  /// The kind of what an action came to: its key document, environment and outputs.
  public static let result = KindName(known: "result")
  /// Files from outside that a pipeline reads.
  public static let source = KindName(known: "source")

  /// The kind that an `artifactType` names; nil for any other type.
  public init?(artifactType: String) {
    let (prefix, suffix) = ("application/vnd.apprentice.", ".v1+json")
    guard artifactType.hasPrefix(prefix), artifactType.hasSuffix(suffix),
      artifactType.utf8.count > prefix.utf8.count + suffix.utf8.count
    else { return nil }
    self.init(String(artifactType.dropFirst(prefix.count).dropLast(suffix.count)))
  }
}

/// Whether a text is a token of ours, `[a-z][a-z0-9-]{0,63}`.
func isToken(_ text: String) -> Bool {
  guard let first = text.utf8.first, (1...64).contains(text.utf8.count) else { return false }
  let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
  let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
  return letters.contains(first)
    && text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
}

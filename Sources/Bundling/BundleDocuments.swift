import CanonicalJSON
import ContentAddressing

/// The documents of a bundle as they come, each checked against those before it; nothing rests on where they come from.
struct BundleDocuments {
  let name: String
  let limits: BundleLimits
  /// The blobs that documents name, with their sizes.
  private(set) var expected: [Digest: Int] = [:]
  private var totalSize = 0
  private var index = ImageIndex()
  private var manifests: [Digest: Manifest] = [:]

  init(name: String, limits: BundleLimits) {
    self.name = name
    self.limits = limits
  }

  /// Notes that a blob is named; two documents may name it, but not with two sizes.
  mutating func expect(_ descriptor: Descriptor) throws {
    let place = "blob \(descriptor.digest)"
    if let size = expected.updateValue(descriptor.size, forKey: descriptor.digest) {
      guard size != descriptor.size else { return }
      throw BundleError(name, .document(place, reason: "manifests say \(size) and \(descriptor.size) bytes"))
    }
    let (sum, isTooMuch) = totalSize.addingReportingOverflow(descriptor.size)
    guard !isTooMuch else {
      throw BundleError(name, .document(place, reason: "no disk holds \(descriptor.size) bytes"))
    }
    totalSize = sum
  }

  /// Takes the flat index.
  ///
  /// - Returns: The manifests that it lists, each once.
  mutating func take(index bytes: [UInt8], _ digest: Digest) throws -> [Descriptor] {
    let place = "index \(digest)"
    index = try parsed(bytes, place) { json throws(ManifestError) in try ImageIndex(json: json) }
    var listed: [Descriptor] = []
    var seen: Set<Digest> = []
    for descriptor in index.manifests {
      guard descriptor.mediaType == MediaType.manifest else {
        throw BundleError(name, .document(place, reason: "expected manifests, not \(descriptor.mediaType)"))
      }
      try expect(descriptor)
      if seen.insert(descriptor.digest).inserted { listed.append(descriptor) }
    }
    let total = listed.reduce(0) { $0 + $1.size }
    guard total <= limits.manifests else {
      throw BundleError(name, .tooLarge("all manifests together", size: total, limit: limits.manifests))
    }
    guard !listed.isEmpty else { throw BundleError(name, .document(place, reason: "it lists no manifest")) }
    return listed
  }

  /// Takes a manifest of the index.
  mutating func take(manifest bytes: [UInt8], _ digest: Digest) throws {
    let manifest = try parsed(bytes, "manifest \(digest)") { json throws(ManifestError) in try Manifest(json: json) }
    var size = 0
    for layer in manifest.layers + [manifest.config] {
      try expect(layer)
      let (sum, isTooMuch) = size.addingReportingOverflow(layer.size)
      guard !isTooMuch else {
        throw BundleError(name, .document("manifest \(digest)", reason: "no disk holds its \(layer.size) bytes"))
      }
      size = sum
    }
    if let clash = ClashFreeNames.firstClash(manifest.layers.compactMap(\.title)) {
      throw BundleError(
        name, .document("manifest \(digest)", reason: "\(clash.shown()) is a file, and the folder of another one"))
    }
    manifests[digest] = manifest
  }

  /// What all of them say, when all have come.
  func outline() throws -> BundleOutline {
    let own = manifests.filter { $0.value.kind == BundleContents.kind }
    guard let (digest, manifest) = own.first, own.count == 1 else {
      throw BundleError(
        name, .document("index", reason: "expected one manifest of kind bundle, found \(own.count)"))
    }
    return BundleOutline(
      index: index, own: .init(digest: digest, manifest: manifest), manifests: manifests)
  }

  /// Reads a document.
  func parsed<Value>(
    _ bytes: [UInt8], _ place: String, _ read: (JSONValue) throws(ManifestError) -> Value
  ) throws -> Value {
    do { return try read(try JSONValue(parsing: bytes)) } catch {
      throw BundleError(name, .document(place, reason: "\(error)"))
    }
  }
}

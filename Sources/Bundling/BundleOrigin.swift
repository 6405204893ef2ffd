public import ArtifactStore
public import ContentAddressing

/// Where the parts of a bundle can be asked for in any order, such as a registry.
///
/// What it gives is checked by whoever asks.
public protocol BundleOrigin {
  /// The place, as errors name it.
  var name: String { get }
  /// The bytes of the flat index.
  ///
  /// - Parameter limit: The most bytes that are taken.
  /// - Returns: The bytes.
  /// - Throws: What the origin throws.
  func index(limit: Int) throws -> [UInt8]
  /// The bytes of manifests, in the order in which they are asked for.
  func manifests(_ manifests: [Descriptor]) throws -> [[UInt8]]
  /// Brings blobs into an intake, those that are not there yet.
  func fetch(_ blobs: [Descriptor], into intake: Intake) throws
}

extension Store {
  /// Takes a bundle in: all of it, each byte verified before any of it can be seen, or nothing.
  ///
  /// - Parameters:
  ///   - origin: Where its parts are.
  ///   - scope: What is taken in.
  ///   - folder: Where the pipeline file, own stages and sources are written; nil for nowhere.
  ///   - limits: How large its documents may be.
  /// - Returns: What was taken in.
  /// - Throws: `BundleError`, `BundleFolder.Unfit`, `StoreError`, or what the origin throws; the store then is as it
  ///   was.
  public func importBundle(
    from origin: some BundleOrigin, _ scope: ImportScope = .everything, writingTo folder: BundleFolder? = nil,
    limits: BundleLimits = BundleLimits()
  ) throws -> ImportedBundle {
    try folder?.check(besides: path)
    let intake = try beginIntake()
    do {
      let visitor = ImportVisitor(origin.name, intake, of: self, scope, folder) {}
      let outline = try Self.outline(of: origin, intake, limits) { try visitor.document($0, digest: $1) }
      let check = try BundleCheck(origin.name, outline, limits)
      _ = try visitor.manifestsEnd(outline)
      let wanted = visitor.wantedBlobs
      try intake.require(
        wanted.reduce(0) { sum, blob in try has(blob.digest, size: blob.size) ? sum : sum + blob.size })
      // What the documents say, and whether the folder is fit, is found before the weights come.
      let documents = Self.documents(outline, check.wanted)
      try origin.fetch(documents, into: intake)
      for document in documents where check.wants(document.digest) {
        try check.take(try intake.document(document.digest, neededBy: origin.name), document.digest)
      }
      _ = try visitor.documentsEnd(check.finish())
      let fetched = Set(documents.map(\.digest))
      try origin.fetch(wanted.filter { !fetched.contains($0.digest) }, into: intake)
      return try visitor.finish()
    } catch {
      intake.discard()
      if let damage = error as? DamagedBlob { throw BundleError(origin.name, .content("\(damage)")) }
      throw error
    }
  }

  /// The documents that are to be checked, each once, with those of the bundle's own manifest.
  private static func documents(_ outline: BundleOutline, _ wanted: Set<Digest>) -> [Descriptor] {
    let own = outline.own.manifest.layers.filter { outline.manifests[$0.digest] == nil }
    var documents = Dictionary(own.map { ($0.digest, $0) }) { first, _ in first }
    for manifest in outline.manifests.values {
      for layer in manifest.layers where wanted.contains(layer.digest) { documents[layer.digest] = layer }
    }
    return documents.values.sorted { ($0.size, $0.digest) < ($1.size, $1.digest) }
  }

  private static func outline(
    of origin: some BundleOrigin, _ intake: Intake, _ limits: BundleLimits, _ take: ([UInt8], Digest) throws -> Void
  ) throws -> BundleOutline {
    var documents = BundleDocuments(name: origin.name, limits: limits)
    let index = try origin.index(limit: limits.index)
    let listed = try documents.take(index: index, Digest(hashing: index))
    for descriptor in listed where descriptor.size > limits.manifest {
      throw BundleError(
        origin.name, .tooLarge("manifest \(descriptor.digest)", size: descriptor.size, limit: limits.manifest))
    }
    let absent = try listed.filter { try !intake.has($0.digest, size: $0.size) }
    let fetched = Dictionary(uniqueKeysWithValues: zip(absent.map(\.digest), try origin.manifests(absent)))
    for descriptor in listed {
      let digest = descriptor.digest
      let bytes = try fetched[digest] ?? intake.document(digest, neededBy: origin.name)
      let found = Digest(hashing: bytes)
      guard found == digest, bytes.count == descriptor.size else {
        throw BundleError(origin.name, .content("manifest \(digest): it has \(bytes.count) bytes of digest \(found)"))
      }
      try documents.take(manifest: bytes, digest)
      try take(bytes, digest)
    }
    return try documents.outline()
  }
}

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
  /// - Throws: `BundleError`, `BundleFolder.Occupied`, `StoreError`, or what the origin throws; the store then is as it
  ///   was.
  public func importBundle(
    from origin: some BundleOrigin, _ scope: ImportScope = .everything, writingTo folder: BundleFolder? = nil,
    limits: BundleLimits = BundleLimits()
  ) throws -> ImportedBundle {
    let intake = try beginIntake()
    do {
      let visitor = ImportVisitor(origin.name, intake, scope, folder) {}
      let outline = try Self.outline(of: origin, intake, limits) { visitor.document($0, digest: $1) }
      _ = try visitor.documentsEnd(outline)
      let blobs = visitor.wantedBlobs
      let documents = Set(outline.own.manifest.layers.map(\.digest))
      try intake.require(blobs.reduce(0) { sum, blob in try has(blob.digest, size: blob.size) ? sum : sum + blob.size })
      // A folder that is not fit is found before the weights come.
      try origin.fetch(blobs.filter { documents.contains($0.digest) }, into: intake)
      try visitor.prepareFolder()
      try origin.fetch(blobs.filter { !documents.contains($0.digest) }, into: intake)
      return try visitor.finish(in: self)
    } catch {
      intake.discard()
      if let damage = error as? DamagedBlob { throw BundleError(origin.name, .content("\(damage)")) }
      throw error
    }
  }

  private static func outline(
    of origin: some BundleOrigin, _ intake: Intake, _ limits: BundleLimits, _ take: ([UInt8], Digest) -> Void
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
      take(bytes, digest)
    }
    return try documents.outline()
  }
}

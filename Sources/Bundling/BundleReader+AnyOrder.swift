import Archives
import CanonicalJSON
import ContentAddressing

/// An entry that can stand in an image layout, but not at this place of one of ours.
struct UnexpectedOrder: Error {
  /// What is said where the file can't be read more than once.
  var error: BundleError

  init(_ error: BundleError) { self.error = error }
}

/// Other tools write the entries of a layout in the order of their names: blobs, what names them, and the index last.
///
/// Their tar is not compressed, or a folder, so that a pass costs no more than reading: one finds the index, one
/// the list of manifests, one the manifests, and the last takes the blobs under the same rules as ever.
extension BundleReader {
  /// Whether an image layout may have such an entry.
  static func isPlausible(_ entry: ArchiveEntry) -> Bool {
    switch entry.kind {
    case .file: ["oci-layout", "index.json"].contains(entry.name) || digest(of: entry) != nil
    case .folder: ["blobs/", "blobs", "blobs/sha256/", "blobs/sha256"].contains(entry.name)
    default: false
    }
  }

  /// Reads all documents, wherever they stand, and begins the pass over the blobs.
  ///
  /// - Parameter order: What did not stand where it should.
  /// - Returns: The documents' digests.
  /// - Throws: `BundleError` or `ArchiveError`.
  func gatherDocuments(_ order: UnexpectedOrder) throws -> Set<Digest> {
    guard entries.isRepeatable else { throw order.error }
    documents = BundleDocuments(name: name, limits: limits)
    (seen, untold) = ([], [])
    let root = try root(of: namedDocuments())
    let index = try gather([root], limit: limits.index)[root.digest] ?? []
    untold.append((index, root.digest))
    let listed = try documents.take(index: index, root.digest)
    let manifests = try gather(listed, limit: limits.manifest)
    for descriptor in listed {
      let bytes = manifests[descriptor.digest] ?? []
      try documents.take(manifest: bytes, descriptor.digest)
      untold.append((bytes, descriptor.digest))
    }
    try rewind()
    return Set(manifests.keys).union([root.digest])
  }

  /// The next entry that is a blob and not one of the documents that have been read.
  func nextBlob(besides known: Set<Digest>) throws -> ArchiveEntry? {
    while let entry = try entries.next() {
      guard Self.isPlausible(entry) else { return entry }
      if let digest = Self.digest(of: entry), !known.contains(digest) { return entry }
    }
    return nil
  }

  private func rewind() throws { entries = try Self.entries(of: path, limits) }

  /// The content of `index.json`, where there is an `oci-layout`, too.
  private func namedDocuments() throws -> [UInt8] {
    var found: [String: [UInt8]] = [:]
    try rewind()
    while let entry = try entries.next() {
      guard Self.isPlausible(entry) else { throw foreign(entry) }
      guard let title = entry.name, entry.kind == .file, Self.digest(of: entry) == nil else { continue }
      guard found[title] == nil else { throw BundleError(name, .duplicate(title)) }
      found[title] = try bytes(of: entry, title, limit: limits.manifest)
    }
    try checkLayout(found["oci-layout"] ?? [])
    guard let index = found["index.json"] else {
      throw BundleError(name, .document("index.json", reason: "it is not there"))
    }
    return index
  }

  /// Blobs of known digests.
  private func gather(_ wanted: [Descriptor], limit: Int) throws -> [Digest: [UInt8]] {
    var pending: [Digest: Int] = [:]
    for descriptor in wanted { pending[descriptor.digest] = descriptor.size }
    var found: [Digest: [UInt8]] = [:]
    try rewind()
    while let entry = try entries.next() {
      guard let digest = Self.digest(of: entry), pending[digest] != nil || found[digest] != nil else { continue }
      guard let size = pending.removeValue(forKey: digest) else {
        throw BundleError(name, .duplicate(entry.name ?? ""))
      }
      guard entry.size == size else {
        throw BundleError(
          name, .content("blob \(digest) has \(entry.size.map { "\($0)" } ?? "no stated") bytes instead of \(size)"))
      }
      found[digest] = try document(digest, size, limit: limit)
    }
    if let first = pending.keys.min() { throw BundleError(name, .missing(first: first, count: pending.count)) }
    return found
  }
}

import Archives
import CanonicalJSON
public import ContentAddressing
import Glibc
public import SystemPackage

/// Is told what a bundle holds, in the order in which it comes.
public protocol BundleVisitor: AnyObject {
  /// A document whose bytes were checked: the index, a manifest, and behind the manifests those that they name.
  func document(_ bytes: [UInt8], digest: Digest) throws
  /// All manifests have come: what follows are blobs.
  ///
  /// - Returns: Whether to read on.
  func manifestsEnd(_ outline: BundleOutline) throws -> Bool
  /// All documents have come, and hold what is asked of them.
  ///
  /// - Returns: Whether to read on.
  func documentsEnd(_ bundle: CheckedBundle) throws -> Bool
  /// A blob whose size has been checked and whose bytes have not: they are read through `next`, and whatever is left
  /// unread is passed over.
  ///
  /// - Returns: Whether to read on.
  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool
}

/// What a bundle's documents say, checked against one another.
public struct BundleOutline: Sendable {
  /// The flat index.
  public var index: ImageIndex
  /// The bundle's own manifest.
  public var own: Artifact
  /// The manifests by digest.
  public var manifests: [Digest: Manifest]

  /// A manifest with its digest.
  public struct Artifact: Sendable {
    /// The digest of the manifest.
    public var digest: Digest
    /// The manifest.
    public var manifest: Manifest
  }

  /// The number of bytes of all blobs, each counted once.
  public var totalSize: Int {
    var sizes: [Digest: Int] = [:]
    for manifest in manifests.values { for layer in manifest.layers { sizes[layer.digest] = layer.size } }
    return sizes.values.reduce(0, +)
  }
}

/// Reads a bundle in one pass and believes nothing: names have three forms, every blob is named by a manifest before
/// it, once, and has the size that is said there.
///
/// A plain tar in which a tool has put the entries in another order, or a folder, is read in several passes, for the
/// same.
public final class BundleReader {
  let name: String
  let path: FilePath
  var entries: any LayoutEntries
  let limits: BundleLimits
  var documents: BundleDocuments
  /// The blobs that have come.
  var seen: Set<Digest> = []
  private var pendingManifests: Set<Digest> = []
  /// Documents that the visitor has not been told of.
  var untold: [(bytes: [UInt8], digest: Digest)] = []

  /// Opens a bundle: a tar, or a folder that holds the layout.
  ///
  /// - Throws: `ArchiveError`.
  public init(path: FilePath, limits: BundleLimits = BundleLimits()) throws {
    name = path.string
    self.path = path
    self.limits = limits
    documents = BundleDocuments(name: path.string, limits: limits)
    entries = try Self.entries(of: path, limits)
  }

  static func entries(of path: FilePath, _ limits: BundleLimits) throws -> any LayoutEntries {
    var status = stat()
    let isFolder = stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    return try isFolder ? FolderEntries(path) : TarEntries(path, limits)
  }

  /// Bytes read so far, and all of them where that is known.
  public var progress: (read: Int, of: Int?) { entries.progress }

  /// Reads the whole bundle, or as much as the visitor wants.
  ///
  /// - Throws: `BundleError`, `ArchiveError`, or what the visitor throws.
  public func read(_ visitor: some BundleVisitor) throws {
    var known: Set<Digest> = []
    do {
      try readLayout()
      try readIndex()
      try readManifests()
    } catch let order as UnexpectedOrder {
      known = try gatherDocuments(order)
    }
    for document in untold { try visitor.document(document.bytes, digest: document.digest) }
    untold = []
    let outline = try documents.outline()
    let check = try BundleCheck(name, outline, limits)
    guard try visitor.manifestsEnd(outline) else { return }
    while let entry = try known.isEmpty ? entries.next() : nextBlob(besides: known) {
      let (digest, size) = try blob(entry)
      if check.wants(digest) {
        // Its size has been found to be one of a document.
        let bytes = try document(digest, size, limit: size)
        try check.take(bytes, digest)
        try visitor.document(bytes, digest: digest)
        if check.isComplete, try !visitor.documentsEnd(check.finish()) { return }
        continue
      }
      let entries = entries
      let goesOn = try visitor.blob(digest, size: size) { buffer in try entries.read(into: buffer) }
      guard goesOn else { return }
    }
    let missing = documents.expected.keys.filter { !seen.contains($0) && !known.contains($0) }.sorted()
    if let first = missing.first { throw BundleError(name, .missing(first: first, count: missing.count)) }
  }

  // MARK: Documents

  private func readLayout() throws {
    try checkLayout(named("oci-layout", limit: 4096))
  }

  func checkLayout(_ bytes: [UInt8]) throws {
    guard (try? JSONValue(parsing: bytes))?["imageLayoutVersion"]?.string == "1.0.0" else {
      throw BundleError(name, .document("oci-layout", reason: "expected {\"imageLayoutVersion\":\"1.0.0\"}"))
    }
  }

  private func readIndex() throws {
    let root = try root(of: named("index.json", limit: limits.manifest))
    guard let next = try entries.next() else {
      throw BundleError(name, .missing(first: root.digest, count: 1))
    }
    if let digest = Self.digest(of: next), digest != root.digest {
      throw UnexpectedOrder(BundleError(name, .unnamed(digest)))
    }
    let (digest, size) = try blob(next)
    let index = try document(digest, size, limit: limits.index)
    pendingManifests = Set(try documents.take(index: index, digest).map(\.digest))
    untold.append((index, digest))
  }

  /// The one entry of `index.json`.
  func root(of bytes: [UInt8]) throws -> Descriptor {
    let entry = try documents.parsed(bytes, "index.json") { json throws(ManifestError) in try ImageIndex(json: json) }
    guard let root = entry.manifests.first, entry.manifests.count == 1, root.mediaType == MediaType.index else {
      throw BundleError(name, .document("index.json", reason: "expected one entry, an image index"))
    }
    try documents.expect(root)
    return root
  }

  private func readManifests() throws {
    while !pendingManifests.isEmpty {
      guard let entry = try entries.next() else {
        throw BundleError(name, .missing(first: pendingManifests.min()!, count: pendingManifests.count))
      }
      if let digest = Self.digest(of: entry), !pendingManifests.contains(digest), !seen.contains(digest) {
        throw UnexpectedOrder(
          documents.expected[digest] == nil
            ? BundleError(name, .unnamed(digest))
            : BundleError(
              name,
              .entry(
                entry.name ?? "",
                reason:
                  "it stands before the manifests; only a plain tar may have that order: undo the compression first")))
      }
      let (digest, size) = try blob(entry)
      pendingManifests.remove(digest)
      let bytes = try document(digest, size, limit: limits.manifest)
      try documents.take(manifest: bytes, digest)
      untold.append((bytes, digest))
    }
  }

  // MARK: Entries

  private func named(_ title: String, limit: Int) throws -> [UInt8] {
    guard let entry = try entries.next() else {
      throw BundleError(name, .document(title, reason: "the archive ends before it"))
    }
    guard entry.name == title, entry.kind == .file else {
      let place = entry.name ?? ""
      if Self.isPlausible(entry) {
        let reason = "it stands before \(title); only a plain tar may have that order: undo the compression first"
        throw UnexpectedOrder(BundleError(name, .entry(place, reason: reason)))
      }
      throw BundleError(name, .entry(place, reason: "expected \(title) here: this is no bundle, or not one of ours"))
    }
    return try bytes(of: entry, title, limit: limit)
  }

  /// The content of a document that no digest names.
  func bytes(of entry: ArchiveEntry, _ title: String, limit: Int) throws -> [UInt8] {
    guard let size = entry.size, size <= limit else {
      throw BundleError(name, .tooLarge(title, size: entry.size ?? 0, limit: limit))
    }
    return try bytes(size)
  }

  /// The digest in an entry's name; nil where it is no blob's.
  static func digest(of entry: ArchiveEntry) -> Digest? {
    let prefix = "blobs/sha256/"
    guard entry.kind == .file, let title = entry.name, title.hasPrefix(prefix) else { return nil }
    return Digest(hexadecimal: title.dropFirst(prefix.count))
  }

  /// The blob that an entry is; refused unless a manifest names it, with this size, for the first time.
  func blob(_ entry: ArchiveEntry) throws -> (Digest, Int) {
    let title = entry.name ?? ""
    guard let digest = Self.digest(of: entry) else {
      guard entry.kind == .file, title == "oci-layout" || title == "index.json" else { throw foreign(entry) }
      throw BundleError(name, .duplicate(title))
    }
    guard !seen.contains(digest) else { throw BundleError(name, .duplicate(title)) }
    guard let size = documents.expected[digest] else { throw BundleError(name, .unnamed(digest)) }
    guard entry.size == size else {
      throw BundleError(
        name, .content("blob \(digest) has \(entry.size.map { "\($0)" } ?? "no stated") bytes instead of \(size)"))
    }
    seen.insert(digest)
    return (digest, size)
  }

  /// What is wrong with an entry that no layout has.
  func foreign(_ entry: ArchiveEntry) -> BundleError {
    let reason =
      entry.kind == .file
      ? "a bundle holds oci-layout, index.json and blobs/sha256/… only"
      : "it is \(Self.words(entry.kind)); a bundle holds plain files only"
    return BundleError(name, .entry(entry.name ?? "", reason: reason))
  }

  private static func words(_ kind: ArchiveEntry.Kind) -> String {
    switch kind {
    case .file: "a file"
    case .folder: "a folder"
    case .symbolicLink: "a symbolic link"
    case .hardLink: "a hard link"
    case .special: "a device, socket or pipe"
    }
  }

  func document(_ digest: Digest, _ size: Int, limit: Int) throws -> [UInt8] {
    guard size <= limit else { throw BundleError(name, .tooLarge("blob \(digest)", size: size, limit: limit)) }
    let bytes = try bytes(size)
    let found = Digest(hashing: bytes)
    guard found == digest else {
      throw BundleError(name, .content("blob \(digest): its bytes have the digest \(found)"))
    }
    return bytes
  }

  /// The whole content of the present entry.
  private func bytes(_ size: Int) throws -> [UInt8] {
    var failure: (any Error)?
    let entries = entries
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      do {
        while count < size {
          let part = try entries.read(
            into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...])))
          if part == 0 { break }
          count += part
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}

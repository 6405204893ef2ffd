public import ArtifactStore
import CanonicalJSON
public import ContentAddressing
public import SystemPackage

/// All that a bundle consists of, before it becomes an archive or goes to a registry: one flat index, the manifests
/// that it lists, and the blobs that those name.
///
/// Equal results give equal contents, whatever store or machine they come from. Nothing rests on the index's digest.
public struct BundleContents: Sendable {
  /// A blob and where its bytes are.
  public struct Blob: Sendable {
    /// Where the bytes come from.
    public enum Source: Sendable {
      /// They are at hand.
      case bytes([UInt8])
      /// They are a whole file.
      case file(FilePath)
    }

    /// The digest of the bytes.
    public var digest: Digest
    /// Their number.
    public var size: Int
    /// Where they come from.
    public var source: Source

    /// A blob.
    public init(digest: Digest, size: Int, source: Source) {
      self.digest = digest
      self.size = size
      self.source = source
    }

    /// A blob of bytes at hand.
    public init(_ bytes: [UInt8]) {
      self.init(digest: Digest(hashing: bytes), size: bytes.count, source: .bytes(bytes))
    }
  }

  /// What the bundle says of itself.
  public var description: BundleDescription
  /// The flat index; the bundle's own manifest is the first in it.
  public var index: ImageIndex
  /// The manifests in the order of the index.
  public private(set) var manifests: [Blob] = []
  /// All other blobs, each once, the small ones first.
  public private(set) var blobs: [Blob] = []

  /// What the bundle's own manifest names; manifests of sources among it.
  public private(set) var ownFiles: Set<Digest> = []

  /// The kind of the bundle's own manifest.
  public static let kind: KindName = KindName("bundle")!
  /// The kind of the manifest of a user's own stage.
  public static let stageKind: KindName = KindName("stage")!
  /// The annotation that names stage and cell of a result's descriptor in the index.
  public static let labelAnnotation = "vnd.apprentice.label"
  /// The annotation with the action's key.
  public static let keyAnnotation = "vnd.apprentice.key"

  /// The number of bytes of everything.
  public var totalSize: Int { (manifests + blobs).reduce(0) { $0 + $1.size } }

  /// A manifest with the files that it names, all of which travel.
  public struct Part: Sendable {
    /// The manifest.
    public var manifest: Manifest
    /// Where a file is; nil where it is in the store.
    public var files: [String: FilePath]

    /// A part.
    public init(manifest: Manifest, files: [String: FilePath] = [:]) {
      self.manifest = manifest
      self.files = files
    }
  }

  /// Puts a bundle together.
  ///
  /// - Parameters:
  ///   - description: What it says of itself.
  ///   - pipeline: The bytes of the pipeline file.
  ///   - results: The results, in plan order, with the label of their action.
  ///   - artifacts: The artifacts that travel.
  ///   - sources: The manifests of what was read from outside; files travel where they are given.
  ///   - stages: The user's own stages.
  ///   - store: Where results and artifacts are.
  public init(
    description: BundleDescription, pipeline: [UInt8], results: [(label: String, result: ActionResult)],
    artifacts: [Artifact], sources: [(manifest: Manifest, files: [String: FilePath]?)], stages: [Part],
    in store: Store
  ) {
    self.description = description
    index = ImageIndex()
    var seen: Set<Digest> = []
    func add(_ blob: Blob, to list: inout [Blob]) {
      if seen.insert(blob.digest).inserted { list.append(blob) }
    }
    // The bundle's own manifest: nothing in it is lost when a tool rewrites the index.
    var documents: [Descriptor] = []
    func document(_ title: String, _ bytes: [UInt8], _ mediaType: String) {
      documents.append(
        Descriptor(file: title, digest: Digest(hashing: bytes), size: bytes.count, mediaType: mediaType))
      add(Blob(bytes), to: &blobs)
    }
    document(Store.bundleDescription, description.json.canonical, MediaType.json)
    document(Store.bundlePipeline, pipeline, MediaType.file)
    var titles: Set<String> = []
    for source in sources {
      let bytes = source.manifest.canonical
      let title = "sources/\(Digest(hashing: bytes).hexadecimal).json"
      guard titles.insert(title).inserted else { continue }
      documents.append(
        Descriptor(file: title, digest: Digest(hashing: bytes), size: bytes.count, mediaType: MediaType.json))
      // With its files it is in the index too, and then is one of the manifests.
      if source.files == nil { add(Blob(bytes), to: &blobs) }
    }
    add(Blob(Descriptor.emptyContent), to: &blobs)

    func list(_ part: Part, annotations: [String: String] = [:]) {
      let bytes = part.manifest.canonical
      guard seen.insert(Digest(hashing: bytes)).inserted else { return }
      manifests.append(Blob(bytes))
      var descriptor = part.manifest.descriptor
      descriptor.annotations = annotations
      index.manifests.append(descriptor)
      // The documents of the bundle's own manifest are there already, or are manifests themselves.
      for file in part.manifest.layers where part.manifest.kind != BundleContents.kind {
        let path = file.title.flatMap { part.files[$0] } ?? store.blobPath(file.digest)
        add(Blob(digest: file.digest, size: file.size, source: .file(path)), to: &blobs)
      }
    }
    ownFiles = Set(documents.map(\.digest))
    list(Part(manifest: Manifest(kind: BundleContents.kind, files: documents)))
    for (label, result) in results {
      list(
        Part(manifest: result.manifest),
        annotations: [
          BundleContents.labelAnnotation: label, BundleContents.keyAnnotation: result.key.description,
        ])
    }
    for artifact in artifacts { list(Part(manifest: artifact.manifest)) }
    for source in sources { if let files = source.files { list(Part(manifest: source.manifest, files: files)) } }
    for stage in stages { list(stage) }
    // Small ones first: whoever only looks has seen documents and scores before the weights come.
    blobs.sort { ($0.size, $0.digest) < ($1.size, $1.digest) }
  }

  /// Looks whether an import would take what the bundle says of itself.
  ///
  /// - Throws: `ManifestError` that names what can't travel.
  public func check() throws(ManifestError) {
    _ = try BundleDescription(json: description.json)
    var parts: [Digest: Manifest] = [:]
    for blob in manifests {
      guard case .bytes(let bytes) = blob.source, let json = try? JSONValue(parsing: bytes) else { continue }
      parts[blob.digest] = try Manifest(json: json)
    }
    guard let first = index.manifests.first, let own = parts[first.digest] else { return }
    _ = try BundleFiles(description, own: own) { parts[$0] }
  }
}

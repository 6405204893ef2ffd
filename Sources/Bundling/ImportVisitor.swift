import ArtifactStore
import CanonicalJSON
import ContentAddressing
import SystemPackage

/// Puts what comes into an intake, and publishes it when all of it has come.
final class ImportVisitor: BundleVisitor {
  private let name: String
  private let intake: Intake
  private let scope: ImportScope
  private let folder: BundleFolder?
  private let store: Store
  private let advance: () -> Void
  private var outline: BundleOutline?
  private var bundle: CheckedBundle?
  private var wanted: Set<Digest>?
  private var pending: [[UInt8]] = []

  init(
    _ name: String, _ intake: Intake, of store: Store, _ scope: ImportScope, _ folder: BundleFolder?,
    advance: @escaping () -> Void
  ) {
    self.name = name
    self.intake = intake
    self.store = store
    self.scope = scope
    self.folder = folder
    self.advance = advance
  }

  func document(_ bytes: [UInt8], digest: Digest) throws {
    if let wanted {
      if wanted.contains(digest) { try intake.add(bytes) }
    } else {
      pending.append(bytes)
    }
  }

  func manifestsEnd(_ outline: BundleOutline) throws -> Bool {
    self.outline = outline
    let sources = Set(outline.own.manifest.layers.filter { BundleCheck.isSource($0) }.map(\.digest))
    var wanted: Set<Digest> = []
    for (digest, manifest) in outline.manifests {
      guard
        scope == .everything || digest == outline.own.digest || manifest.kind == BundleContents.stageKind
          || sources.contains(digest)
      else { continue }
      wanted.insert(digest)
      for layer in manifest.layers + [manifest.config] { wanted.insert(layer.digest) }
    }
    let pending = pending
    self.pending = []
    for bytes in pending where wanted.contains(Digest(hashing: bytes)) { try intake.add(bytes) }
    self.wanted = wanted
    return true
  }

  /// Looks whether the folder can take what is to be written there, before the weights come.
  func documentsEnd(_ bundle: CheckedBundle) throws -> Bool {
    self.bundle = bundle
    try folder?.prepare(for: bundle.files, besides: store.path)
    return true
  }

  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
    guard wanted?.contains(digest) ?? false else { return true }
    let advance = advance
    try intake.receive(digest, size: size) { buffer in
      let count = try next(buffer)
      advance()
      return count
    }
    return true
  }

  /// The blobs that are wanted, each once and the small ones first, when all manifests have come.
  var wantedBlobs: [Descriptor] {
    var blobs: [Digest: Descriptor] = [:]
    for manifest in outline?.manifests.values.map({ $0 }) ?? [] {
      for blob in manifest.layers + [manifest.config] where wanted?.contains(blob.digest) ?? false {
        if outline?.manifests[blob.digest] == nil { blobs[blob.digest] = blob }
      }
    }
    return blobs.values.sorted { ($0.size, $0.digest) < ($1.size, $1.digest) }
  }

  /// Stages the folder's files, publishes, and lets the files appear.
  func finish() throws -> ImportedBundle {
    guard let bundle else { throw BundleError(name, .document(Store.bundleDescription, reason: "it has not come")) }
    let (description, outline) = (bundle.description, bundle.outline)
    let staged = try folder.map { folder in
      try folder.prepare(for: bundle.files, besides: store.path)
      return try StagedFiles(bundle.files, from: intake, for: folder)
    }
    defer { staged?.discard() }
    // The index is made anew: what a tool did to it on the way does not matter.
    var index = ImageIndex(manifests: [outline.own.manifest.descriptor])
    for (digest, manifest) in outline.manifests.sorted(by: { $0.key < $1.key }) where digest != outline.own.digest {
      if wanted?.contains(digest) ?? false { index.manifests.append(manifest.descriptor) }
    }
    let reference = try intake.add(index.canonical)
    let actions = scope == .everything ? description.actions : []
    let complete = try intake.publish(
      pipeline: description.pipeline,
      actions: actions.map { ActionRecord(label: $0.label, key: $0.key, result: $0.result) },
      references: [(Store.bundleReference(outline.own.digest), reference)],
      origin: ResultOrigin(
        kind: .bundle, name: name, digest: outline.own.digest,
        pipelineFile: outline.own.manifest.file(Store.bundlePipeline)?.digest))
    try staged?.publish()
    return ImportedBundle(
      description: description, manifest: outline.own.digest, outputs: bundle.outputs,
      environments: bundle.environments, file: folder?.path.appending(description.file), complete: complete)
  }
}

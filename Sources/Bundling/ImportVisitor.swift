import ArtifactStore
import CanonicalJSON
import ContentAddressing

/// Puts what comes into an intake, and checks what the documents say.
final class ImportVisitor: BundleVisitor {
  private let name: String
  private let intake: Intake
  private let scope: ImportScope
  private let folder: BundleFolder?
  private let advance: () -> Void
  private var outline: BundleOutline?
  private var wanted: Set<Digest>?
  private var pending: [[UInt8]] = []

  init(
    _ name: String, _ intake: Intake, _ scope: ImportScope, _ folder: BundleFolder?, advance: @escaping () -> Void
  ) {
    self.name = name
    self.intake = intake
    self.scope = scope
    self.folder = folder
    self.advance = advance
  }

  func document(_ bytes: [UInt8], digest: Digest) { pending.append(bytes) }

  func documentsEnd(_ outline: BundleOutline) throws -> Bool {
    self.outline = outline
    var wanted: Set<Digest> = []
    for (digest, manifest) in outline.manifests {
      let kinds: [KindName] = [BundleContents.kind, BundleContents.stageKind, .source]
      guard scope == .everything || kinds.contains(where: { manifest.kind == $0 }) else { continue }
      wanted.insert(digest)
      for layer in manifest.layers + [manifest.config] { wanted.insert(layer.digest) }
    }
    let pending = pending
    self.pending = []
    for bytes in pending where wanted.contains(Digest(hashing: bytes)) { try intake.add(bytes) }
    self.wanted = wanted
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

  /// The blobs that are wanted, each once and the small ones first, when all documents have come.
  var wantedBlobs: [Descriptor] {
    var blobs: [Digest: Descriptor] = [:]
    for manifest in outline?.manifests.values.map({ $0 }) ?? [] {
      for blob in manifest.layers + [manifest.config] where wanted?.contains(blob.digest) ?? false {
        if outline?.manifests[blob.digest] == nil { blobs[blob.digest] = blob }
      }
    }
    return blobs.values.sorted { ($0.size, $0.digest) < ($1.size, $1.digest) }
  }

  /// A document that has come, read again so that memory does not grow with their number; nil where it is larger than
  /// any of ours.
  private func document(_ file: Descriptor) throws -> [UInt8]? {
    guard file.size <= BundleLimits().manifest else { return nil }
    return try intake.document(file.digest, neededBy: name)
  }

  /// What the bundle says of itself.
  private func description(_ outline: BundleOutline) throws -> BundleDescription {
    guard let file = outline.own.manifest.file(Store.bundleDescription), let bytes = try document(file),
      let pipeline = outline.own.manifest.file(Store.bundlePipeline), pipeline.size <= BundleLimits().manifest
    else {
      throw BundleError(name, .document("the bundle's manifest", reason: "it lacks a document, or one is too large"))
    }
    do { return try BundleDescription(json: JSONValue(parsing: bytes)) } catch {
      throw BundleError(name, .document(Store.bundleDescription, reason: "\(error)"))
    }
  }

  /// Looks whether the folder can take what is to be written there; the bundle's own documents have come.
  func prepareFolder() throws {
    guard let folder, let outline else { return }
    try folder.prepare(for: try description(outline), outline.own.digest) { outline.manifests[$0] }
  }

  /// Checks what the documents say, publishes, and writes to the folder.
  func finish(in store: Store) throws -> ImportedBundle {
    guard let outline else { throw BundleError(name, .document("index", reason: "it has not come")) }
    let description = try description(outline)
    for action in description.actions { try check(action, outline) }
    for stage in description.stages where outline.manifests[stage.manifest]?.kind != BundleContents.stageKind {
      throw BundleError(name, .document("stage \(stage.folder)", reason: "its code is not in the bundle"))
    }
    try prepareFolder()
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
    var bundle = ImportedBundle(description: description, manifest: outline.own.digest, complete: complete)
    bundle.file = try folder?.write(bundle, from: store)
    return bundle
  }

  private func check(_ action: BundleDescription.Action, _ outline: BundleOutline) throws {
    let place = "action \(action.label)"
    guard let manifest = outline.manifests[action.result], manifest.artifactType == MediaType.result,
      let key = manifest.file("key.json"), key.digest == action.key.digest, let outputs = manifest.file("outputs.json"),
      manifest.file("environment.json") != nil
    else { throw BundleError(name, .document(place, reason: "\(action.result) is not its result")) }
    guard scope == .everything else { return }
    do {
      _ = try KeyDocument(json: JSONValue(parsing: document(key) ?? []))
      let members = try JSONValue(parsing: document(outputs) ?? []).object?.members ?? []
      for member in members where member.value.string.flatMap({ Digest($0) }) == nil {
        throw ManifestError(member: member.name, expected: "a digest")
      }
    } catch {
      throw BundleError(name, .document(place, reason: "\(error)"))
    }
  }
}

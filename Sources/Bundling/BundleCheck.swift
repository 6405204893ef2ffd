import ArtifactStore
public import CanonicalJSON
public import ContentAddressing

/// A bundle whose documents have come and hold what is asked of them.
public struct CheckedBundle: Sendable {
  /// What the bundle says of itself.
  public var description: BundleDescription
  /// The manifests.
  public var outline: BundleOutline
  /// Outputs by port of every action, in plan order.
  public var outputs: [[(port: String, digest: Digest)]]
  /// Where the result of every action was made, in plan order.
  public var environments: [JSONValue]
  /// What an import writes to a folder.
  var files: [BundleFile]
}

/// The rules for what a bundle's documents say, the same for whoever inspects, verifies or imports it.
///
/// Documents come in any order, and no more of them is kept than what they were found to say.
final class BundleCheck {
  private enum Role { case description, key, outputs, environment, source }

  private let name: String
  private let outline: BundleOutline
  private let sources: Set<Digest>
  private var roles: [Digest: Set<Role>] = [:]
  private var description: BundleDescription?
  private var files: [BundleFile] = []
  private var outputs: [Digest: [(port: String, digest: Digest)]] = [:]
  private var environments: [Digest: JSONValue] = [:]
  /// Why a document can't serve, until it is known what it was to serve for.
  private var faults: [Digest: String] = [:]

  /// Begins with the manifests.
  ///
  /// - Throws: `BundleError` where a document is absent or larger than any of ours.
  init(_ name: String, _ outline: BundleOutline, _ limits: BundleLimits) throws {
    self.name = name
    self.outline = outline
    sources = Set(outline.own.manifest.layers.filter { Self.isSource($0) }.map(\.digest))
    for descriptor in outline.index.manifests {
      guard let type = descriptor.artifactType, let manifest = outline.manifests[descriptor.digest] else { continue }
      guard type == manifest.artifactType else {
        throw BundleError(
          name, .document("manifest \(descriptor.digest)", reason: "it is not the \(type.shown()) that the index says"))
      }
    }
    var total = 0
    func expect(_ file: Descriptor, _ role: Role?, limit: Int) throws {
      guard file.size <= limit else {
        throw BundleError(name, .tooLarge((file.title ?? "").shown(), size: file.size, limit: limit))
      }
      guard let role else { return }
      if roles[file.digest] == nil { total += file.size }
      roles[file.digest, default: []].insert(role)
      guard total <= limits.documents else {
        throw BundleError(name, .tooLarge("all documents together", size: total, limit: limits.documents))
      }
    }
    let own = outline.own.manifest
    guard let about = own.file(Store.bundleDescription), let pipeline = own.file(Store.bundlePipeline) else {
      throw BundleError(
        name,
        .document("the bundle's manifest", reason: "it lacks \(Store.bundleDescription) or \(Store.bundlePipeline)"))
    }
    try expect(about, .description, limit: limits.description)
    try expect(pipeline, nil, limit: limits.document)
    for file in own.layers where Self.isSource(file) && outline.manifests[file.digest] == nil {
      try expect(file, .source, limit: limits.manifest)
    }
    for manifest in outline.manifests.values where manifest.artifactType == MediaType.result {
      for file in manifest.layers {
        switch file.title {
        case "key.json": try expect(file, .key, limit: limits.document)
        case "outputs.json": try expect(file, .outputs, limit: limits.document)
        case "environment.json": try expect(file, .environment, limit: limits.document)
        default: break
        }
      }
    }
  }

  /// Whether a document of the bundle's own manifest is the manifest of a source.
  static func isSource(_ file: Descriptor) -> Bool { file.title?.hasPrefix("sources/") ?? false }

  /// Whether a blob is a document that has not come.
  func wants(_ digest: Digest) -> Bool { roles[digest] != nil }

  /// Whether all documents have come.
  var isComplete: Bool { roles.isEmpty }

  /// The digests of the documents that have not come.
  var wanted: Set<Digest> { Set(roles.keys) }

  /// Takes a document whose digest has been checked.
  ///
  /// - Throws: `BundleError`.
  func take(_ bytes: [UInt8], _ digest: Digest) throws {
    for role in roles.removeValue(forKey: digest) ?? [] {
      do {
        switch role {
        case .description: try takeDescription(bytes)
        case .key: try Self.checkKey(bytes)
        case .outputs: outputs[digest] = try Self.outputs(bytes)
        case .environment: environments[digest] = try JSONValue(parsing: bytes)
        case .source: _ = try Manifest(json: JSONValue(parsing: bytes))
        }
      } catch let error as BundleError {
        throw error
      } catch {
        if role == .description {
          throw BundleError(name, .document(Store.bundleDescription, reason: "\(error)"))
        }
        faults[digest] = "\(error)"
      }
    }
  }

  /// What all documents say, when all have come.
  ///
  /// - Throws: `BundleError`.
  func finish() throws -> CheckedBundle {
    guard let description, roles.isEmpty else {
      throw BundleError(name, .document(Store.bundleDescription, reason: "it has not come"))
    }
    var checked = CheckedBundle(
      description: description, outline: outline, outputs: [], environments: [], files: files)
    for action in description.actions {
      let (outputs, environment) = try result(of: action)
      checked.outputs.append(outputs)
      checked.environments.append(environment)
    }
    for (index, source) in description.sources.enumerated() {
      if let fault = faults[source.manifest] {
        throw BundleError(name, .document("sources[\(index)]", reason: fault))
      }
    }
    return checked
  }

  // MARK: Documents

  private func takeDescription(_ bytes: [UInt8]) throws {
    let description = try BundleDescription(json: JSONValue(parsing: bytes))
    for action in description.actions { _ = try documents(of: action) }
    var results: [ActionKey: Digest] = [:]
    for action in description.actions {
      let first = results.updateValue(action.result, forKey: action.key) ?? action.result
      guard first == action.result else { throw fault(of: action, "another action of the same key has another result") }
    }
    for stage in description.stages { try check(stage) }
    for (index, source) in description.sources.enumerated() { try check(source, at: "sources[\(index)]") }
    let outline = outline
    files = try BundleFiles(description, own: outline.own.manifest) { outline.manifests[$0] }.files
    self.description = description
  }

  /// A key is the digest of its document: only the one spelling counts.
  private static func checkKey(_ bytes: [UInt8]) throws {
    // Integers of many digits stand in keys as they were written.
    for numbers in [JSONNumbers.doubles, .asWritten] {
      let json = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, numbers: numbers) }
      if try KeyDocument(json: json).canonical == bytes { return }
    }
    throw ManifestError(member: "key.json", expected: "the canonical bytes of a key document")
  }

  private static func outputs(_ bytes: [UInt8]) throws -> [(port: String, digest: Digest)] {
    guard let members = try JSONValue(parsing: bytes).object?.members else {
      throw ManifestError(member: "outputs.json", expected: "an object")
    }
    var outputs: [(port: String, digest: Digest)] = []
    for member in members {
      guard BundleNames.isName(member.name) else {
        throw ManifestError(member: "outputs.json: \(member.name.shown())", expected: BundleNames.nameRule)
      }
      guard let digest = member.value.string.flatMap({ Digest($0) }) else {
        throw ManifestError(member: "outputs.json: \(member.name)", expected: "a digest")
      }
      outputs.append((member.name, digest))
    }
    return outputs
  }

  // MARK: Results

  private func fault(of action: BundleDescription.Action, _ reason: String) -> BundleError {
    BundleError(name, .document("action \(action.label.shown())", reason: reason))
  }

  /// The documents of an action's result.
  private func documents(
    of action: BundleDescription.Action
  ) throws -> (key: Descriptor, outputs: Descriptor, environment: Descriptor) {
    guard let manifest = outline.manifests[action.result], manifest.artifactType == MediaType.result,
      let key = manifest.file("key.json"), key.digest == action.key.digest,
      let outputs = manifest.file("outputs.json"), let environment = manifest.file("environment.json")
    else { throw fault(of: action, "\(action.result) is not its result") }
    return (key, outputs, environment)
  }

  private func result(
    of action: BundleDescription.Action
  ) throws -> (outputs: [(port: String, digest: Digest)], environment: JSONValue) {
    let documents = try documents(of: action)
    for document in [documents.key, documents.outputs, documents.environment] {
      if let reason = faults[document.digest] { throw fault(of: action, reason) }
    }
    let outputs = outputs[documents.outputs.digest] ?? []
    for (port, digest) in outputs {
      // One that does not travel is told as absent.
      guard let manifest = outline.manifests[digest] else { continue }
      let others: [KindName] = [.result, BundleContents.kind, BundleContents.stageKind]
      guard let kind = manifest.kind, !others.contains(kind) else {
        throw fault(of: action, "its output \(port) is no artifact but \(manifest.artifactType.shown())")
      }
    }
    return (outputs, environments[documents.environment.digest] ?? .null)
  }

  // MARK: Stages and sources

  private func check(_ stage: BundleDescription.OwnStage) throws {
    let place = "stage \(stage.folder.shown())"
    guard let manifest = outline.manifests[stage.manifest], manifest.kind == BundleContents.stageKind else {
      throw BundleError(name, .document(place, reason: "its code is not in the bundle"))
    }
    let titles = Set(manifest.layers.map { $0.title ?? "" })
    if let program = stage.programs.first(where: { !titles.contains($0) }) {
      throw BundleError(name, .document(place, reason: "it has no file \(program.shown())"))
    }
  }

  private func check(_ source: RecordedSource, at place: String) throws {
    guard let manifest = outline.manifests[source.manifest] else {
      guard sources.contains(source.manifest) else {
        throw BundleError(name, .document(place, reason: "its manifest is not in the bundle"))
      }
      return
    }
    let others: [KindName] = [.result, BundleContents.kind, BundleContents.stageKind]
    guard let kind = manifest.kind, !others.contains(kind), source.isFolder || manifest.layers.count == 1 else {
      throw BundleError(name, .document(place, reason: "\(source.manifest) is not the manifest of its files"))
    }
  }
}

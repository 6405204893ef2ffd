public import ArtifactStore
import Bundling
import CanonicalJSON
public import ContentAddressing
public import Registries

/// Results in a repository of a registry: under the tag `action-<key>` a flat index of the result and its outputs.
public final class RegistryCache: RemoteCache {
  private let registry: Registry
  private let cancellation: Cancellation
  private let limits = BundleLimits()

  /// The cache of a repository; nothing is asked yet.
  ///
  /// - Parameters:
  ///   - reference: The repository.
  ///   - options: How the registry is asked.
  /// - Throws: `RegistryError` where this machine lacks what is needed.
  public init(_ reference: OCIReference, options: RegistryOptions) throws(RegistryError) {
    var options = options
    cancellation = options.cancellation ?? Cancellation()
    options.cancellation = cancellation
    registry = try Registry(reference, options: options)
  }

  /// The repository.
  public var name: String { registry.reference.description }

  /// Gives up what is under way, soon.
  public func cancel() { cancellation.cancel() }

  static func tag(_ key: ActionKey) -> String { "action-\(key.digest.hexadecimal)" }

  /// What a tag leads to: manifests that were checked against their digests, one of them the action's result.
  private struct Documents {
    var result: Digest
    var manifests: [Digest: (manifest: Manifest, bytes: [UInt8])]
  }

  /// Looks what an action came to, without its data.
  public func find(_ key: ActionKey) throws -> ActionResult? {
    try explained {
      do {
        guard let documents = try documents(of: key) else { return nil }
        return try result(key, documents)
      } catch let error as ManifestError { throw damaged("\(error)") }
    }
  }

  private func result(_ key: ActionKey, _ documents: Documents) throws -> ActionResult {
    guard let manifest = documents.manifests[documents.result]?.manifest, let file = manifest.file("outputs.json"),
      file.size <= limits.manifest
    else { throw damaged("\(Self.tag(key)) has no outputs.json") }
    let receiver = DocumentReceiver()
    try registry.download(file.digest, size: file.size, to: receiver)
    guard Digest(hashing: receiver.bytes) == file.digest,
      let members = try json(receiver.bytes, "blob \(file.digest)").object?.members
    else { throw damaged("blob \(file.digest) holds other bytes") }
    let outputs = try members.map { port, value in
      guard let digest = value.string.flatMap({ Digest($0) }), let output = documents.manifests[digest]?.manifest else {
        throw damaged("the output \(port) is not part of \(Self.tag(key))")
      }
      return ActionResult.Output(port: port, artifact: Artifact(digest: digest, manifest: output))
    }
    return ActionResult(
      key: key, digest: documents.result, manifest: manifest,
      outputs: outputs.sorted { $0.port.utf8.lexicographicallyPrecedes($1.port.utf8) })
  }

  /// Takes the result of an action over, with all that it consists of.
  public func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult? {
    try explained {
      let found: Documents?
      do { found = try documents(of: key) } catch let error as ManifestError { throw damaged("\(error)") }
      guard let documents = found else { return nil }
      let intake = try store.beginIntake()
      do {
        try take(documents, into: intake, progress)
        return try intake.publish(documents.result, of: key, from: ResultOrigin(kind: .remote, name: name))
      } catch {
        intake.discard()
        if let error = error as? ManifestError { throw damaged("\(error)") }
        if let damage = error as? DamagedBlob { throw damaged("\(damage)") }
        if case StoreError.missing(let digest, _)? = error as? StoreError {
          throw damaged("blob \(digest) is not part of it")
        }
        throw error
      }
    }
  }

  private func damaged(_ reason: String) -> RemoteCacheError {
    RemoteCacheError(.damaged, "\(name): \(reason)")
  }

  /// The documents under an action's tag; nothing rests on what the index says of them.
  private func documents(of key: ActionKey) throws -> Documents? {
    guard let document = try registry.document(.tag(Self.tag(key)), limit: limits.index) else { return nil }
    let index = try ImageIndex(json: json(document.bytes, "index \(document.digest)"))
    let listed = index.manifests
    guard listed.count <= 1024, listed.allSatisfy({ $0.mediaType == MediaType.manifest && $0.size <= limits.manifest }),
      sum(listed.map(\.size)) <= limits.manifests
    else { throw damaged("index \(document.digest) lists what is no manifest of ours") }
    var results: [Digest] = []
    var manifests: [Digest: (manifest: Manifest, bytes: [UInt8])] = [:]
    for (descriptor, bytes) in zip(listed, try registry.manifests(listed)) {
      let manifest = try Manifest(json: json(bytes, "manifest \(descriptor.digest)"))
      if manifest.artifactType == MediaType.result, manifest.file("key.json")?.digest == key.digest {
        results.append(descriptor.digest)
      }
      manifests[descriptor.digest] = (manifest, bytes)
    }
    guard let result = results.first, results.count == 1 else {
      throw damaged("\(Self.tag(key)) does not hold the result of this action")
    }
    return Documents(result: result, manifests: manifests)
  }

  /// Brings all that a result consists of into an intake.
  private func take(
    _ documents: Documents, into intake: Intake, _ progress: @escaping @Sendable (Int, Int) -> Void
  ) throws {
    var blobs: [Digest: Descriptor] = [:]
    for (manifest, bytes) in documents.manifests.values {
      for blob in manifest.layers + [manifest.config] { blobs[blob.digest] = blob }
      try intake.add(bytes)
    }
    for digest in documents.manifests.keys { blobs[digest] = nil }
    _ = try registry.fetch(
      blobs.values.sorted { ($0.size, $0.digest) < ($1.size, $1.digest) }, into: intake, progress: progress)
  }

  private func json(_ bytes: [UInt8], _ place: String) throws -> JSONValue {
    do { return try JSONValue(parsing: bytes) } catch { throw damaged("\(place): \(error)") }
  }

  /// Shares a result; one that is there already stays.
  @discardableResult
  public func offer(_ result: ActionResult, from store: Store) throws -> Bool {
    try explained {
      guard try registry.digest(of: .tag(Self.tag(result.key)), for: .push) == nil else { return false }
      var index = ImageIndex()
      var manifests: [Digest: BundleContents.Blob] = [:]
      var blobs: [Digest: BundleContents.Blob] = [:]
      for (digest, manifest) in result.manifests where manifests[digest] == nil {
        let bytes = try store.document(digest, neededBy: "action \(result.key)")
        manifests[digest] = BundleContents.Blob(bytes)
        index.manifests.append(
          Descriptor(
            mediaType: MediaType.manifest, digest: digest, size: bytes.count, artifactType: manifest.artifactType))
        for blob in manifest.layers + [manifest.config] {
          blobs[blob.digest] = BundleContents.Blob(
            digest: blob.digest, size: blob.size, source: .file(store.blobPath(blob.digest)))
        }
      }
      _ = try registry.send(
        Array(blobs.values), manifests: Array(manifests.values), index: index.canonical, as: Self.tag(result.key)
      ) { _, _ in }
      return true
    }
  }

  /// What the registry's errors mean for a cache.
  private func explained<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as RegistryError {
      switch error.fault {
      case .damaged: throw RemoteCacheError(.damaged, "\(error)")
      case .cancelled: throw RemoteCacheError(.cancelled, "\(error)")
      default: throw RemoteCacheError(.unreachable, "\(error)")
      }
    }
  }
}

/// Takes a small blob into memory.
private final class DocumentReceiver: BlobReceiver {
  private(set) var bytes: [UInt8] = []
  var count: Int { bytes.count }

  func write(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
}

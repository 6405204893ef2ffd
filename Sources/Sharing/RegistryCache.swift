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

  /// Takes the result of an action over, with all that it consists of.
  public func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult? {
    try explained {
      guard let document = try registry.document(.tag(Self.tag(key)), limit: limits.index) else { return nil }
      let intake = try store.beginIntake()
      do {
        let result = try take(document, key, into: intake, progress)
        return try intake.publish(result, of: key)
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

  /// Brings all that a result consists of into an intake.
  ///
  /// - Returns: The result's manifest; nothing rests on what the index says of it.
  private func take(
    _ document: Registry.Document, _ key: ActionKey, into intake: Intake,
    _ progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> Digest {
    let index = try ImageIndex(json: json(document.bytes, "index \(document.digest)"))
    let listed = index.manifests
    guard listed.count <= 1024, listed.allSatisfy({ $0.mediaType == MediaType.manifest && $0.size <= limits.manifest }),
      listed.reduce(0, { $0.addingReportingOverflow($1.size).partialValue }) <= limits.manifests
    else { throw damaged("index \(document.digest) lists what is no manifest of ours") }
    var results: [Digest] = []
    var blobs: [Digest: Descriptor] = [:]
    for (descriptor, bytes) in zip(listed, try registry.manifests(listed)) {
      let manifest = try Manifest(json: json(bytes, "manifest \(descriptor.digest)"))
      if manifest.artifactType == MediaType.result, manifest.file("key.json")?.digest == key.digest {
        results.append(descriptor.digest)
      }
      for blob in manifest.layers + [manifest.config] { blobs[blob.digest] = blob }
      try intake.add(bytes)
    }
    guard let result = results.first, results.count == 1 else {
      throw damaged("\(Self.tag(key)) does not hold the result of this action")
    }
    for descriptor in listed { blobs[descriptor.digest] = nil }
    _ = try registry.fetch(
      blobs.values.sorted { ($0.size, $0.digest) < ($1.size, $1.digest) }, into: intake, progress: progress)
    return result
  }

  private func json(_ bytes: [UInt8], _ place: String) throws -> JSONValue {
    do { return try JSONValue(parsing: bytes) } catch { throw damaged("\(place): \(error)") }
  }

  /// Shares a result; one that is there already stays.
  public func offer(_ result: ActionResult, from store: Store) throws {
    try explained {
      guard try registry.digest(of: .tag(Self.tag(result.key)), for: .push) == nil else { return }
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

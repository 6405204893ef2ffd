public import ArtifactStore
public import Bundling
import CanonicalJSON
public import ContentAddressing
public import Registries
import Synchronization

extension Reception: BlobReceiver {}

extension Registry {
  /// Manifests by their digests, in the order in which they are asked for.
  ///
  /// - Throws: `RegistryError`, `.damaged` where one is not there or is another.
  func manifests(_ manifests: [Descriptor]) throws -> [[UInt8]] {
    let gathering = Gathering()
    try Workers.forEach(manifests, atOnce: options.connections) { descriptor in
      guard let document = try self.document(.digest(descriptor.digest), limit: descriptor.size) else {
        throw RegistryError(
          self.reference.description, .damaged("manifest \(descriptor.digest) that its index names is not there"))
      }
      gathering.put(document.bytes, descriptor.digest)
    }
    return manifests.map { gathering.bytes($0.digest) ?? [] }
  }

  /// Brings blobs into an intake that are neither there nor in its store.
  ///
  /// - Returns: What there was to fetch.
  /// - Throws: `RegistryError`, `DamagedBlob` or `StoreError`.
  func fetch(
    _ blobs: [Descriptor], into intake: Intake, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> TransferSummary {
    let missing = try blobs.filter { try !intake.has($0.digest, size: $0.size) }
    let total = sum(missing.map(\.size))
    try intake.require(total)
    let meter = Meter(total: total, progress)
    try Workers.forEach(missing.sorted { $0.size > $1.size }, atOnce: options.connections) { blob in
      if try !self.fetch(blob, into: intake, meter) {
        // Bytes of an earlier attempt were wrong, and are gone now.
        _ = try self.fetch(blob, into: intake, meter)
      }
    }
    return TransferSummary(all: blobs.map(\.size), moved: missing.map(\.size))
  }

  /// Brings one blob into an intake.
  ///
  /// - Returns: Whether it came; not, where it was to go on from bytes that did not belong to it.
  private func fetch(_ blob: Descriptor, into intake: Intake, _ meter: Meter) throws -> Bool {
    let reception = try intake.begin(blob.digest, size: blob.size, isResumable: true)
    let found = reception.count
    meter.add(found)
    do {
      try download(blob.digest, size: blob.size, to: reception) { meter.add($0) }
      try intake.end(reception)
      return true
    } catch let error as RegistryError where error.exitStatus == 4 {
      // What is wrong once is not worth going on with.
      reception.discard()
      throw error
    } catch let error as DamagedBlob {
      guard found > 0 else { throw error }
      meter.add(-reception.count)
      return false
    } catch let error as StoreError where error.exitStatus == 7 {
      reception.discard()
      throw error
    }
  }
}

/// A bundle in a registry.
public final class RegistryBundle: BundleOrigin {
  private let registry: Registry
  private let reference: OCIReference
  private let progress: @Sendable (Int, Int) -> Void
  /// What had to travel, when it has.
  public private(set) var summary = TransferSummary()
  /// The index, when it has come.
  private var document: Registry.Document?

  /// A bundle; nothing is asked yet.
  ///
  /// - Parameters:
  ///   - reference: Where it is; without a version the tag is `latest`.
  ///   - options: How the registry is asked.
  ///   - progress: Is told how many bytes of blobs have come, and of how many.
  /// - Throws: `RegistryError` where this machine lacks what is needed.
  public init(
    _ reference: OCIReference, options: RegistryOptions,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws(RegistryError) {
    registry = try Registry(reference, options: options)
    self.reference = reference.with(reference.version ?? .tag("latest"))
    self.progress = progress
  }

  /// The reference.
  public var name: String { reference.description }

  /// The bytes of the flat index; they are asked for once.
  public func index(limit: Int) throws -> [UInt8] {
    if let document { return document.bytes }
    guard let found = try registry.document(reference.version ?? .tag("latest"), limit: limit) else {
      throw RegistryError(name, .absent("such bundle"))
    }
    document = found
    // What is no index is refused by whoever asked.
    let index = (try? JSONValue(parsing: found.bytes)).flatMap { try? ImageIndex(json: $0) } ?? ImageIndex()
    let manifests = Dictionary(index.manifests.map { ($0.digest, $0.size) }) { first, _ in first }
    summary.blobs = manifests.count
    summary.bytes = sum(Array(manifests.values))
    return found.bytes
  }

  /// The bytes of manifests, in the order in which they are asked for.
  public func manifests(_ manifests: [Descriptor]) throws -> [[UInt8]] {
    summary.movedBlobs += manifests.count
    summary.movedBytes += sum(manifests.map(\.size))
    return try registry.manifests(manifests)
  }

  /// Brings blobs into an intake, those that are not there yet.
  public func fetch(_ blobs: [Descriptor], into intake: Intake) throws {
    let fetched = try registry.fetch(blobs, into: intake, progress: progress)
    summary.add(fetched)
  }
}

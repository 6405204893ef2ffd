import ArtifactStore
import ContentAddressing
import Foundation
import Synchronization
import TestSupport

/// A remote cache in memory, which a test may keep waiting or let fail.
final class MemoryCache: RemoteCache {
  /// What it was asked.
  struct Calls: Sendable {
    var fetches: [ActionKey] = []
    var offers: [ActionKey] = []
    var finds: [ActionKey] = []
    var cancellations = 0
  }

  private struct Content: Sendable {
    var results: [ActionKey: ActionResult] = [:]
    var blobs: [Digest: [UInt8]] = [:]
  }

  let name = "memory"
  private let content = Mutex(Content())
  private let counted = Mutex(Calls())
  private let fault = Mutex<RemoteCacheError?>(nil)
  /// Is called in every fetch, before anything is given.
  private let beforeFetch: @Sendable (MemoryCache) throws -> Void

  init(beforeFetch: @escaping @Sendable (MemoryCache) throws -> Void = { _ in }) { self.beforeFetch = beforeFetch }

  var calls: Calls { counted.withLock { $0 } }
  var isCancelled: Bool { calls.cancellations > 0 }

  /// Lets whatever is asked fail from now on.
  func fail(_ error: RemoteCacheError?) { fault.withLock { $0 = error } }

  func find(_ key: ActionKey) throws -> ActionResult? {
    counted.withLock { $0.finds.append(key) }
    if let error = fault.withLock({ $0 }) { throw error }
    return content.withLock { $0.results[key] }
  }

  func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult? {
    counted.withLock { $0.fetches.append(key) }
    try beforeFetch(self)
    if let error = fault.withLock({ $0 }) { throw error }
    let (found, blobs) = content.withLock { ($0.results[key], $0.blobs) }
    guard let result = found else { return nil }
    let intake = try store.beginIntake()
    let parts = result.manifests.flatMap { [$0.digest] + ($0.manifest.layers + [$0.manifest.config]).map(\.digest) }
    for digest in Set(parts) { try intake.add(blobs[digest] ?? []) }
    return try intake.publish(result.digest, of: key, from: ResultOrigin(kind: .remote, name: name))
  }

  func offer(_ result: ActionResult, from store: Store) throws -> Bool {
    counted.withLock { $0.offers.append(result.key) }
    if let error = fault.withLock({ $0 }) { throw error }
    var blobs: [Digest: [UInt8]] = [:]
    for (digest, manifest) in result.manifests {
      for digest in [digest] + (manifest.layers + [manifest.config]).map(\.digest) {
        blobs[digest] = try Fixture.bytes(store.blobPath(digest))
      }
    }
    return content.withLock { content in
      content.blobs.merge(blobs) { old, _ in old }
      defer { content.results[result.key] = content.results[result.key] ?? result }
      return content.results[result.key] == nil
    }
  }

  func cancel() { counted.withLock { $0.cancellations += 1 } }
}

import ContentAddressing
import Synchronization

/// Digests that several threads find.
final class Findings: Sendable {
  private let found = Mutex<Set<Digest>>([])

  var digests: Set<Digest> { found.withLock { $0 } }

  func insert(_ digest: Digest) { found.withLock { _ = $0.insert(digest) } }
}

/// Documents that several threads bring.
final class Gathering: Sendable {
  private let found = Mutex<[Digest: [UInt8]]>([:])

  func put(_ bytes: [UInt8], _ digest: Digest) { found.withLock { $0[digest] = bytes } }

  func bytes(_ digest: Digest) -> [UInt8]? { found.withLock { $0[digest] } }
}

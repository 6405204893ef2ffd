public import ArtifactStore
public import ContentAddressing
import Glibc
import Registries
import Synchronization
public import SystemPackage

/// Results in a folder that several people share: a store like any other, so that a colleague's own serves as well.
///
/// Any number of hosts write to it at a time, also over NFS: every file appears by rename.
public final class DirectoryCache: RemoteCache {
  private let path: FilePath
  private let threads: Int
  private let cancellation = Cancellation()

  /// The cache of a folder, which is looked at when the first result is asked for.
  ///
  /// - Parameters:
  ///   - path: The folder; it must exist, and becomes a store when the first result is shared.
  ///   - threads: Threads that hash.
  public init(_ path: FilePath, threads: Int) {
    self.path = path
    self.threads = threads
  }

  /// The folder.
  public var name: String { path.string }

  /// Gives up what is under way, soon.
  public func cancel() { cancellation.cancel() }

  private func open(creating: Bool) throws -> Store? {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      throw RemoteCacheError(.unreachable, "\(path): \(Errno(rawValue: errno)); make the folder, or mount it, first")
    }
    var options = Store.Options()
    options.threads = threads
    do { return try Store.open(path, creating: creating, options: options) } catch StoreError.notAStore {
      // Nobody has shared anything yet.
      return nil
    } catch {
      throw RemoteCacheError(.unreachable, "\(path): \(error)")
    }
  }

  /// Takes the result of an action over, with all that it consists of.
  public func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult? {
    guard let shared = try open(creating: false) else { return nil }
    let result: ActionResult
    switch try explained({ try shared.lookup(key) }) {
    case .hit(let found): result = found
    case .miss(.neverRun): return nil
    case .miss(let reason): throw RemoteCacheError(.damaged, "\(path): \(reason)")
    }
    let intake = try store.beginIntake()
    do {
      try copy(result, from: shared, into: intake, progress)
      return try intake.publish(result.digest, of: key)
    } catch {
      intake.discard()
      switch error {
      case let damage as DamagedBlob: throw RemoteCacheError(.damaged, "\(path): \(damage)")
      case StoreError.missing(let digest, _): throw RemoteCacheError(.damaged, "\(path): blob \(digest) is not there")
      default: throw error
      }
    }
  }

  /// Shares a result; one that is there already stays.
  public func offer(_ result: ActionResult, from store: Store) throws {
    guard let shared = try open(creating: true) else { return }
    if case .hit = try explained({ try shared.lookup(result.key) }) { return }
    let intake = try explained { try shared.beginIntake() }
    do {
      try copy(result, from: store, into: intake) { _, _ in }
      _ = try explained { try intake.publish(result.digest, of: result.key) }
    } catch {
      intake.discard()
      // Bytes that are wrong here are this store's matter.
      if let damage = error as? DamagedBlob { throw StoreError.damaged([damage]) }
      throw error
    }
  }

  /// What fails in the shared folder is no failure of the user's own store.
  private func explained<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as StoreError {
      throw RemoteCacheError(.unreachable, "\(path): \(error)")
    }
  }

  private func copy(
    _ result: ActionResult, from source: Store, into intake: Intake,
    _ progress: @escaping @Sendable (Int, Int) -> Void
  ) throws {
    var blobs: [Digest: Int] = [:]
    for (digest, manifest) in result.manifests {
      for blob in manifest.layers + [manifest.config] { blobs[blob.digest] = blob.size }
      blobs[digest] = try size(of: digest, in: source)
    }
    var missing: [(digest: Digest, size: Int)] = []
    for (digest, size) in blobs where try !intake.has(digest, size: size) { missing.append((digest, size)) }
    let meter = Meter(total: missing.reduce(0) { $0 + $1.size }, progress)
    for (digest, size) in missing.sorted(by: { $0.digest < $1.digest }) {
      let file: FileDescriptor
      do { file = try FileDescriptor.open(source.blobPath(digest), .readOnly, options: .closeOnExec) } catch Errno
        .noSuchFileOrDirectory
      {
        throw StoreError.missing(digest, neededBy: "action \(result.key)")
      }
      try file.closeAfter {
        try intake.receive(digest, size: size) { buffer in
          if self.cancellation.isCancelled { throw RemoteCacheError(.cancelled, "given up") }
          let count = try file.read(into: buffer)
          meter.add(count)
          return count
        }
      }
    }
  }

  private func size(of digest: Digest, in store: Store) throws -> Int {
    var status = stat()
    guard stat(store.blobPath(digest).string, &status) == 0 else {
      throw StoreError.missing(digest, neededBy: "a result")
    }
    return Int(status.st_size)
  }
}

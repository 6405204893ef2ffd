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
  /// Actions of which something there is damaged; it is replaced when their results are offered.
  private let damagedKeys = Mutex<Set<ActionKey>>([])
  private let hasSwept = Atomic<Bool>(false)

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

  /// Gives up what is under way, soon, and whatever is asked afterwards.
  public func cancel() { cancellation.cancel() }

  // MARK: Taking

  /// Looks what an action came to, without its data.
  public func find(_ key: ActionKey) throws -> ActionResult? {
    guard let shared = try open() else { return nil }
    return try find(key, in: shared)
  }

  private func find(_ key: ActionKey, in shared: Store) throws -> ActionResult? {
    switch try explained({ try shared.lookup(key) }) {
    case .hit(let result):
      // A colleague's store may hold what came with a bundle, which anybody may have made.
      let origins = try explained { try shared.origins(of: key) }
      return origins.contains { $0.kind == .bundle } ? nil : result
    case .miss(.neverRun): return nil
    case .miss(let reason): throw damage(key, "\(reason)")
    }
  }

  /// Takes the result of an action over, with all that it consists of.
  public func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult? {
    guard let shared = try open(), let result = try find(key, in: shared) else { return nil }
    let intake = try store.beginIntake()
    do {
      try copy(result, from: shared, into: intake, progress)
      return try intake.publish(result.digest, of: key, from: ResultOrigin(kind: .remote, name: name))
    } catch {
      intake.discard()
      switch error {
      case let blob as DamagedBlob: throw damage(key, "\(blob)")
      case StoreError.missing(let digest, _): throw damage(key, "blob \(digest) is not there")
      case let error as Errno: throw RemoteCacheError(.unreachable, "\(path): \(error)")
      default: throw error
      }
    }
  }

  private func damage(_ key: ActionKey, _ reason: String) -> RemoteCacheError {
    damagedKeys.withLock { _ = $0.insert(key) }
    return RemoteCacheError(.damaged, "\(path): \(reason)")
  }

  // MARK: Sharing

  /// Shares a result; one that is there already stays, and one that is damaged there is replaced.
  @discardableResult
  public func offer(_ result: ActionResult, from store: Store) throws -> Bool {
    let shared = try openForWriting()
    let isDamaged = damagedKeys.withLock { $0.contains(result.key) }
    if !isDamaged, case .hit = try explained({ try shared.lookup(result.key) }) { return false }
    let intake = try explained { try shared.beginIntake() }
    do {
      try copy(result, from: store, into: intake) { _, _ in }
      _ = try intake.publish(result.digest, of: result.key, from: nil)
      return true
    } catch {
      intake.discard()
      switch error {
      // Bytes that are wrong or gone here are this store's matter.
      case let blob as DamagedBlob: throw StoreError.damaged([blob])
      case StoreError.missing: throw error
      case let error as StoreError: throw RemoteCacheError(.unreachable, "\(path): \(error)")
      default: throw error
      }
    }
  }

  // MARK: The folder

  /// The store in the folder, only read; nil where nobody has shared anything yet.
  private func open() throws -> Store? {
    try checkFolder()
    var options = Store.Options()
    options.threads = threads
    options.movesDamaged = false
    do { return try Store.open(path, creating: false, options: options) } catch StoreError.notAStore {
      return nil
    } catch {
      throw RemoteCacheError(.unreachable, "\(path): \(error)")
    }
  }

  private func openForWriting() throws -> Store {
    if try open() == nil { try refuseForeignFiles() }
    var options = Store.Options()
    options.threads = threads
    let settings = options
    let shared = try explained { try Store.open(path, creating: true, options: settings) }
    // What a process left that was killed while it shared something.
    if !hasSwept.exchange(true, ordering: .relaxed) { _ = try? shared.sweepWorkFolders() }
    return shared
  }

  private func checkFolder() throws {
    if cancellation.isCancelled { throw RemoteCacheError(.cancelled, "\(path): given up") }
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      throw RemoteCacheError(.unreachable, "\(path): \(Errno(rawValue: errno)); make the folder, or mount it, first")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw RemoteCacheError(.unreachable, "\(path) is no folder")
    }
  }

  /// A folder with other things in it was hardly meant.
  private func refuseForeignFiles() throws {
    // Names of ours may be those of somebody who makes the store at this moment.
    let ours: Set<String> = [
      "blobs", "actions", "refs", "runs", "leases", "work", "quarantine", "index.json", "oci-layout", "lost+found",
    ]
    let names = try explained { try FileSystem.list(path) }
    if let foreign = names.first(where: { !$0.hasPrefix(".") && !ours.contains($0) }) {
      throw RemoteCacheError(.unreachable, "\(path) holds \(foreign) and no store; name an empty folder")
    }
  }

  /// What fails in the shared folder is no failure of the user's own store.
  private func explained<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as StoreError {
      throw RemoteCacheError(.unreachable, "\(path): \(error)")
    }
  }

  // MARK: Bytes

  private func copy(
    _ result: ActionResult, from source: Store, into intake: Intake,
    _ progress: @escaping @Sendable (Int, Int) -> Void
  ) throws {
    var blobs: [Digest: Int] = [:]
    for (digest, manifest) in result.manifests {
      for blob in manifest.layers + [manifest.config] { blobs[blob.digest] = blob.size }
      blobs[digest] = manifest.descriptor.size
    }
    var missing: [(digest: Digest, size: Int)] = []
    for (digest, size) in blobs where try !intake.has(digest, size: size) { missing.append((digest, size)) }
    let total = sum(missing.map(\.size))
    try intake.require(total)
    let meter = Meter(total: total, progress)
    for (digest, size) in missing.sorted(by: { $0.digest < $1.digest }) {
      let file: FileDescriptor
      // A pipe in the place of a file would keep us waiting.
      do {
        file = try FileDescriptor.open(source.blobPath(digest), .readOnly, options: [.closeOnExec, .nonBlocking])
      } catch Errno.noSuchFileOrDirectory {
        throw StoreError.missing(digest, neededBy: "action \(result.key)")
      }
      try file.closeAfter {
        try intake.receive(digest, size: size) { buffer in
          if self.cancellation.isCancelled { throw RemoteCacheError(.cancelled, "\(self.path): given up") }
          let count = try file.read(into: buffer)
          meter.add(count)
          return count
        }
      }
    }
  }
}

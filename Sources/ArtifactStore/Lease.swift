import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
import SystemPackage

/// The right to run one action: held until it is released, dropped, or its process ends.
public final class Lease: Sendable {
  /// How long another host's silence is borne before its holder is presumed dead, in seconds.
  public static let patience = 180

  /// The action.
  public let key: ActionKey
  private let path: FilePath
  private let descriptor: Mutex<CInt?>

  private let store: Store

  init(key: ActionKey, path: FilePath, store: Store, descriptor: CInt) {
    self.key = key
    self.path = path
    self.store = store
    self.descriptor = Mutex(descriptor)
    store.heartbeat.add(descriptor)
  }

  deinit { release() }

  /// Whether the lease is still ours: a process that slept for minutes may have lost it to another host.
  public var isHeld: Bool {
    descriptor.withLock { descriptor in descriptor.map { isOurs($0) } ?? false }
  }

  /// Lets others run the action.
  public func release() {
    descriptor.withLock { held in
      guard let descriptor = held else { return }
      held = nil
      store.heartbeat.remove(descriptor)
      if isOurs(descriptor) {
        // Its file serves again: a process that reads it meanwhile finds another action's lease, and looks once more.
        let spare = store.leasesFolder.appending(".new-" + nonce())
        if (try? FileSystem.rename(path, to: spare)) != nil {
          return store.spares.withLock { $0.leases.append((spare, descriptor)) }
        }
      }
      close(descriptor)
    }
  }

  private func isOurs(_ descriptor: CInt) -> Bool {
    guard let own = try? FileSystem.status(of: descriptor, path),
      let current = (try? FileSystem.status(path)).flatMap({ $0 })
    else { return false }
    return own.inode == current.inode && own.device == current.device
  }
}

/// Who holds an action.
public struct LeaseHolder: Sendable, Hashable, CustomStringConvertible {
  /// The name of its machine.
  public var host: String
  /// Its process number there.
  public var process: Int
  /// Whether it runs on this machine.
  public var isOnThisHost: Bool
  /// When the lease was taken, in nanoseconds since 1970.
  public var since: Int64
  /// Seconds since its last sign of life.
  public var silence: Int

  /// Who, as people read it.
  public var description: String {
    isOnThisHost ? "process \(process)" : "process \(process) on \(host), last seen \(silence) s ago"
  }
}

/// What asking for a lease came to.
public enum LeaseAnswer: Sendable {
  /// The action is ours.
  case held(Lease)
  /// Another process, or another task of this one, has it.
  case busy(LeaseHolder)
}

/// A touch of a lease with a time that has not come yet.
struct FutureTouch: Hashable {
  var inode: UInt64
  var modified: Int64
}

/// The content of a lease file.
private struct LeaseRecord {
  var owner: ProcessIdentity
  var nonce: String
  var since: Int64
  /// Artifacts that the action reads; they are not collected meanwhile.
  var uses: [Digest]

  var bytes: [UInt8] {
    var object = owner.json
    object["nonce"] = .string(nonce)
    object["since"] = .string(String(since))
    object["uses"] = .array(uses.map { .string($0.description) })
    return JSONValue.object(object).canonical
  }

  init(nonce: String, uses: [Digest]) {
    owner = .current
    self.nonce = nonce
    since = wallClock()
    self.uses = uses
  }

  init?(_ bytes: [UInt8]) {
    guard let json = try? JSONValue(parsing: bytes), let owner = ProcessIdentity(json: json),
      let nonce = json["nonce"]?.string, let since = json["since"]?.string.flatMap(Int64.init)
    else { return nil }
    self.owner = owner
    self.nonce = nonce
    self.since = since
    uses = (json["uses"]?.array ?? []).compactMap { $0.string.flatMap(Digest.init(_:)) }
  }
}

extension Store {
  private func leasePath(_ key: ActionKey) -> FilePath { leasesFolder.appending(key.digest.hexadecimal) }

  /// Asks for the right to run an action.
  ///
  /// A holder of this host that is gone is replaced at once; one of another host after three minutes without a
  /// heartbeat, by the clock of the file system. Correctness never rests on a lease: publishing is idempotent.
  ///
  /// - Parameters:
  ///   - key: The action.
  ///   - uses: The artifacts that it reads, which `gc` keeps while the lease is held.
  /// - Returns: The lease, or who has it.
  /// - Throws: `StoreError` where the system refuses.
  public func acquire(_ key: ActionKey, uses: [Digest] = []) throws(StoreError) -> LeaseAnswer {
    let path = leasePath(key)
    let mark = nonce()
    let (temporary, descriptor) = try leaseFile()
    do throws(StoreError) {
      try FileSystem.rewrite(LeaseRecord(nonce: mark, uses: uses).bytes, descriptor, temporary)
      // Every turn finds the name taken and its holder gone; more than a few of them are nobody's accident.
      for _ in 0..<100 {
        if try link(temporary, as: path) {
          try FileSystem.remove(temporary)
          return .held(Lease(key: key, path: path, store: self, descriptor: descriptor))
        }
        let now = try FileSystem.status(of: descriptor, temporary).modified
        guard let seen = try inspectLease(path, now: now) else { continue }
        if let holder = seen.holder {
          spares.withLock { $0.leases.append((temporary, descriptor)) }
          return .busy(holder)
        }
        options.deadLeaseSeen()
        try removeDead(path, nonce: seen.nonce)
      }
      throw .inTheWay(path, what: "something that can be neither read nor removed, in the place of a lease,")
    } catch {
      try? FileSystem.remove(temporary)
      close(descriptor)
      throw error
    }
  }

  /// A new file beside the leases, or one that has served.
  private func leaseFile() throws(StoreError) -> (path: FilePath, descriptor: CInt) {
    if let spare = spares.withLock({ $0.leases.popLast() }) {
      if try FileSystem.status(spare.path) != nil { return spare }
      close(spare.descriptor)
    }
    let path = leasesFolder.appending(".new-" + nonce())
    func create() throws(StoreError) -> CInt {
      try FileSystem.call("write", path) { Glibc.open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
    }
    do throws(StoreError) { return (path, try create()) } catch .system(_, _, let code) where code == ENOENT {
      // Somebody has taken the whole folder away.
      try FileSystem.makeFolders(leasesFolder)
      return (path, try create())
    }
  }

  /// Who holds an action now, or nil; a holder known to be dead counts as none.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func holder(of key: ActionKey) throws(StoreError) -> LeaseHolder? {
    try inspectLease(leasePath(key), now: wallClock())?.holder
  }

  /// Gives a file a second name, unless that is taken.
  private func link(_ path: FilePath, as name: FilePath) throws(StoreError) -> Bool {
    do throws(StoreError) {
      try FileSystem.call("write", name) { target in path.withPlatformString { Glibc.link($0, target) } }
      return true
    } catch .system(_, _, let code) where code == EEXIST {
      return false
    }
  }

  /// Reads a lease: nil where there is none, and no holder where it is dead.
  private func inspectLease(
    _ path: FilePath, now: Int64
  ) throws(StoreError) -> (holder: LeaseHolder?, nonce: String?)? {
    guard let found = try FileSystem.status(path) else { return nil }
    // A link, a pipe or a socket is no lease, whoever put it there; it is never opened.
    guard found.kind == .file else { return (nil, nil) }
    guard let bytes = try FileSystem.read(path, limit: 16 << 20), let status = try FileSystem.status(path) else {
      return nil
    }
    let record = LeaseRecord(bytes)
    let silence = self.silence(of: status, nonce: record?.nonce, now: now)
    let isAlive = record?.owner.isAlive ?? (silence < Lease.patience)
    guard isAlive else { return (nil, record?.nonce) }
    let holder = LeaseHolder(
      host: record?.owner.host ?? "another host", process: record?.owner.process ?? 0,
      isOnThisHost: record?.owner.isOnThisHost ?? false, since: record?.since ?? status.modified, silence: silence)
    return (holder, record?.nonce)
  }

  /// Seconds since a lease was touched; a touch in the future, by a clock that goes fast, counts from when it was first
  /// seen.
  private func silence(of status: FileStatus, nonce: String?, now: Int64) -> Int {
    guard status.modified > now else { return Int((now - status.modified) / 1_000_000_000) }
    let sight = FutureTouch(inode: status.inode, modified: status.modified)
    let clock = steadyClock()
    let first = memory.withLock { memory in
      // A few at most are ever looked at again.
      if memory.futureTouches.count > 4096 { memory.futureTouches = [:] }
      if let first = memory.futureTouches[sight] { return first }
      memory.futureTouches[sight] = clock
      return clock
    }
    return Int((clock - first) / 1_000_000_000)
  }

  /// Removes a dead lease; of several takers one does it, and a lease taken meanwhile is left alone.
  ///
  /// Takers line up at a lock. Where the file system has none, a taker that moved a live lease away by mistake puts it
  /// back; should another have come in between, two run the same action, which costs time only.
  private func removeDead(_ path: FilePath, nonce dead: String?) throws(StoreError) {
    try FileSystem.withLock(leasesFolder.appending(".takeover")) { () throws(StoreError) in
      if let status = try FileSystem.status(path), status.kind != .file {
        guard status.kind != .folder else { throw .inTheWay(path, what: "a folder, in the place of a lease,") }
        return try FileSystem.remove(path)
      }
      guard let bytes = try FileSystem.read(path, limit: 16 << 20), LeaseRecord(bytes)?.nonce == dead else { return }
      let aside = leasesFolder.appending(".dead-" + nonce())
      do throws(StoreError) { try FileSystem.rename(path, to: aside) } catch .system(_, _, let code)
        where code == ENOENT
      { return }
      defer { try? FileSystem.remove(aside) }
      if let moved = try FileSystem.read(aside, limit: 16 << 20), LeaseRecord(moved)?.nonce != dead {
        _ = try link(aside, as: path)
      }
    }
  }

  /// Removes the leases whose holders are dead.
  func sweepLeases() throws(StoreError) {
    for name in try FileSystem.list(leasesFolder) where Digest(hexadecimal: name) != nil {
      let path = leasesFolder.appending(name)
      if let seen = try inspectLease(path, now: wallClock()), seen.holder == nil {
        try removeDead(path, nonce: seen.nonce)
      }
    }
  }

  /// What held leases keep from being collected: the artifacts that they use.
  func leasedDigests() throws(StoreError) -> [(key: ActionKey, uses: [Digest], since: Int64)] {
    var result: [(key: ActionKey, uses: [Digest], since: Int64)] = []
    for name in try FileSystem.list(leasesFolder) {
      guard let digest = Digest(hexadecimal: name) else { continue }
      let path = leasesFolder.appending(name)
      guard try inspectLease(path, now: wallClock())?.holder != nil,
        let bytes = try FileSystem.read(path, limit: 16 << 20), let record = LeaseRecord(bytes)
      else { continue }
      result.append((ActionKey(digest), record.uses, record.since))
    }
    return result
  }
}

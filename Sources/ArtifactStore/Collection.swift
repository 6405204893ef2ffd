public import ContentAddressing
import CanonicalJSON
import Synchronization
public import SystemPackage

/// Which blobs a collection keeps and frees, and why.
public struct CollectionPlan: Sendable {
  /// Something that keeps blobs.
  public struct Root: Sendable, Hashable {
    /// What it is, such as `reference e2e` or `run 2026… of e2e-nlg`.
    public var name: String
    /// The number of bytes that it reaches.
    public var reached: Int
    /// The number of bytes that nothing before it in the list reaches.
    public var added: Int
  }

  /// The roots, references first.
  public var roots: [Root] = []
  /// What is kept, with the first that keeps it.
  public var kept: [(digest: Digest, by: String)] = []
  /// The number of bytes that are kept.
  public var keptBytes = 0
  /// Bytes that are kept only because they are young.
  public var youngBytes = 0
  /// The action entries that are removed.
  public var actions: [ActionKey] = []
  /// The blobs that are removed.
  public var blobs: [Digest] = []
  /// The number of their bytes.
  public var freedBytes = 0
  /// Whole folders that are removed: quarantined blobs and checkpoints that have served.
  public var folders: [FilePath] = []
  /// What was changed after this is young, in nanoseconds since 1970.
  var horizon: Int64 = 0
  /// When it was begun, in nanoseconds since 1970, as the times of files tell it: they lag behind the clock.
  var began: Int64 = 0
}

/// What a collection spares.
public struct CollectionPolicy: Sendable, Hashable {
  /// How many runs of every pipeline keep their results.
  public var runsPerPipeline = 10
  /// Seconds for which every run keeps its results.
  public var runAge = 30 * 24 * 3600
  /// Seconds for which what is new is kept whatever refers to it.
  public var grace = 24 * 3600
  /// The size at which no more is removed, the oldest first; nil to remove all that nothing keeps.
  public var mostBytes: Int?

  /// Ten runs, those of thirty days, a day.
  public init() {}
}

extension Store {
  /// Plans a collection, changing nothing.
  ///
  /// - Parameter policy: What is spared.
  /// - Returns: What would be kept and freed.
  /// - Throws: `StoreError.damagedRecord` where it can't be told what a run needs, or a failure of the system.
  public func planCollection(_ policy: CollectionPolicy = CollectionPolicy()) throws(StoreError) -> CollectionPlan {
    var plan = CollectionPlan()
    plan.began = wallClock() - 1_000_000_000
    var marked: [Digest: Int] = [:]
    for root in try roots(policy) {
      var reached: [Digest: Int] = [:]
      for digest in root.digests { try reach(digest, into: &reached) }
      let added = reached.filter { marked[$0.key] == nil }
      plan.kept += added.keys.sorted().map { ($0, root.name) }
      plan.roots.append(
        .init(name: root.name, reached: reached.values.reduce(0, +), added: added.values.reduce(0, +)))
      marked.merge(added) { $1 }
    }
    marked[Descriptor.empty.digest] = Descriptor.empty.size
    var horizon = wallClock() - Int64(policy.grace) * 1_000_000_000
    // What came while an action runs may be its: blobs are there before anything names them.
    for lease in try leasedDigests() { horizon = min(horizon, lease.since - 1) }
    plan.horizon = horizon
    for name in try FileSystem.list(actionsFolder) {
      guard let digest = Digest(hexadecimal: name) else { continue }
      let key = ActionKey(digest)
      if let result = try recordedResult(key), marked[result] != nil { continue }
      if try isYoung(actionPath(key), horizon) {
        // What is young keeps what it leads to, so that no young result loses a part.
        var reached: [Digest: Int] = [:]
        if let result = try recordedResult(key) { try reach(result, into: &reached) }
        for (digest, size) in reached where marked[digest] == nil {
          plan.youngBytes += size
          marked[digest] = size
        }
      } else {
        plan.actions.append(key)
      }
    }
    var free: [(digest: Digest, size: Int, age: Int64)] = []
    for name in try FileSystem.list(blobsFolder) {
      guard let digest = Digest(hexadecimal: name), let status = try FileSystem.status(blobPath(digest)) else {
        continue
      }
      let touched = max(status.modified, status.changed)
      if marked[digest] != nil {
        plan.keptBytes += status.size
      } else if touched > horizon {
        plan.youngBytes += status.size
        plan.keptBytes += status.size
        plan.kept.append((digest, "its age"))
      } else {
        free.append((digest, status.size, touched))
      }
    }
    free.sort { ($0.age, $0.digest) < ($1.age, $1.digest) }
    var excess = policy.mostBytes.map { plan.keptBytes + free.reduce(0) { $0 + $1.size } - $0 } ?? .max
    for blob in free {
      guard excess > 0 else {
        plan.keptBytes += blob.size
        plan.kept.append((blob.digest, "room"))
        continue
      }
      if policy.mostBytes != nil { excess -= blob.size }
      plan.blobs.append(blob.digest)
      plan.freedBytes += blob.size
    }
    // What is left of a result whose parts go would only be missed later; one that stays whole stays found.
    let gone = Set(plan.blobs)
    var actions: [ActionKey] = []
    for key in plan.actions {
      if let result = try recordedResult(key), try staysWhole(result, of: key, without: gone) { continue }
      actions.append(key)
    }
    plan.actions = actions
    plan.folders = try servedFolders(horizon)
    return plan
  }

  /// Carries a plan out: action entries first, so that none leads to what is gone, then blobs.
  ///
  /// Leases and references are looked at once more before anything is removed, and what has been made or found in use
  /// since the plan stays: it is young. A process that dies in between leaves bytes too many, never too few.
  ///
  /// - Parameter plan: What `planCollection` returned.
  /// - Throws: `StoreError` where the system refuses.
  public func collect(_ plan: CollectionPlan) throws(StoreError) {
    var late: [Digest: Int] = [:]
    var running: Set<Digest> = []
    for (key, uses, _) in try leasedDigests() {
      late[key.digest] = 0
      running.insert(key.digest)
      for digest in uses { try reach(digest, into: &late) }
    }
    for (_, digest) in try references() { try reach(digest, into: &late) }
    // A result that was made since may have found in use what nothing else needs.
    let since = max(plan.began, plan.horizon)
    for name in try FileSystem.list(actionsFolder) {
      guard let digest = Digest(hexadecimal: name), try isYoung(actionsFolder.appending(name), since),
        let result = try recordedResult(ActionKey(digest))
      else { continue }
      try reach(result, into: &late)
    }
    for key in plan.actions where late[key.digest] == nil {
      if let result = try recordedResult(key), late[result] != nil { continue }
      if try isYoung(actionPath(key), plan.horizon) { continue }
      try FileSystem.remove(actionPath(key))
      try forgetOrigins(of: key)
    }
    for digest in plan.blobs where late[digest] == nil {
      if try isYoung(blobPath(digest), plan.horizon) { continue }
      try FileSystem.remove(blobPath(digest))
      memory.withLock {
        $0.verified[digest] = nil
        $0.manifests[digest] = nil
      }
    }
    for folder in plan.folders {
      // Checkpoints of an action that runs again meanwhile are named after it.
      if let digest = Digest(hexadecimal: folder.lastComponent?.string ?? ""), running.contains(digest) { continue }
      try FileSystem.removeTree(folder)
    }
    try sweepWorkFolders()
  }

  private func isYoung(_ path: FilePath, _ horizon: Int64) throws(StoreError) -> Bool {
    guard let status = try FileSystem.status(path) else { return false }
    return max(status.modified, status.changed) > horizon
  }

  private func roots(_ policy: CollectionPolicy) throws(StoreError) -> [(name: String, digests: [Digest])] {
    var roots = try references().map { (name: "reference \($0.name)", digests: [$0.digest]) }
    for (key, uses, _) in try leasedDigests() {
      roots.append((name: "the running action \(key)", digests: [key.digest] + uses))
    }
    for pipeline in try pipelines() {
      // The last results of a pipeline stay whatever their age, unless no run at all is to be kept.
      if policy.runsPerPipeline == 0 { continue }
      let records = try latestActions(of: pipeline).values
        .sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
      roots.append((name: "the latest of \(pipeline)", digests: records.flatMap(digests(of:))))
    }
    var counts: [String: Int] = [:]
    for run in try runs() {
      guard let details = try description(of: run) else { continue }
      let pipeline = details["pipeline"]?.string ?? ""
      let summary = try summary(of: run)
      // What a run has made that goes on it will read again.
      let process = details["process"].flatMap { ProcessIdentity(json: $0) }
      let isLive = summary == nil && process?.isAlive ?? false
      counts[pipeline, default: 0] += 1
      let age = wallClock() - (try FileSystem.status(folder(of: run))?.modified ?? 0)
      let isYoung = age < Int64(policy.runAge) * 1_000_000_000
      if counts[pipeline, default: 0] > policy.runsPerPipeline, !isYoung, !isLive { continue }
      // What was fresh in a run belongs to it, too.
      let used = summary?.actions.flatMap { [$0.key?.digest, $0.result].compactMap(\.self) } ?? []
      roots.append((name: "run \(run) of \(pipeline)", digests: try actions(of: run).flatMap(digests(of:)) + used))
    }
    let divergences = try notedDivergences().flatMap { [$0.previous, $0.current] }
    if !divergences.isEmpty { roots.append((name: "results that differed", digests: divergences)) }
    return roots
  }

  private func digests(of record: ActionRecord) -> [Digest] {
    [record.key.digest] + (record.result.map { [$0] } ?? [])
  }

  /// Adds a blob and all that it leads to, with sizes: index → manifests → files, result → outputs → files.
  private func reach(_ digest: Digest, into reached: inout [Digest: Int]) throws(StoreError) {
    if reached[digest] != nil { return }
    guard let status = try FileSystem.status(blobPath(digest)) else { return }
    reached[digest] = status.size
    guard status.size <= documentLimit, let bytes = try FileSystem.read(blobPath(digest), limit: documentLimit),
      let json = try? JSONValue(parsing: bytes)
    else { return }
    if let manifest = try? Manifest(json: json) {
      for layer in manifest.layers where reached[layer.digest] == nil {
        if let size = try FileSystem.status(blobPath(layer.digest))?.size { reached[layer.digest] = size }
      }
      if manifest.artifactType == MediaType.result, let outputs = try? outputDigests(of: manifest, "") {
        for output in outputs { try reach(output.digest, into: &reached) }
        // Of the inputs the manifests, so that it can be told what was read; their files only if something else asks.
        guard let key = manifest.file("key.json")?.digest, let document = try? keyDocument(ActionKey(key)) else {
          return
        }
        for input in document.inputDigests where reached[input] == nil {
          if let size = try FileSystem.status(blobPath(input))?.size { reached[input] = size }
        }
      }
    } else if let index = try? ImageIndex(json: json) {
      for manifest in index.manifests { try reach(manifest.digest, into: &reached) }
    }
  }

  /// Quarantined blobs, and checkpoints of actions that are done or long abandoned.
  private func servedFolders(_ horizon: Int64) throws(StoreError) -> [FilePath] {
    var folders: [FilePath] = []
    for name in try FileSystem.list(quarantineFolder) {
      let path = quarantineFolder.appending(name)
      if try !isYoung(path, horizon) { folders.append(path) }
    }
    for name in try FileSystem.list(checkpointsFolder) {
      let path = checkpointsFolder.appending(name)
      guard let digest = Digest(hexadecimal: name), try holder(of: ActionKey(digest)) == nil else { continue }
      let isDone = try recordedResult(ActionKey(digest)) != nil
      let isAbandoned = try !isYoung(path, horizon)
      if isDone || isAbandoned { folders.append(path) }
    }
    return folders
  }
}

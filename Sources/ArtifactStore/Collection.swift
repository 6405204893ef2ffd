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
}

/// What a collection spares.
public struct CollectionPolicy: Sendable, Hashable {
  /// How many runs of every pipeline keep their results.
  public var runsPerPipeline = 3
  /// Seconds for which what is new is kept whatever refers to it.
  public var grace = 24 * 3600

  /// Three runs, a day.
  public init() {}
}

extension Store {
  /// Plans a collection, changing nothing.
  ///
  /// - Parameter policy: What is spared.
  /// - Returns: What would be kept and freed.
  /// - Throws: `StoreError` where the system refuses.
  public func planCollection(_ policy: CollectionPolicy = CollectionPolicy()) throws(StoreError) -> CollectionPlan {
    var plan = CollectionPlan()
    var marked: [Digest: Int] = [:]
    for root in try roots(policy) {
      var reached: [Digest: Int] = [:]
      for digest in root.digests { try reach(digest, into: &reached) }
      let added = reached.filter { marked[$0.key] == nil }
      plan.roots.append(
        .init(name: root.name, reached: reached.values.reduce(0, +), added: added.values.reduce(0, +)))
      marked.merge(added) { $1 }
    }
    marked[Descriptor.empty.digest] = Descriptor.empty.size
    let horizon = wallClock() - Int64(policy.grace) * 1_000_000_000
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
    for name in try FileSystem.list(blobsFolder) {
      guard let digest = Digest(hexadecimal: name), marked[digest] == nil,
        let status = try FileSystem.status(blobPath(digest))
      else { continue }
      if max(status.modified, status.changed) > horizon {
        plan.youngBytes += status.size
      } else {
        plan.blobs.append(digest)
        plan.freedBytes += status.size
      }
    }
    plan.folders = try servedFolders(horizon)
    return plan
  }

  /// Carries a plan out: action entries first, so that none leads to what is gone, then blobs.
  ///
  /// Leases and references are looked at once more before anything is removed. A process that dies in between leaves
  /// bytes too many, never too few.
  ///
  /// - Parameter plan: What `planCollection` returned.
  /// - Throws: `StoreError` where the system refuses.
  public func collect(_ plan: CollectionPlan) throws(StoreError) {
    var late: [Digest: Int] = [:]
    for (key, uses) in try leasedDigests() {
      late[key.digest] = 0
      for digest in uses { try reach(digest, into: &late) }
    }
    for (_, digest) in try references() { try reach(digest, into: &late) }
    for key in plan.actions where late[key.digest] == nil {
      if let result = try recordedResult(key), late[result] != nil { continue }
      try FileSystem.remove(actionPath(key))
    }
    for digest in plan.blobs where late[digest] == nil {
      try FileSystem.remove(blobPath(digest))
      memory.withLock {
        $0.verified[digest] = nil
        $0.manifests[digest] = nil
      }
    }
    for folder in plan.folders { try FileSystem.removeTree(folder) }
    try sweepWorkFolders()
  }

  private func isYoung(_ path: FilePath, _ horizon: Int64) throws(StoreError) -> Bool {
    guard let status = try FileSystem.status(path) else { return false }
    return max(status.modified, status.changed) > horizon
  }

  private func roots(_ policy: CollectionPolicy) throws(StoreError) -> [(name: String, digests: [Digest])] {
    var roots = try references().map { (name: "reference \($0.name)", digests: [$0.digest]) }
    for (key, uses) in try leasedDigests() {
      roots.append((name: "the running action \(key)", digests: [key.digest] + uses))
    }
    for pipeline in try pipelines() {
      let records = try latestActions(of: pipeline).values
        .sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
      roots.append((name: "the latest of \(pipeline)", digests: records.flatMap(digests(of:))))
    }
    var counts: [String: Int] = [:]
    for run in try runs() {
      let pipeline = try description(of: run)?["pipeline"]?.string ?? ""
      counts[pipeline, default: 0] += 1
      if counts[pipeline, default: 0] > policy.runsPerPipeline { continue }
      roots.append((name: "run \(run) of \(pipeline)", digests: try actions(of: run).flatMap(digests(of:))))
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

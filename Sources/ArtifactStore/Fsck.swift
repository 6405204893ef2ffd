public import ContentAddressing
import Synchronization
public import SystemPackage

/// What a check of a whole store found.
public struct FsckReport: Sendable {
  /// An action whose recorded result is not whole; it will be done again when it is asked for.
  public struct IncompleteAction: Sendable, Hashable {
    /// The action.
    public var key: ActionKey
    /// What is missing.
    public var reason: MissReason
  }

  /// A reference that names nothing the store has.
  public struct DanglingReference: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// What it should name; nil where its file is no digest.
    public var digest: Digest?
  }

  /// The number of blobs that were hashed.
  public var blobCount = 0
  /// The number of their bytes.
  public var byteCount = 0
  /// Blobs that do not hold what their names say.
  public var damaged: [DamagedBlob] = []
  /// Things among the blobs and actions that are none.
  public var strays: [FilePath] = []
  /// Actions whose entries name something that is no result of theirs.
  public var misplaced: [IncompleteAction] = []
  /// Actions whose results are not whole, or whose entries are gone.
  public var incomplete: [IncompleteAction] = []
  /// Records of the latest results that can't be read.
  public var damagedRecords: [FilePath] = []
  /// References that lead nowhere.
  public var dangling: [DanglingReference] = []
  /// Actions whose results were made whole again.
  public var repaired: [ActionKey] = []
  /// Blobs of them that were damaged.
  public var restored: [DamagedBlob] = []

  /// Whether nothing is damaged or lost: what comes without all of its files has no entry.
  public var isSound: Bool {
    damaged.isEmpty && dangling.isEmpty && strays.isEmpty && misplaced.isEmpty && incomplete.isEmpty
      && damagedRecords.isEmpty
  }
}

extension Store {
  /// Checks the whole store: hashes every blob, moves damaged ones to quarantine, follows every action entry to its
  /// outputs, and looks for the entries of the latest results of every pipeline.
  ///
  /// Others may use the store meanwhile.
  ///
  /// - Returns: What was found.
  /// - Throws: `StoreError` where the system refuses.
  public func fsck() throws(StoreError) -> FsckReport {
    var report = FsckReport()
    try checkBlobs(&report)
    try checkActions(&report)
    try checkLatest(&report)
    for name in try FileSystem.list(refsFolder) where !name.hasPrefix(".") {
      let digest = try reference(name)
      if let digest, try has(digest) { continue }
      report.dangling.append(.init(name: name, digest: digest))
    }
    // A store that may only be read keeps its index as it is: nothing of ours rests on it.
    do throws(StoreError) { try rebuildIndex() } catch .permission {}
    return report
  }

  private func checkBlobs(_ report: inout FsckReport) throws(StoreError) {
    var digests: [Digest] = []
    for name in try FileSystem.list(blobsFolder) {
      if let digest = Digest(hexadecimal: name) {
        digests.append(digest)
      } else {
        report.strays.append(blobsFolder.appending(name))
      }
    }
    let names = digests
    let findings = concurrentMap(names.count, threads: options.threads) { index, hasher in
      self.inspect(names[index], size: nil, with: &hasher, anew: true)
    }
    for finding in findings {
      switch finding {
      case .intact(let status):
        report.blobCount += 1
        report.byteCount += status.size
      case .damaged(let blob): report.damaged.append(quarantine(blob))
      case .absent: break  // collected meanwhile
      case .failed(let error): throw error
      }
    }
  }

  private func checkActions(_ report: inout FsckReport) throws(StoreError) {
    memory.withLock { $0.manifests = [:] }
    for name in try FileSystem.list(actionsFolder) where !name.hasPrefix(".") {
      guard let digest = Digest(hexadecimal: name) else {
        report.strays.append(actionsFolder.appending(name))
        continue
      }
      let key = ActionKey(digest)
      switch try actionEntry(key) {
      case .absent: continue  // collected meanwhile
      case .unusable(let reason):
        report.misplaced.append(.init(key: key, reason: .unusableRecord(reason)))
        setAside(key)
        continue
      case .result(let result):
        if try has(result), !isResult(result, of: key) {
          report.misplaced.append(
            .init(key: key, reason: .unusableRecord("its entry names \(result), no result of it")))
          setAside(key)
          continue
        }
      }
      switch try lookup(key) {
      case .hit(let result):
        for part in result.manifest.layers where try !has(part.digest, size: part.size) {
          let reason = "its \(part.title ?? part.digest.description) is gone"
          report.incomplete.append(.init(key: key, reason: .unusableRecord(reason)))
          break
        }
      case .miss(let reason): report.incomplete.append(.init(key: key, reason: reason))
      }
    }
  }

  /// Looks for entries that are gone though the results of the latest runs are here.
  private func checkLatest(_ report: inout FsckReport) throws(StoreError) {
    // An entry that was set aside is told already.
    var told = Set(report.misplaced.map(\.key))
    do throws(StoreError) {
      for pipeline in try pipelines().sorted() {
        let records = try latestActions(of: pipeline)
        for label in records.keys.sorted() {
          guard let record = records[label], !told.contains(record.key), try hasLostEntry(record) else { continue }
          told.insert(record.key)
          let reason = "the entry of \(label) of \(pipeline) is gone"
          report.incomplete.append(.init(key: record.key, reason: .unusableRecord(reason)))
        }
      }
    } catch .damagedRecord(let file) {
      report.damagedRecords.append(file)
    }
  }

  /// Moves an action's entry to quarantine, where the store can be written to.
  private func setAside(_ key: ActionKey) {
    guard options.movesDamaged else { return }
    do throws(StoreError) {
      try FileSystem.makeFolders(quarantineFolder)
      try FileSystem.rename(
        actionPath(key), to: quarantineFolder.appending("action-" + key.digest.hexadecimal + "." + nonce()))
    } catch {}  // A store that is only read keeps it; the finding is told all the same.
  }

  /// Takes the results of actions that are not whole from a remote cache.
  ///
  /// - Parameters:
  ///   - report: What a check found; what is whole again moves from `incomplete` and `damaged` to `repaired` and
  ///     `restored`.
  ///   - remote: Where the results are looked for.
  ///   - trouble: Is told which results there are damaged as well.
  /// - Throws: `RemoteCacheError` where it can't be reached, or `StoreError`.
  public func repair(
    _ report: inout FsckReport, from remote: any RemoteCache, trouble: (ActionKey, RemoteCacheError) -> Void
  ) throws {
    for action in report.incomplete + report.misplaced {
      do {
        guard try remote.fetch(action.key, into: self, progress: { _, _ in }) != nil else { continue }
      } catch let error as RemoteCacheError {
        guard case .damaged = error.fault else { throw error }
        trouble(action.key, error)
        continue
      }
      report.repaired.append(action.key)
    }
    let repaired = Set(report.repaired)
    report.incomplete.removeAll { repaired.contains($0.key) }
    report.misplaced.removeAll { repaired.contains($0.key) }
    for blob in report.damaged where try has(blob.digest) { report.restored.append(blob) }
    report.damaged.removeAll { report.restored.contains($0) }
    report.dangling = try report.dangling.filter { try !($0.digest.map { try has($0) } ?? false) }
    try rebuildIndex()
  }
}

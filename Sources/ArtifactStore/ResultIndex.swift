package import ContentAddressing
import Synchronization
import SystemPackage

/// What earlier look-ups found, and how the documents looked that they read: a result whose documents are unchanged is
/// known again without opening one.
///
/// A blob never changes and an entry is replaced by rename, so that a document whose inode, size and times are what
/// they were says what it said; one younger than two seconds is not noted, since a later write could leave its times
/// as they are. The files of outputs are looked at as ever: that they are there, and have their size. The index is one
/// sealed file that may go at any time: what it does not know, the store is asked.
package final class ResultIndex: Sendable {
  private struct State {
    /// Results that the index knew and that were unchanged.
    var used: Set<ActionKey> = []
    /// Results that the store was asked for.
    var found: [ActionKey: IndexedResult] = [:]
  }

  private let store: Store
  private let file: FilePath
  private let blobs: OpenFolder?
  private let actions: OpenFolder?
  private let known: IndexedResults
  /// How long a document must have been as it is, in nanoseconds.
  private let settling: Int64
  private let state = Mutex(State())

  /// Reads an index; an empty one where the file is absent or damaged.
  init(store: Store, file: FilePath, settling: Int64) {
    self.store = store
    self.file = file
    self.settling = settling
    blobs = try? OpenFolder.open(store.blobsFolder, followingLinks: true)
    actions = try? OpenFolder.open(store.actionsFolder, followingLinks: true)
    known = (try? FileSystem.read(file, limit: 1 << 30)).flatMap { $0 }.flatMap { IndexedResults($0) } ?? .empty
  }

  /// What is known of an action.
  package struct Answer: Sendable {
    /// The action: the digest of its document.
    package var key: ActionKey
    /// What the store knows, or why it could not be asked.
    package var lookup: Result<Lookup, StoreError>
    /// Whether no document had to be read.
    package var isRecalled: Bool
  }

  /// What the store knows of many actions, looked up on all of its threads.
  ///
  /// - Parameter documents: All that decides their results.
  /// - Returns: An answer each, in their order.
  package func lookup(_ documents: [KeyDocument]) -> [Answer] {
    let began = wallClock()
    let answers = concurrentMap(documents.count, threads: store.options.threads) { index, _ in
      let key = documents[index].key
      if let result = self.recall(key) { return Answer(key: key, lookup: .success(.hit(result)), isRecalled: true) }
      let lookup = Result { () throws(StoreError) in try self.lookup(key, asOf: began) }
      return Answer(key: key, lookup: lookup, isRecalled: false)
    }
    state.withLock { state in
      for answer in answers where answer.isRecalled { state.used.insert(answer.key) }
    }
    return answers
  }

  /// The result of an action as the index has it, where nothing about it has changed.
  private func recall(_ key: ActionKey) -> ActionResult? {
    guard let indexed = known.result(of: key), status(ofEntry: key) == indexed.entry else { return nil }
    let result = indexed.result
    guard document(result.digest) == indexed.documents[0], let list = result.manifest.file("outputs.json"),
      document(list.digest) == indexed.documents[1]
    else { return nil }
    for (output, status) in zip(result.outputs, indexed.documents[2...]) {
      guard document(output.artifact.digest) == status else { return nil }
      for file in output.artifact.manifest.layers {
        guard let status = look(at: file.digest), status.kind == .file, status.size == file.size else { return nil }
      }
    }
    return result
  }

  private func lookup(_ key: ActionKey, asOf time: Int64) throws(StoreError) -> Lookup {
    let answer = try store.lookup(key)
    if case .hit(let result) = answer, let indexed = indexed(result), indexed.changed < time - settling {
      state.withLock { $0.found[key] = indexed }
    }
    return answer
  }

  /// A result with how its documents look; nil where one can't be looked at.
  private func indexed(_ result: ActionResult) -> IndexedResult? {
    guard let entry = status(ofEntry: result.key), let list = result.manifest.file("outputs.json") else { return nil }
    var documents: [DocumentStatus] = []
    for digest in [result.digest, list.digest] + result.outputs.map(\.artifact.digest) {
      guard let status = document(digest) else { return nil }
      documents.append(status)
    }
    return IndexedResult(result: result, entry: entry, documents: documents)
  }

  private func status(ofEntry key: ActionKey) -> DocumentStatus? {
    ((try? actions?.status(key.digest.hexadecimal)) ?? nil).flatMap { DocumentStatus($0) }
  }

  private func document(_ digest: Digest) -> DocumentStatus? { look(at: digest).flatMap { DocumentStatus($0) } }

  private func look(at digest: Digest) -> FileStatus? { (try? blobs?.status(digest.hexadecimal)) ?? nil }

  /// Writes the index where the store had to be asked for more than a few; failing to is no error, since it only costs
  /// time.
  ///
  /// Results that were not asked for stay as long as they are not the most.
  package func save() {
    state.withLock { state in
      guard state.found.count * 32 > state.used.count else { return }
      let used = state.used.union(state.found.keys)
      let others = known.keys.filter { !used.contains($0) }
      let kept = Array(state.used) + (others.count <= used.count ? others : [])
      let results = kept.filter { state.found[$0] == nil }.compactMap { known.result(of: $0) }
      guard let bytes = IndexedResults.bytes(of: results + state.found.values) else { return }
      try? FileSystem.makeFolders(file.removingLastComponent())
      try? FileSystem.replace(file, bytes)
      state.found = [:]
    }
  }
}

extension IndexedResult {
  /// When one of the documents was changed last.
  fileprivate var changed: Int64 { documents.reduce(entry.latest) { max($0, $1.latest) } }
}

extension DocumentStatus {
  fileprivate var latest: Int64 { max(modified, changed) }
}

extension Store {
  /// What earlier look-ups of a pipeline's actions found.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - settling: How long a document must have been as it is to be noted, in nanoseconds.
  /// - Returns: The index as the last run left it.
  package func resultIndex(of pipeline: String, settling: Int64 = 2_000_000_000) -> ResultIndex {
    ResultIndex(store: self, file: latestFolder.appending(folderName(pipeline) + ".index"), settling: settling)
  }
}

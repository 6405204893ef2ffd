import ArtifactStore
package import CanonicalJSON
import ContentAddressing
import PipelineLanguage
import StageKit

/// An action whose result is looked for at the remote, or comes from there; its lease is held as if it ran.
struct FetchedAction {
  var document: KeyDocument
  var reason: StaleReason
  var lease: Lease
  var began: Double
}

/// What a run took from a remote cache and shared there.
package struct RemoteSummary: Sendable {
  /// The place.
  package var name: String
  /// Results that came from there.
  package var fetched = 0
  /// Results that were shared there, and were not there before.
  package var shared = 0
  /// What went wrong first.
  package var trouble: String?

  /// `23 results from /lab, 2 shared there`; nil where nothing moved.
  package var text: String? {
    let parts = [
      fetched > 0 ? "\(fetched) result\(fetched == 1 ? "" : "s") from \(name)" : nil,
      shared > 0 ? "\(shared) shared" + (fetched > 0 ? " there" : " at \(name)") : nil,
    ]
    let text = parts.compactMap(\.self).joined(separator: ", ")
    return text.isEmpty ? nil : text
  }

  /// What several runs had to do with one place; nil for none.
  package static func sum(of summaries: [RemoteSummary]) -> RemoteSummary? {
    guard var sum = summaries.first else { return nil }
    for other in summaries.dropFirst() {
      sum.fetched += other.fetched
      sum.shared += other.shared
      sum.trouble = sum.trouble ?? other.trouble
    }
    return sum
  }

  /// The member `remote` of the answer of `run`.
  package var json: JSONValue {
    [
      "place": .string(name), "fetched": JSONValue(fetched), "shared": JSONValue(shared),
      "trouble": trouble.map { .string($0) } ?? .null,
    ]
  }
}

extension PipelineRun {
  /// Where the run stands with its remote cache.
  final class Remote {
    let exchange: RemoteExchange
    var summary: RemoteSummary
    /// Actions whose results are not to be had there.
    var asked: Set<ActionKey> = []
    /// Whether it is still asked.
    var isReachable = true
    /// Whether results are still shared there.
    var takesOffers: Bool
    /// Where results from there came from.
    var origin: ResultOrigin { ResultOrigin(kind: .remote, name: summary.name) }

    init(_ shared: SharedResults, store: Store) {
      exchange = RemoteExchange(shared, store: store)
      summary = RemoteSummary(name: shared.name)
      takesOffers = shared.offers
    }
  }

  /// What came from the remote and went there; nil where there is none.
  package var remoteSummary: RemoteSummary? { remote?.summary }

  // MARK: Before anything runs

  /// Looks which of the results that are not here are at the remote, for a plan that nothing of is run.
  ///
  /// What follows an action is judged by the outputs that it has there.
  ///
  /// - Throws: `RemoteCacheError` where it can't be asked, `StoreError` or `SourceProblem`.
  package func planWithRemote() throws {
    guard let remote else { return }
    for index in selection {
      if case .waiting = board[index] { try judge(index) }
      guard let (document, reason) = board.pending(index), !reason.isForced else { continue }
      let found: ActionResult?
      do { found = try remote.exchange.find(document.key) } catch let error as RemoteCacheError {
        guard case .damaged = error.fault else { throw error }
        observer.warning("\(accounts[index].id): \(error)")
        continue
      }
      guard let result = found, planner.accepts(result, for: index) else { continue }
      planner.note(result, of: index)
      accounts[index].origin = remote.origin
      accounts[index].reason = "\(accounts[index].id) is at \(remote.summary.name), from where a run takes it"
    }
  }

  // MARK: Taking

  /// Whether an action's result is looked for at the remote before it runs.
  func isToBeSought(_ document: KeyDocument, _ reason: StaleReason) -> Bool {
    guard let remote, remote.isReachable, !reason.isForced else { return false }
    return !remote.asked.contains(document.key)
  }

  /// Looks for the results of actions that could start.
  func beginFetches() {
    guard let remote else { return }
    while remote.exchange.hasRoom, let index = board.nextSought {
      guard case .sought(let document, let reason) = board[index] else { preconditionFailure("it is in their queue") }
      if board.isUnderWay(document.key) {
        board.setAside(index, for: document.key)
        continue
      }
      guard isToBeSought(document, reason) else {
        board.move(index, to: .ready(document, reason))
        continue
      }
      do {
        guard case .held(let lease) = try planner.store.acquire(document.key, uses: document.inputDigests) else {
          _ = try postpone(index, document, reason)
          continue
        }
        if let result = try planner.publishedResult(document.key, of: index) {
          lease.release()
          takeOver(index, result)
          continue
        }
        let fetch = FetchedAction(document: document, reason: reason, lease: lease, began: Clock.seconds())
        board.move(index, to: .fetching(fetch))
        observer.action(accounts[index].id, isSoughtAt: remote.summary.name)
        remote.exchange.fetch(document.key, for: index)
      } catch {
        fail(index, error)
      }
    }
  }

  /// Takes note of what came from the remote or went there.
  func attendRemote() {
    guard let remote else { return }
    for event in remote.exchange.takeEvents() {
      switch event {
      case .fetched(let index, let result, let bytes): arrived(index, result, bytes: bytes, remote)
      case .absent(let index): resume(index, remote)
      case .notFetched(let index, let error): notArrived(index, error, remote)
      case .offered(let wasNew): if wasNew { remote.summary.shared += 1 }
      case .notOffered(let id, let error): notShared(id, error, remote)
      }
    }
    for (index, progress) in remote.exchange.progress where progress.total > 0 {
      let unit = progress.total < 10_000_000 ? (size: 1000, name: "kB") : (size: 1_000_000, name: "MB")
      observer.action(
        accounts[index].id,
        tells: .progress(
          done: progress.done / unit.size, total: progress.total / unit.size, unit: unit.name, rate: nil,
          note: "from \(remote.summary.name)"))
    }
  }

  private func arrived(_ index: Int, _ result: ActionResult, bytes: Int, _ remote: Remote) {
    guard case .fetching(let fetch) = board[index] else { return }
    guard planner.accepts(result, for: index) else {
      let reason = "it does not have the outputs of \(planner.pipeline.actions[index].declaration.name)"
      return notArrived(index, RemoteCacheError(.damaged, "\(remote.summary.name): \(reason)"), remote)
    }
    fetch.lease.release()
    let id = accounts[index].id
    settle(index, result)
    made[result.key] = index
    set(index, .fresh, reason: "\(id) came from \(remote.summary.name)", result: result)
    accounts[index].origin = remote.origin
    remote.summary.fetched += 1
    noteFresh([index])
    journal.append(
      id, ["event": "end", "state": "fresh", "origin": .string(remote.summary.name), "bytes": JSONValue(bytes)])
    observer.actionEnds(
      ActionEnding(
        id: id, state: .fresh, seconds: Clock.seconds() - fetch.began,
        message: "from \(remote.summary.name) · \(Wording.bytes(bytes))"))
  }

  private func notArrived(_ index: Int, _ error: any Error, _ remote: Remote) {
    let id = accounts[index].id
    switch (error as? RemoteCacheError)?.fault {
    case .cancelled where interruption != nil:
      guard case .fetching(let fetch) = board[index] else { return }
      fetch.lease.release()
      return end(index, .stale, "was interrupted while it came from \(remote.summary.name)")
    case .unreachable: giveUp(remote, error)
    default: complain(remote, "\(id) is made here: \(error)")
    }
    resume(index, remote)
  }

  /// Lets an action run that the remote does not have.
  private func resume(_ index: Int, _ remote: Remote) {
    guard case .fetching(let fetch) = board[index] else { return }
    fetch.lease.release()
    remote.asked.insert(fetch.document.key)
    board.move(index, to: .ready(fetch.document, fetch.reason))
    observer.action(accounts[index].id, isSoughtAt: nil)
  }

  private func giveUp(_ remote: Remote, _ error: any Error) {
    guard remote.isReachable else { return }
    remote.isReachable = false
    remote.takesOffers = false
    remote.exchange.dropOffers()
    board.stopSeeking()
    complain(remote, "the remote is left out from now on: \(error)")
  }

  private func complain(_ remote: Remote, _ text: String) {
    remote.summary.trouble = remote.summary.trouble ?? text
    observer.warning("\(text)")
  }

  // MARK: Sharing

  /// Shares the result of an action that ran, while the run goes on.
  func offer(_ result: ActionResult, of index: Int) {
    guard let remote, remote.takesOffers else { return }
    remote.exchange.offer(result, of: accounts[index].id)
  }

  private func notShared(_ id: String, _ error: any Error, _ remote: Remote) {
    guard interruption == nil, remote.takesOffers else { return }
    // What is wrong with one result of ours is no reason to keep the others.
    if error is StoreError { return complain(remote, "\(id) is not shared: \(error)") }
    remote.takesOffers = false
    remote.exchange.dropOffers()
    complain(remote, "results are not shared: \(error)")
  }

  /// Tells that the run waits for nothing but what is being shared.
  func tellSharing() {
    guard let remote, board.running.isEmpty, board.fetching.isEmpty else { return }
    let count = remote.exchange.pendingOffers
    if count > 0 { observer.sharing(count, at: remote.summary.name) }
  }

  // MARK: Interruption

  /// Gives up what comes from the remote and goes there.
  func cancelRemote() { remote?.exchange.cancel() }

  /// Leaves alone what does not end by itself; the process is about to end.
  func abandonFetches() {
    guard let remote else { return }
    isAbandoned = true
    for index in board.fetching {
      guard case .fetching(let fetch) = board[index] else { continue }
      fetch.lease.release()
      end(index, .stale, "was interrupted while it came from \(remote.summary.name)")
    }
  }
}

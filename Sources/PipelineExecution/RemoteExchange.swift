package import ArtifactStore
import ContentAddressing
import Glibc
import Synchronization

/// Where a run looks for results that others made, and shares its own.
package struct SharedResults: Sendable {
  /// The place, as people name it.
  package var name: String
  /// Whether results are shared there, or only taken.
  package var offers: Bool
  /// Opens the place; called on a thread of its own, and only when something is asked or shared.
  package var open: @Sendable () throws -> any RemoteCache

  /// A place.
  package init(name: String, offers: Bool, open: @escaping @Sendable () throws -> any RemoteCache) {
    self.name = name
    self.offers = offers
    self.open = open
  }
}

/// Carries results between the store and a remote cache on threads of its own, for a run that never waits for them.
///
/// The run asks by the index of an action, sleeps until `wakeDescriptor` can be read, and takes what has happened.
final class RemoteExchange: Sendable {
  /// Something that came to an end.
  enum Event {
    /// The result of an action is in the store, after so many bytes.
    case fetched(Int, ActionResult, bytes: Int)
    /// Nobody has shared a result of the action.
    case absent(Int)
    /// The result of the action did not come.
    case notFetched(Int, any Error)
    /// A result is there; whether it had to be sent.
    case offered(wasNew: Bool)
    /// The result of this action could not be shared.
    case notOffered(String, any Error)
  }

  private struct State {
    var events: [Event] = []
    /// Bytes that have come and are to come, by action.
    var progress: [Int: (done: Int, total: Int)] = [:]
    var offers: [(id: String, result: ActionResult)] = []
    var isOffering = false
    var fetches = 0
    var isCancelled = false
  }

  let shared: SharedResults
  /// Can be read when something has happened.
  let wakeDescriptor: CInt
  private let bell: CInt
  private let store: Store
  private let state = Mutex(State())
  private let cache = Mutex<Result<any RemoteCache, any Error>?>(nil)
  /// The most results that come at once.
  private static let mostFetches = 4

  /// An exchange that has asked nothing yet.
  init(_ shared: SharedResults, store: Store) {
    self.shared = shared
    self.store = store
    var ends: [CInt] = [-1, -1]
    // Without a bell the run still looks several times a second.
    if pipe(&ends) == 0 {
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
      }
    }
    (wakeDescriptor, bell) = (ends[0], ends[1])
  }

  deinit {
    close(wakeDescriptor)
    close(bell)
  }

  /// Whether one more result may be fetched at this moment.
  var hasRoom: Bool { state.withLock { $0.fetches < Self.mostFetches } }

  /// Whether nothing is under way or waits to be taken note of.
  var isIdle: Bool {
    state.withLock { $0.fetches == 0 && !$0.isOffering && $0.events.isEmpty }
  }

  /// How many results are still to be shared.
  var pendingOffers: Int { state.withLock { $0.offers.count + ($0.isOffering ? 1 : 0) } }

  /// Begins to look for the result of an action, and to take it over.
  func fetch(_ key: ActionKey, for index: Int) {
    state.withLock { $0.fetches += 1 }
    inBackground {
      var bytes = 0
      let event: Event
      do {
        let result = try self.opened().fetch(key, into: self.store) { done, total in
          self.state.withLock { $0.progress[index] = (done, total) }
        }
        bytes = self.state.withLock { $0.progress[index]?.total ?? 0 }
        event = result.map { .fetched(index, $0, bytes: bytes) } ?? .absent(index)
      } catch { event = .notFetched(index, error) }
      self.tell(event) { state in
        state.fetches -= 1
        state.progress[index] = nil
      }
    }
  }

  /// Shares a result when those before it have been.
  func offer(_ result: ActionResult, of id: String) {
    let mustStart = state.withLock { state in
      guard !state.isCancelled else { return false }
      state.offers.append((id, result))
      defer { state.isOffering = true }
      return !state.isOffering
    }
    guard mustStart else { return }
    inBackground {
      while let (id, result) = self.nextOffer() {
        do {
          let wasNew = try self.opened().offer(result, from: self.store)
          self.tell(.offered(wasNew: wasNew)) { _ in }
        } catch { self.tell(.notOffered(id, error)) { _ in } }
      }
      self.ring()
    }
  }

  private func nextOffer() -> (id: String, result: ActionResult)? {
    state.withLock { state in
      state.isOffering = !state.offers.isEmpty
      return state.offers.isEmpty ? nil : state.offers.removeFirst()
    }
  }

  /// Shares nothing more that has not begun.
  ///
  /// - Returns: How many results were left out.
  @discardableResult
  func dropOffers() -> Int {
    state.withLock { state in
      defer { state.offers = [] }
      return state.offers.count
    }
  }

  /// What has happened since it was last asked for.
  func takeEvents() -> [Event] {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(wakeDescriptor, &bytes, bytes.count) > 0 {}
    return state.withLock { state in
      defer { state.events = [] }
      return state.events
    }
  }

  /// Bytes that have come and are to come, by the action whose result they belong to.
  var progress: [Int: (done: Int, total: Int)] { state.withLock { $0.progress } }

  /// Gives up what is under way, soon, and all that waits.
  func cancel() {
    dropOffers()
    state.withLock { $0.isCancelled = true }
    if case .success(let cache)? = cache.withLock({ $0 }) { cache.cancel() }
  }

  /// What is at the place, without its data; waits for the answer.
  func find(_ key: ActionKey) throws -> ActionResult? { try opened().find(key) }

  private func opened() throws -> any RemoteCache {
    if state.withLock({ $0.isCancelled }) { throw RemoteCacheError(.cancelled, "\(shared.name): given up") }
    return try cache.withLock { cache in
      let result = cache ?? Result { try shared.open() }
      cache = result
      return result
    }.get()
  }

  private func tell(_ event: Event, _ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      state.events.append(event)
    }
    ring()
  }

  private func ring() { _ = write(bell, [1], 1) }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private func inBackground(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Work(body)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context)
    if code == 0 {
      pthread_detach(thread)
    } else {
      // No thread to be had: it is done here and now.
      Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
    }
  }
}

import Glibc
import Synchronization

/// Touches the leases that this process holds every few seconds, so that other hosts see it live.
///
/// One thread for all leases of a store; it ends when there are none.
final class Heartbeat: Sendable {
  private struct State {
    var descriptors: Set<CInt> = []
    var isRunning = false
  }

  /// Seconds between two touches; a lease is presumed dead after `Lease.patience`.
  static let interval = 5
  private let state = Mutex(State())

  /// Keeps an open lease file fresh from now on.
  func add(_ descriptor: CInt) {
    let mustStart = state.withLock { state in
      state.descriptors.insert(descriptor)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if mustStart { start() }
  }

  /// Lets go of a lease file; it may be closed when this has returned.
  func remove(_ descriptor: CInt) { state.withLock { _ = $0.descriptors.remove(descriptor) } }

  private func start() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let heartbeat = Unmanaged<Heartbeat>.fromOpaque(context).takeRetainedValue()
        repeat { sleep(UInt32(Heartbeat.interval)) } while heartbeat.beat()
        return nil
      }, context)
    if status == 0 {
      pthread_detach(thread)
    } else {
      // Without a thread other hosts may think us dead after a while, which costs time and nothing else.
      Unmanaged<Heartbeat>.fromOpaque(context).release()
      state.withLock { $0.isRunning = false }
    }
  }

  /// Touches all leases; false when there are none and the thread is to end.
  private func beat() -> Bool {
    state.withLock { state in
      for descriptor in state.descriptors { futimens(descriptor, nil) }
      state.isRunning = !state.descriptors.isEmpty
      return state.isRunning
    }
  }
}

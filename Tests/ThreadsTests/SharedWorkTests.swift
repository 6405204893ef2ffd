import Foundation
import Synchronization
import Testing

import Threads

@Suite("Shared work")
struct SharedWorkTests {
  @Test("Every thread takes part, and all have ended when the call does", arguments: [1, 2, 5])
  func all(count: Int) {
    let bodies = Atomic<Int>(0)
    onThreads(count) {
      usleep(1000)
      bodies.add(1, ordering: .relaxed)
    }
    #expect(bodies.load(ordering: .relaxed) == count)
  }

  @Test("Where no thread can be had, the caller does the work alone instead of waiting for ever")
  func none() async {
    await #expect(processExitsWith: .success) {
      // Room for what there is, and for no more: a thread's stack finds no place.
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      limit.rlim_cur = 1 << 20
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      let next = Atomic<Int>(0)
      let bodies = Atomic<Int>(0)
      onThreads(4) {
        bodies.add(1, ordering: .relaxed)
        while next.add(1, ordering: .relaxed).oldValue < 100 {}
      }
      guard bodies.load(ordering: .relaxed) == 1, next.load(ordering: .relaxed) >= 100 else { exit(1) }
    }
  }

  /// Whether a signal waits where it comes to this thread.
  private static func isBlocked(_ signal: CInt) -> Bool {
    var mask = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &mask)
    return sigismember(&mask, signal) == 1
  }

  @Test("The threads get no signals, and the caller gets those that it got before")
  func signals() {
    var (asked, mask) = (sigset_t(), sigset_t())
    sigemptyset(&asked)
    sigaddset(&asked, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &asked, &mask)
    defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
    let blocked = Atomic<Int>(0)
    let begun = Atomic<Int>(0)
    onThreads(3) {
      begun.add(1, ordering: .relaxed)
      // Each takes part, so that the caller's body is none of the others'.
      for _ in 0..<10_000 where begun.load(ordering: .relaxed) < 3 { usleep(1000) }
      if Self.isBlocked(SIGTERM) { blocked.add(1, ordering: .relaxed) }
    }
    #expect(blocked.load(ordering: .relaxed) == 2)
    #expect(!Self.isBlocked(SIGTERM))
  }
}

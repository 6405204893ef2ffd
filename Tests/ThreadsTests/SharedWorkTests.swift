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
}

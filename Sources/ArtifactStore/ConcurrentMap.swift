import ContentAddressing
import Synchronization
import Threads

/// Maps indices to values on several threads, each with a file hasher of its own; the result is in order.
func concurrentMap<Value: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int, inout FileHasher) -> Value
) -> [Value] {
  guard threads > 1, count > 1 else {
    var hasher = FileHasher()
    return (0..<count).map { body($0, &hasher) }
  }
  let next = Atomic<Int>(0)
  return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
    nonisolated(unsafe) let start = buffer.baseAddress!
    onThreads(min(threads, count)) {
      var hasher = FileHasher()
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        if index >= count { return }
        (start + index).initialize(to: body(index, &hasher))
      }
    }
    initialized = count
  }
}

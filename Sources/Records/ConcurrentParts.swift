import Synchronization
import Threads

/// Maps the parts of a work on as many threads; the result is in order.
package func concurrently<Part, Value: Sendable>(_ parts: [Part], _ body: @Sendable (Part) -> Value) -> [Value] {
  guard parts.count > 1 else { return parts.map(body) }
  let next = Atomic<Int>(0)
  return [Value](unsafeUninitializedCapacity: parts.count) { buffer, initialized in
    nonisolated(unsafe) let start = buffer.baseAddress!
    nonisolated(unsafe) let parts = parts
    onThreads(parts.count) {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        if index >= parts.count { return }
        (start + index).initialize(to: body(parts[index]))
      }
    }
    initialized = parts.count
  }
}

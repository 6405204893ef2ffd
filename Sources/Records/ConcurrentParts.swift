import Dispatch

/// Maps the parts of a work on as many threads; the result is in order.
package func concurrently<Part, Value: Sendable>(_ parts: [Part], _ body: @Sendable (Part) -> Value) -> [Value] {
  guard parts.count > 1 else { return parts.map(body) }
  return [Value](unsafeUninitializedCapacity: parts.count) { buffer, initialized in
    nonisolated(unsafe) let start = buffer.baseAddress!
    nonisolated(unsafe) let parts = parts
    DispatchQueue.concurrentPerform(iterations: parts.count) { index in
      (start + index).initialize(to: body(parts[index]))
    }
    initialized = parts.count
  }
}

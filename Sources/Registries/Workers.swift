import Glibc
import Synchronization

/// Threads that wait for the network most of the time; a pool made for computing would run too few of them.
public enum Workers {
  /// Does something with every element, several at a time.
  ///
  /// - Parameters:
  ///   - elements: The elements, begun in order.
  ///   - count: The most at once.
  ///   - body: What is done.
  /// - Throws: The error of the first element in order that failed; what had not begun then is left out.
  public static func forEach<Element: Sendable>(
    _ elements: [Element], atOnce count: Int, _ body: @Sendable (Element) throws -> Void
  ) throws {
    let next = Atomic<Int>(0)
    let failure = Mutex<(index: Int, error: any Error)?>(nil)
    run(min(count, elements.count)) {
      while failure.withLock({ $0 == nil }) {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < elements.count else { return }
        do { try body(elements[index]) } catch {
          failure.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
        }
      }
    }
    if let error = failure.withLock({ $0?.error }) { throw error }
  }

  /// Runs the same on several threads and waits for all of them.
  private static func run(_ count: Int, _ body: @Sendable () -> Void) {
    guard count > 1 else { return body() }
    withoutActuallyEscaping(body) { body in
      let box = Box(body)
      var threads: [pthread_t] = []
      for _ in 1..<count {
        var thread = pthread_t()
        let code = pthread_create(
          &thread, nil,
          { context in
            Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue().body()
            return nil
          }, Unmanaged.passUnretained(box).toOpaque())
        if code == 0 { threads.append(thread) }
      }
      body()
      for thread in threads { pthread_join(thread, nil) }
      withExtendedLifetime(box) {}
    }
  }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

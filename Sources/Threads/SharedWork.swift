import Glibc

/// Runs a body on so many threads at once, the caller's among them, and waits for all of them.
///
/// Where the system has no thread to give, for want of memory or by a limit, the work is done by fewer: a body takes its
/// share of the work until none is left. The threads get no signals, which are the main thread's business.
///
/// - Parameters:
///   - count: The most threads.
///   - body: Takes parts of the work until none is left.
package func onThreads(_ count: Int, _ body: @Sendable () -> Void) {
  guard count > 1 else { return body() }
  withoutActuallyEscaping(body) { body in
    let work = SharedWork(body: body)
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return body() }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 1 << 20)
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var threads: [pthread_t] = []
    for _ in 1..<count {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(work)
      let code = pthread_create(
        &thread, &attributes,
        { context in
          guard let context else { return nil }
          Unmanaged<SharedWork>.fromOpaque(context).takeRetainedValue().body()
          return nil
        }, context.toOpaque())
      guard code == 0 else {
        context.release()
        break
      }
      threads.append(thread)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    body()
    for thread in threads { pthread_join(thread, nil) }
  }
}

private final class SharedWork: Sendable {
  let body: @Sendable () -> Void

  init(body: @escaping @Sendable () -> Void) { self.body = body }
}

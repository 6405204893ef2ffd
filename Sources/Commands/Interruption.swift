import CProcess
import Glibc
import StageKit
import Synchronization

/// Whether the user asked this process to stop, by Ctrl-C or `kill`.
enum Interruption {
  private static let received = Atomic<CInt>(0)
  /// So long a stage may take to notice, in seconds: a call that waits for another program never does.
  private static let patience = 3

  /// Whether a signal has come.
  static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

  /// How the process ends because of the signal.
  static var status: ExitStatus { received.load(ordering: .relaxed) == SIGINT ? .interrupted : .terminated }

  /// The signals that ask to stop; nohup asks not to be ended with the terminal.
  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    if process_is_ignored(SIGHUP) == 0 { sigaddset(&signals, SIGHUP) }
    return signals
  }

  /// Lets SIGINT, SIGTERM and SIGHUP wait for `watch`, so that none comes between what is made and its cleanup.
  ///
  /// To be called before the process has other threads.
  static func hold() {
    var signals = signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Notes the signals that are held instead of ending at once; a second signal, or some seconds, end the process.
  ///
  /// - Parameter cleanup: What is done before the process ends so.
  static func watch(cleanup: @escaping @Sendable () -> Void) {
    var signals = signals
    let watcher = Watcher(signals: signals, cleanup: cleanup)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Watcher>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(watcher).toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      // Without a watcher the signals end the process as they always do.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
  }

  private final class Watcher: Sendable {
    let signals: sigset_t
    let cleanup: @Sendable () -> Void

    init(signals: sigset_t, cleanup: @escaping @Sendable () -> Void) {
      self.signals = signals
      self.cleanup = cleanup
    }

    /// Waits for a signal, and ends the process.
    func run() {
      var signals = signals
      var number: CInt = 0
      while sigwait(&signals, &number) != 0 {}
      Interruption.received.store(number, ordering: .relaxed)
      var patience = timespec(tv_sec: Interruption.patience, tv_nsec: 0)
      while sigtimedwait(&signals, nil, &patience) < 0 && errno == EINTR {}
      cleanup()
      _exit(Interruption.status.rawValue)
    }
  }
}

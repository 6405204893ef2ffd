import Glibc
import Synchronization

/// Whether the user asked this process to stop, by Ctrl-C or `kill`.
enum Interruption {
  private static let requested = Atomic<Bool>(false)

  /// Whether a signal has come.
  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Notes SIGINT and SIGTERM instead of ending at once; a second signal ends the process.
  static func watch() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
    }
  }
}

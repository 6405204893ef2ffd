import CanonicalJSON
import Glibc
import StageKit
import Synchronization

/// What a verb answers on stdout.
///
/// It goes out in pieces of some size, and the first one that could not be written is remembered with its reason.
enum Answer {
  private struct State {
    var bytes: [UInt8] = []
    /// The error number of the first write that failed.
    var code: CInt?
  }

  private static let state = Mutex(State())
  private static let capacity = 1 << 16

  /// Prints a text for people; control characters in it, which may come from anywhere, are made visible.
  static func print(_ text: String, terminator: String = "\n") { write(VisibleText.lines(text) + terminator) }

  /// Prints a document; control characters in its strings stand there as JSON's escapes.
  static func print(_ document: JSONValue) { write(VisibleText.escapedJSON(document.text) + "\n") }

  private static func write(_ text: String) {
    state.withLock { state in
      state.bytes += text.utf8
      if state.bytes.count >= capacity { writeOut(&state) }
    }
  }

  private static func writeOut(_ state: inout State) {
    defer { state.bytes = [] }
    var start = 0
    while state.code == nil, start < state.bytes.count {
      let count = state.bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress! + start, $0.count - start) }
      if count >= 0 { start += count } else if errno != EINTR { state.code = errno }
    }
  }

  /// Makes sure that all of it was written.
  ///
  /// - Returns: The error number of what was not, or nil.
  static func flush() -> CInt? {
    state.withLock { state in
      writeOut(&state)
      return state.code
    }
  }
}

/// Prints a document on stdout.
func printDocument(_ document: JSONValue) { Answer.print(document) }

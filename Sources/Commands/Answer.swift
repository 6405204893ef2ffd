import CProcess
import CanonicalJSON
import StageKit

/// What a verb answers on stdout.
enum Answer {
  /// Prints a text for people; control characters in it, which may come from anywhere, are made visible.
  static func print(_ text: String, terminator: String = "\n") {
    Swift.print(VisibleText.lines(text), terminator: terminator)
  }

  /// Makes sure that all of it was written.
  ///
  /// - Returns: The error number of what was not, or nil.
  static func flush() -> CInt? {
    let code = process_flush_output()
    return code == 0 ? nil : code
  }
}

/// Prints a document on stdout.
func printDocument(_ document: JSONValue) { print(document.text) }

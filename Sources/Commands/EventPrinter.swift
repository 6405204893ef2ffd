import Glibc
import PipelineExecution
import StageKit
import Synchronization

/// Prints a stage's events to stderr: on a terminal progress overwrites itself, elsewhere only what stays is printed.
final class EventPrinter: Sendable {
  private let stage: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let live = Mutex(false)

  init(stage: String) { self.stage = stage }

  func print(_ event: StageEvent) {
    live.withLock { live in
      switch event {
      case .progress(let done, let total, let unit, let rate, let note):
        guard isTerminal else { return }
        var text = "\(stage)  \(done)" + (total.map { " of \($0)" } ?? "") + " \(unit)"
        if let rate { text += " · \(Wording.rate(rate)) \(unit)/s" }
        if let note { text += " · \(note)" }
        Self.put("\r\u{1B}[K" + VisibleText.line(text))
        live = true
      case .summary(let text): line("✓ \(stage)  \(text)", &live)
      case .warning(let text): line("warning: \(text)", &live)
      case .measure: break
      }
    }
  }

  private func line(_ text: String, _ live: inout Bool) {
    Self.put((live ? "\r\u{1B}[K" : "") + VisibleText.lines(text) + "\n")
    live = false
  }

  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

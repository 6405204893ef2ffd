import Glibc
import PipelineExecution
import Synchronization

/// One line on a terminal that shows how much of a transfer or a bundle is done; elsewhere nothing.
///
/// It is told by several threads.
final class TransferBar: Sendable {
  private struct State {
    var began: Double?
    var lastDraw = 0.0
    var isDrawn = false
  }

  private let verb: String
  private let style = TerminalDisplay.Style.standardError()
  private let state = Mutex(State())

  init(_ verb: String) { self.verb = verb }

  /// Shows that so many bytes of all have been moved.
  func show(_ done: Int, of total: Int) {
    guard style.isLive, total > 0 else { return }
    let time = Clock.seconds()
    let began: Double? = state.withLock { state in
      let began = state.began ?? time
      state.began = began
      guard time - state.lastDraw >= 0.1 || done >= total else { return nil }
      state.lastDraw = time
      state.isDrawn = true
      return began
    }
    guard let began else { return }
    TerminalDisplay.toStandardError("\r\(line(done, total, time - began).prefix(style.width - 1))\u{1B}[K")
  }

  /// `sending ██████░░░░ 120 MB of 300 MB · 45 MB/s · 4 s left`.
  private func line(_ done: Int, _ total: Int, _ seconds: Double) -> String {
    let width = 24
    let full = max(0, min(width, width * min(done, total) / total))
    var text = "  \(verb) \(String(repeating: "█", count: full))\(String(repeating: "░", count: width - full)) "
    text += "\(Wording.bytes(max(0, done))) of \(Wording.bytes(total))"
    if seconds > 0.5, done > 0 {
      let rate = Double(done) / seconds
      text += " · \(Wording.bytes(Int(rate)))/s"
      if done < total { text += " · \(Wording.about(Double(total - done) / rate)) left" }
    }
    return text
  }

  /// Takes the line away.
  func end() {
    if state.withLock({ state in
      defer { state.isDrawn = false }
      return state.isDrawn
    }) {
      TerminalDisplay.toStandardError("\r\u{1B}[K")
    }
  }
}

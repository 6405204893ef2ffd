import Glibc
package import StageKit

/// Shows a run to people: on a terminal a line per finished action and a live one per running action, elsewhere
/// plain lines.
package final class TerminalDisplay: RunObserver {
  /// What the output can do.
  package struct Style: Sendable {
    /// Whether lines can be taken back.
    package var isLive: Bool
    /// Whether colours are wanted.
    package var isColored: Bool
    /// Columns.
    package var width: Int

    /// A style.
    package init(isLive: Bool, isColored: Bool, width: Int) {
      self.isLive = isLive
      self.isColored = isColored
      self.width = width
    }

    /// The style for a descriptor: live and coloured on a terminal, unless `NO_COLOR` or `TERM=dumb` say otherwise.
    package static func standardError() -> Style {
      let isTerminal = isatty(2) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
      var size = winsize()
      let isSized = isTerminal && ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col >= 20
      let refusal = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
      return Style(isLive: isTerminal, isColored: isTerminal && !refusal, width: isSized ? Int(size.ws_col) : 100)
    }
  }

  private struct Running {
    var id: String
    var began: Double
    var lastLine: Double
    var progress: StageEvent?
    var holder: String?
    /// What it is doing beside running, such as `asks /lab`.
    var note: String?
  }

  private let style: Style
  private let write: (String) -> Void
  private let now: () -> Double
  private var nameWidth = 8
  private var running: [Running] = []
  private var liveLines = 0
  private var lastDraw = -1.0

  /// A display.
  ///
  /// - Parameters:
  ///   - style: What the output can do.
  ///   - now: Seconds of a clock that never goes back.
  ///   - write: Takes text; by default it goes to standard error.
  package init(
    style: Style = .standardError(), now: @escaping () -> Double = Clock.seconds,
    write: @escaping (String) -> Void = TerminalDisplay.toStandardError
  ) {
    self.style = style
    self.now = now
    self.write = write
  }

  /// Writes text to standard error; what can't be written is lost.
  package static func toStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(2, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  package func runBegins(_ overview: RunOverview) {
    nameWidth = min(max(overview.pending.map(\.count).max() ?? 0, 7), 36)
    var line = "\(overview.pipeline)  \(overview.actions) action\(overview.actions == 1 ? "" : "s"): "
    let elsewhere = overview.remote?.count ?? 0
    line += "\(overview.fresh) fresh, "
    if let remote = overview.remote, elsewhere > 0 { line += "\(elsewhere) at \(remote.name), " }
    line += "\(overview.actions - overview.fresh - elsewhere) to run · "
    if let estimate = overview.estimate {
      line += "about \(Wording.about(estimate.seconds)), \(Wording.bytes(estimate.peakBytes)), "
    }
    line += "\(overview.threads) thread\(overview.threads == 1 ? "" : "s")\n"
    write(line)
    for origin in overview.origins { write("  \(origin)\n") }
  }

  package func actionBegins(_ id: String) {
    running.removeAll { $0.id == id }
    running.append(Running(id: id, began: now(), lastLine: now()))
    draw(force: true)
  }

  package func action(_ id: String, tells event: StageEvent) {
    switch event {
    case .progress:
      guard let index = running.firstIndex(where: { $0.id == id }) else { return }
      running[index].progress = event
      if !style.isLive && now() - running[index].lastLine >= 60 {
        running[index].lastLine = now()
        write("  · \(named(id)) \(progressText(running[index]))\n")
      }
      draw(force: false)
    case .warning(let text): warning("\(id): \(text)")
    case .summary, .measure: break
    }
  }

  package func action(_ id: String, isHeldBy holder: String) {
    if let index = running.firstIndex(where: { $0.id == id }) {
      if running[index].holder == holder { return }
      running[index].holder = holder
    } else {
      running.append(Running(id: id, began: now(), lastLine: now(), holder: holder))
      if !style.isLive { write("  · \(named(id)) waits: held by \(VisibleText.line(holder))\n") }
    }
    draw(force: true)
  }

  package func action(_ id: String, isSoughtAt place: String?) {
    running.removeAll { $0.id == id }
    if let place { running.append(Running(id: id, began: now(), lastLine: now(), note: "asks \(place)")) }
    draw(force: true)
  }

  package func sharing(_ count: Int, at place: String) {
    let note = "shares \(count) result\(count == 1 ? "" : "s") at \(place)"
    if let index = running.firstIndex(where: { $0.id.isEmpty }) {
      running[index].note = note
    } else {
      running.append(Running(id: "", began: now(), lastLine: now(), note: note))
    }
  }

  package func actionEnds(_ ending: ActionEnding) {
    running.removeAll { $0.id == ending.id }
    switch ending.state {
    case .ran, .waited, .fresh:
      let text = ending.summary.map { $0.split(separator: "\n").count > 1 ? "" : $0 } ?? ""
      let message = [text, ending.message ?? ""].filter { !$0.isEmpty }.joined(separator: " · ")
      let mark = paint(ending.state == .ran ? "✓" : "=", "32")
      let head = "  \(mark) \(named(ending.id)) \(VisibleText.line(message))"
      line(ending.seconds.map { withRight(head, Wording.duration($0)) } ?? head)
    case .failed, .stale:
      let mark = ending.state == .failed ? paint("✗", "31") : paint("·", "33")
      var text = "  \(mark) \(named(ending.id)) \(VisibleText.line(ending.message ?? "failed"))"
      for tail in ending.logTail { text += "\n      \(paint("│", "2")) \(VisibleText.line(tail))" }
      if let remedy = ending.remedy { text += "\n      → \(VisibleText.line(remedy))" }
      line(text)
    case .blocked: line("  - \(named(ending.id)) \(VisibleText.line(ending.message ?? "not started"))")
    }
  }

  package func notice(_ text: String) { line(VisibleText.lines(text)) }

  package func warning(_ text: String) { line(paint("warning:", "33") + " " + VisibleText.line(text)) }

  package func timePasses() { draw(force: false) }

  package func runEnds(_ closing: RunClosing) {
    clear()
    for report in closing.reports {
      let body = VisibleText.lines(report).split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.isEmpty ? "" : "  \($0)"
      }
      write(body.joined(separator: "\n") + "\n")
    }
    if let trouble = closing.trouble { warning(trouble) }
    if let remote = closing.remote { write("Remote  \(remote)\n") }
    if let path = closing.reportPath { write("Report  \(path)\n") }
    if let change = closing.change {
      write("Change  \(change.command)    reruns \(change.reruns) of \(change.of)\n")
    }
    if let resume = closing.resume { write("Resume  \(resume)\n") }
  }

  // MARK: Lines

  /// Writes a line that stays, above the live ones.
  private func line(_ text: String) {
    clear()
    write(text + "\n")
    draw(force: true)
  }

  private func named(_ id: String) -> String {
    let id = VisibleText.line(id)
    return id.count >= nameWidth ? id : id + String(repeating: " ", count: nameWidth - id.count)
  }

  private func paint(_ text: String, _ code: String) -> String {
    style.isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  /// A text with another at the right border, or behind it where it is too long.
  private func withRight(_ left: String, _ right: String) -> String {
    let visible = left.count - (style.isColored ? 9 : 0)
    let gap = min(style.width, 110) - visible - right.count
    return left + String(repeating: " ", count: max(2, gap)) + right
  }

  private func clear() {
    guard liveLines > 0 else { return }
    write("\u{1B}[\(liveLines)F\u{1B}[J")
    liveLines = 0
  }

  private func draw(force: Bool) {
    guard style.isLive else { return }
    let time = now()
    guard force || time - lastDraw >= 0.1 else { return }
    lastDraw = time
    var text = liveLines > 0 ? "\u{1B}[\(liveLines)F" : ""
    let shown = running.prefix(8)
    for row in shown {
      let body = "  \(spinner(time)) \(named(row.id)) \(progressText(row))"
      text += body.prefix(style.width - 1) + "\u{1B}[K\n"
    }
    text += "\u{1B}[J"
    liveLines = shown.count
    if !text.isEmpty { write(text) }
  }

  private func spinner(_ time: Double) -> Character {
    let frames: [Character] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"]
    return frames[Int(time * 8) % frames.count]
  }

  /// How far a running action is, such as `412 of 900 steps · 23 s left`.
  private func progressText(_ row: Running) -> String {
    let elapsed = now() - row.began
    if let holder = row.holder { return "waits \(Wording.duration(elapsed)): held by \(VisibleText.line(holder))" }
    guard case .progress(let done, let total, let unit, let rate, let note)? = row.progress else {
      return [row.note, Wording.duration(elapsed)].compactMap(\.self).joined(separator: " · ")
    }
    var parts = [
      total.map { "\(Wording.count(done)) of \(Wording.count($0)) \(unit)" } ?? "\(Wording.count(done)) \(unit)"
    ]
    if let note { parts.append(note) }
    if let rate, rate > 0 {
      parts.append("\(Wording.rate(rate)) \(unit)/s")
      if let total, total > done { parts.append("\(Wording.about(Double(total - done) / rate)) left") }
    } else if let total, done > 0, total > done, elapsed > 1 {
      parts.append("\(Wording.about(elapsed * Double(total - done) / Double(done))) left")
    }
    return parts.joined(separator: " · ")
  }
}

/// The clock that never goes back.
package enum Clock {
  /// Seconds since some moment.
  package static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

import PipelineExecution
import StageKit
import Testing

@Suite struct DisplayTests {
  /// What a display writes, with a clock that the test moves.
  private final class Screen {
    var text = ""
    var time = 0.0

    func display(live: Bool, width: Int = 60) -> TerminalDisplay {
      TerminalDisplay(
        style: .init(isLive: live, isColored: false, width: width), now: { self.time }, write: { self.text += $0 })
    }
  }

  private func overview(_ estimate: RunEstimate?) -> RunOverview {
    RunOverview(
      pipeline: "quickstart", actions: 12, fresh: 0, pending: ["mle", "iq"], estimate: estimate, threads: 2)
  }

  @Test("the header counts, and estimates where earlier runs tell")
  func header() {
    let screen = Screen()
    screen.display(live: false).runBegins(overview(RunEstimate(seconds: 148, peakBytes: 310_400_000)))
    screen.display(live: false).runBegins(overview(nil))
    #expect(
      screen.text == """
        quickstart  12 actions: 0 fresh, 12 to run · about 2 min 30 s, 310 MB, 2 threads
        quickstart  12 actions: 0 fresh, 12 to run · 2 threads

        """)
  }

  @Test("elsewhere than on a terminal a finished action is one plain line, its time at the right")
  func plain() {
    let screen = Screen()
    let display = screen.display(live: false)
    display.runBegins(overview(nil))
    screen.text = ""
    display.actionBegins("mle")
    display.action("mle", tells: .progress(done: 1, total: 2, unit: "steps", rate: 3, note: nil))
    display.actionEnds(ActionEnding(id: "mle", state: .ran, seconds: 46.1, summary: "900 steps"))
    #expect(screen.text == "  ✓ mle     900 steps" + String(repeating: " ", count: 33) + "46.1 s\n")
  }

  @Test("a running stage that tells nothing for long is mentioned once a minute where lines stay")
  func heartbeat() {
    let screen = Screen()
    let display = screen.display(live: false)
    display.actionBegins("mle")
    let event = StageEvent.progress(done: 412, total: 900, unit: "steps", rate: 20, note: "loss 1.2")
    display.action("mle", tells: event)
    #expect(screen.text.isEmpty)
    screen.time = 61
    display.action("mle", tells: event)
    display.action("mle", tells: event)
    #expect(screen.text == "  · mle      412 of 900 steps · loss 1.2 · 20.0 steps/s · 20 s left\n")
  }

  @Test("on a terminal the running stage has a live line, which the finished one replaces")
  func live() {
    let screen = Screen()
    let display = screen.display(live: true)
    display.actionBegins("mle")
    #expect(screen.text.contains("mle"))
    #expect(screen.text.hasSuffix("\u{1B}[J"))
    screen.text = ""
    display.actionEnds(ActionEnding(id: "mle", state: .ran, seconds: 1, summary: "done"))
    #expect(screen.text.hasPrefix("\u{1B}[1F\u{1B}[J  ✓ mle"))
  }

  @Test("the report's text, its place and a change worth trying close a run")
  func closing() {
    let screen = Screen()
    var closing = RunClosing()
    closing.reports = ["MLE  71.2\nIQLearn  66.0"]
    closing.reportPath = "results/quickstart/report/report/index.html"
    closing.change = ("apprentice run pipelines/quickstart.yaml --set lambda=0.2", 5, 12)
    screen.display(live: false).runEnds(closing)
    #expect(
      screen.text == """
          MLE  71.2
          IQLearn  66.0
        Report  results/quickstart/report/report/index.html
        Change  apprentice run pipelines/quickstart.yaml --set lambda=0.2    reruns 5 of 12

        """)
  }

  @Test("quantities read as people write them")
  func wording() {
    #expect([0.04, 46.13, 99.94, 148, 3900].map(Wording.duration) == ["0.0 s", "46.1 s", "99.9 s", "2 min 28 s", "1 h 05 min"])
    #expect([0.3, 7.4, 42, 98, 148].map(Wording.about) == ["1 s", "7 s", "40 s", "1 min 40 s", "2 min 30 s"])
    #expect([12, 870_400, 310_400_000, 1_420_000_000].map(Wording.bytes) == ["12 B", "870 kB", "310 MB", "1.4 GB"])
    #expect([9810.4, 12.34, 0.612].map(Wording.rate) == ["9,810", "12.3", "0.61"])
    #expect([7, 1234567, -1000].map(Wording.count) == ["7", "1,234,567", "-1,000"])
  }
}

import CanonicalJSON
import Records
import Reports
import Testing

@Suite struct PageTests {
  private static let hostile = "<script>alert('x')</script>\" onload=\"y & <img src=http://a.b/c>\u{202E}\u{0}"

  /// Four arms with curves, rewards and samples.
  private func full(prompts: Int, samples: Int, tokens: Int, word: String = "word ") -> ReportInputs {
    var inputs = ReportInputs(scores: [])
    for (place, lambda) in [nil, 0.01, 0.1, 0.5].enumerated() {
      var axes: JSONObject = ["temperature": 1]
      if let lambda { axes["lambda"] = .number(lambda) }
      let stem = lambda == nil ? "mle" : "iq"
      inputs.scores.append(
        Bench.scores("score-\(stem)", axes, prompts: prompts, samples: samples) {
          Bench.Sample(isRight: Bench.noise(place, $0, $1) < 0.6, selfBLEU: 100 * Bench.noise(place + 9, $0, $1))
        })
      for row in inputs.scores[place].examples.indices {
        inputs.scores[place].examples[row].values["length"] = JSONValue(tokens)
      }
      var rewards: [RewardRow] = []
      var rows: [SampleRow] = []
      for prompt in 0..<prompts {
        for sample in 0..<samples {
          let logs = (0..<tokens).map { -Float(Bench.noise(place, prompt, sample, $0)) }
          rewards.append(
            RewardRow(
              id: "test-\(prompt)", sample: sample, tokens: (0..<tokens).map { Int32($0) }, logProbabilities: logs,
              values: logs.map { _ in Float(prompt) }, rewards: logs, return: Double(logs.reduce(0, +)) + Double(prompt)
            ))
          rows.append(
            SampleRow(
              id: "test-\(prompt)", sample: sample, prompt: word, text: String(repeating: word, count: tokens),
              references: [word, word + "b"]))
        }
      }
      inputs.rewards.append(RewardsInput(provenance: Provenance(label: "reward-\(stem)", axes: axes), rows: rewards))
      inputs.samples.append(
        SamplesInput(provenance: Provenance(label: "sample-\(stem)", axes: axes), settings: nil, rows: rows))
      axes["temperature"] = nil
      let curve = (0..<3000).map { step in
        CurveRow(step: step, split: .train, loss: 1, mle: 1 / Double(step + 1), td: .nan, entropy: 2, tokens: 5)
      }
      inputs.curves.append(CurvesInput(provenance: Provenance(label: stem, axes: axes), rows: curve))
    }
    inputs.tokenBytes = { _ in Array(word.utf8) }
    return inputs
  }

  @Test("the page is whole by itself: no script, no address, nothing loaded")
  func selfContained() throws {
    let page = try Report(full(prompts: 30, samples: 4, tokens: 12)).page
    for forbidden in ["<script", "http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<iframe"] {
      #expect(!page.contains(forbidden), "\(forbidden)")
    }
    #expect(page.contains("prefers-color-scheme: dark"))
    #expect(page.contains("name=\"viewport\""))
  }

  @Test("everyone's text is escaped: labels, names, prompts, samples, tokens, settings, title")
  func escaping() throws {
    var inputs = full(prompts: 8, samples: 4, tokens: 3, word: Self.hostile)
    let axes = inputs.scores[1].provenance.axes
    inputs.scores[1].provenance.label = Self.hostile
    inputs.scores[1].provenance.digest = Self.hostile
    inputs.scores[1].provenance.axes[Self.hostile] = .string(Self.hostile)
    inputs.scores[1].file.settings[Self.hostile] = .string(Self.hostile)
    inputs.curves[1].provenance = Provenance(label: Self.hostile, axes: axes)
    let page = try Report(inputs, options: ReportOptions(title: Self.hostile)).page
    #expect(!page.contains("<script"))
    #expect(!page.contains("<img"))
    #expect(!page.contains("\" onload"))
    #expect(!page.contains("\u{202E}"))
    #expect(!page.utf8.contains(0))
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
  }

  @Test("a large comparison stays below 2 MB and says what it leaves out")
  func size() throws {
    let page = try Report(full(prompts: 600, samples: 8, tokens: 40)).page
    #expect(page.utf8.count < 2_000_000, "\(page.utf8.count)")
    #expect(page.contains("of 4,800 samples drawn"))
    #expect(page.contains(/\d of 600 prompts, evenly spaced/))
  }

  @Test("equal inputs give equal bytes")
  func deterministic() throws {
    let inputs = full(prompts: 40, samples: 4, tokens: 6)
    let (first, second) = (try Report(inputs), try Report(inputs))
    #expect(first.page == second.page)
    #expect(first.data.map(\.content) == second.data.map(\.content))
    #expect(first.terminalText == second.terminalText)
  }

  @Test("one prompt is open, the one of median disagreement")
  func median() throws {
    // The arms differ by p right samples of 20 on prompt p, and in nothing else.
    let base = Bench.scores("score-mle", ["temperature": 1], prompts: 11, samples: 20) { _, _ in
      Bench.Sample(isRight: false, selfBLEU: 50)
    }
    let arm = Bench.scores("score-iq", ["lambda": 0.1, "temperature": 1], prompts: 11, samples: 20) { prompt, sample in
      Bench.Sample(isRight: sample < (prompt * 7) % 11, selfBLEU: 50)
    }
    var inputs = ReportInputs(scores: [base, arm])
    for (label, axes) in [
      ("sample-mle", ["temperature": 1] as JSONObject), ("sample-iq", ["lambda": 0.1, "temperature": 1]),
    ] {
      let rows = (0..<11).map { SampleRow(id: "test-\($0)", sample: 0, prompt: "prompt \($0)", text: "x") }
      inputs.samples.append(SamplesInput(provenance: Provenance(label: label, axes: axes), settings: nil, rows: rows))
    }
    let page = try Report(inputs).page
    #expect(page.matches(of: /<details name="prompt" open="">/).count == 1)
    // (p · 7) mod 11 = 5 for p = 7.
    #expect(page.contains(/<details name="prompt" open=""><summary><span class="prompt">prompt 7<\/span>/))
  }

  @Test("within a prompt the return ranks samples as log p does, for v₀ is constant there")
  func withinPrompts() throws {
    let report = try Report(full(prompts: 50, samples: 6, tokens: 5))
    let rows = Bench.table(report, "correlations.csv").filter { $0["arm"] == "MLE" }
    let byName = Dictionary(uniqueKeysWithValues: rows.map { ($0["predictor"] ?? "", $0) })
    #expect(byName["return"]?["rho_within"] == byName["log_p"]?["rho_within"])
    #expect(byName["return"]?["rho_within"] != "")
    #expect(byName["v_0"]?["rho_within"] == "")
    #expect(byName["return"]?["rho"] != byName["log_p"]?["rho"])
  }

  @Test("a token that ends inside a character is shown with the one that completes it")
  func splitCharacters() throws {
    var inputs = full(prompts: 6, samples: 4, tokens: 4)
    inputs.tokenBytes = { [[0xC3], [0xA9], [0x61], [0xE2, 0x82]][Int($0)] }
    let page = try Report(inputs).page
    #expect(page.contains(/<span class="[np]\d" title="[^"]*">é<\/span>/))
    #expect(page.contains(/>a<\/span>/))
  }

  @Test("bytes that are no text at all do not swallow the tokens after them")
  func brokenBytes() throws {
    var inputs = full(prompts: 6, samples: 4, tokens: 4)
    inputs.tokenBytes = { [[0xFF], [0x80, 0x80], [0xC3, 0x61], [0x62]][Int($0)] }
    #expect(try Report(inputs).page.contains(/>b<\/span>/))
  }

  @Test("a field that a spreadsheet would run is disarmed, one with commas is quoted")
  func fields() throws {
    let report = try Report(
      ReportInputs(scores: Bench.grid), options: ReportOptions(names: [("mle", "=1+1, \"x\"")]))
    let table = try #require(report.data.first { $0.name == "table.csv" }).content
    #expect(table.contains("\n\"'=1+1, \"\"x\"\"\",1.00,"))
  }

  @Test("the 90th percentile of the sizes of rewards takes the deepest shade but one")
  func shades() throws {
    var scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 1, diversity: 45, prompts: 1)
    let rewards: [Float] = [0, 0, -100, 0, 0, 0, 3, 0, 0, 1, 0]
    scores.examples[0].values["length"] = JSONValue(rewards.count)
    let row = RewardRow(
      id: "test-0", sample: 0, tokens: rewards.map { Int32($0) }, logProbabilities: rewards, values: rewards,
      rewards: rewards, return: -96)
    let inputs = ReportInputs(
      scores: [scores],
      rewards: [RewardsInput(provenance: Provenance(label: "reward-mle", axes: ["temperature": 1]), rows: [row])],
      samples: [
        SamplesInput(
          provenance: Provenance(label: "sample-mle", axes: ["temperature": 1]), settings: nil,
          rows: [SampleRow(id: "test-0", sample: 0, prompt: "p", text: "x")])
      ])
    let page = try Report(inputs).page
    let shades = page.matches(of: /<i class="([a-z0-9]+)"/).map { String($0.output.1) }
    // Those of the legend come first.
    #expect(shades.dropFirst(5) == ["z", "z", "n4", "z", "z", "z", "p3", "z", "z", "p1", "z"])
  }
}

import CanonicalJSON
import Records
import Reports
import Testing

@Suite struct TableTests {
  private let iq = Bench.iq(right: 11, diversity: 45)

  @Test("the table holds the means of the samples, an arm a row, the match beside what it matches")
  func rows() throws {
    let report = try Report(ReportInputs(scores: Bench.grid + [iq]))
    let lines = report.terminalText.split(separator: "\n").map { $0.split(separator: "  ").map { $0.trimming } }
    #expect(lines[0] == ["12 test prompts × 20 samples, 1 seed; ± is a 95 % bootstrap interval over prompts"])
    #expect(lines[1] == ["T", "correct % ↑", "Self-BLEU@20 ↓", "entropy"])
    #expect(lines[2] == ["MLE", "1.00", "70.0 ± 0.0", "60.0 ± 0.0", "1.25"])
    #expect(lines[3] == ["IQLearn λ=0.1", "1.00", "55.0 ± 0.0", "45.0 ± 0.0", "1.25"])
    #expect(lines[4] == ["MLE, matched", "1.25", "55.0 ± 0.0", "50.0 ± 0.0", "1.25"])
    #expect(lines.count == 7)
  }

  @Test("values without those of single samples are compared by nothing, so none is bold, however far apart")
  func statedIsPlain() throws {
    func stated(_ label: String, _ value: MetricValue) -> ScoresInput {
      ScoresInput(
        provenance: Provenance(label: label, axes: ["temperature": 1]),
        file: ScoreFile(
          metrics: [("exact_match", value)], settings: ["samples": ["decoding": "sample", "temperature": 1]]),
        examples: [])
    }
    let report = try Report(
      ReportInputs(scores: [
        stated("score-mle", MetricValue(value: 0.5, low: 0.4, high: 0.6, count: 100)),
        stated("score-iq", MetricValue(value: 0.7, low: 0.61, high: 0.8, count: 100)),
      ]))
    #expect(report.page.contains("70.0") && !report.page.contains("<b>"))
    #expect(
      report.sentence.hasPrefix(
        "Against MLE at equal T, IQLearn is not compared, for neither diversity nor quality was measured sample by "
          + "sample; "), "\(report.sentence)")
  }

  @Test("practice row 33: two scores whose settings differ are refused in one column")
  func settingsDiffer() throws {
    var other = iq
    other.file.settings["self_bleu"] = ["samples": 20, "order": 3]
    var first = Bench.grid
    for place in first.indices { first[place].file.settings["self_bleu"] = ["samples": 20, "order": 4] }
    let error = #expect(throws: ReportError.self) { try Report(ReportInputs(scores: first + [other])) }
    #expect(
      error?.description == "score-mle@temperature=0.5.scores was scored with self_bleu {\"samples\":20,\"order\":4}, "
        + "score-iq@lambda=0.1,temperature=1.scores with {\"samples\":20,\"order\":3}: such values share no column; "
        + "score both alike")
  }

  @Test("practice row 31: Self-BLEU of other k stands in no common column")
  func otherK() throws {
    let greedy = Bench.even("score-iq@lambda=0.5", ["lambda": 0.5, "temperature": 1], right: 3, of: 5, diversity: 33)
    let report = try Report(ReportInputs(scores: Bench.grid + [greedy]))
    let row = try #require(Bench.table(report, "table.csv").first { $0["arm"] == "IQLearn λ=0.5" })
    #expect(row["self_bleu@20"] == "")
    #expect(row["exact_match"] == "0.600000")
  }

  @Test("settings of the samples may differ: they are what is compared")
  func samplesDiffer() throws {
    #expect(throws: Never.self) { try Report(ReportInputs(scores: Bench.grid)) }
  }

  @Test("arms are compared on the prompts that all have")
  func sharedPrompts() throws {
    let more = Bench.even("score-mle", ["temperature": 1], right: 14, diversity: 60, prompts: 15)
    let report = try Report(ReportInputs(scores: [more, iq]))
    #expect(report.terminalText.hasPrefix("12 test prompts"))
    #expect(report.page.contains("3 prompts that some arm lacks are left out."))
    var strange = iq
    for place in strange.examples.indices { strange.examples[place].id += "x" }
    #expect(throws: ReportError.noSharedPrompts(label: iq.provenance.label)) {
      try Report(ReportInputs(scores: [more, strange]))
    }
  }

  @Test("several training seeds give Student's interval over seeds")
  func seeds() throws {
    let seeds = [12, 14, 16].enumerated().map { seed, right in
      Bench.even("score-mle", ["temperature": 1, "seed": JSONValue(seed)], right: right, diversity: 60)
    }
    let report = try Report(ReportInputs(scores: seeds))
    let row = try #require(Bench.table(report, "table.csv").first)
    // 60, 70 and 80 %: mean 70, half-width 4.3027 · 10 / √3.
    #expect(row["exact_match"] == "0.700000")
    #expect(row["exact_match_low"] == "0.451583")
    #expect(report.terminalText.contains("3 seeds; ± is a 95 % t interval over 3 seeds"))
  }

  @Test("the same cell twice is refused")
  func twice() throws {
    #expect(throws: ReportError.sameCell(first: iq.provenance.label, second: iq.provenance.label)) {
      try Report(ReportInputs(scores: Bench.grid + [iq, iq]))
    }
  }

  @Test("without examples the table holds what scores.json says")
  func statedOnly() throws {
    var scores = iq
    scores.examples = []
    scores.file.metrics[0].value.low = 0.5
    scores.file.metrics[0].value.high = 0.6
    let row = try #require(Bench.table(try Report(ReportInputs(scores: [scores])), "table.csv").first)
    #expect(row["exact_match"] == "0.550000")
    #expect(row["exact_match_low"] == "0.500000")
  }

  @Test("a value is bold only where its interval touches no other arm's")
  func bold() throws {
    let apart = try Report(ReportInputs(scores: Bench.grid + [iq])).page
    #expect(apart.contains("<b>70.0</b>"))
    #expect(apart.contains("<b>45.0</b>"))
    // Beside an arm of which it was not measured nothing is the best.
    var bare = Bench.iq(right: 10, diversity: 45, lambda: 0.5)
    bare.file.metrics.removeLast()
    for place in bare.examples.indices { bare.examples[place].values["self_bleu@20"] = nil }
    let unknown = try Report(ReportInputs(scores: Bench.grid + [iq, bare])).page
    #expect(unknown.contains("<b>70.0</b>") && !unknown.contains("<b>45.0</b>"))
    let noisy = [("score-mle", 0.62), ("score-iq@lambda=1", 0.6)].enumerated().map { place, arm in
      Bench.scores(arm.0, place == 0 ? ["temperature": 1] : ["lambda": 1, "temperature": 1], prompts: 60, samples: 4) {
        Bench.Sample(isRight: Bench.noise(place, $0, $1) < arm.1, selfBLEU: 50)
      }
    }
    #expect(!(try Report(ReportInputs(scores: noisy)).page.contains("<b>6")))
  }

  @Test("nothing is bold that the sentence calls undecided: a Self-BLEU only where it is lower at equal quality")
  func undecidedIsPlain() throws {
    // On the baseline's own curve: at equal T 10 points more diverse, at equal quality nothing.
    let page = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: 11, diversity: 50)])).page
    #expect(page.contains("<b>70.0</b>"))
    #expect(!page.contains("<b>50.0</b>"))
    let unreached = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: 4, diversity: 30)])).page
    #expect(!unreached.contains("<b>30.0</b>"))
    let worse = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: 14, diversity: 70)])).page
    #expect(worse.contains("<b>60.0</b>") && !worse.contains("<b>70.0</b>"))
  }

  @Test("scores without examples, alone or beside others, are a table of what they say", arguments: ["auto", "bleu"])
  func withoutExamples(quality: String) throws {
    func bare(_ scores: ScoresInput) -> ScoresInput {
      var scores = scores
      scores.file.metrics.append(("bleu", MetricValue(value: 12.5, count: 240)))
      scores.examples = []
      return scores
    }
    for inputs in [[bare(iq)], (Bench.grid + [iq]).map(bare)] {
      let report = try Report(ReportInputs(scores: inputs), options: ReportOptions(quality: quality))
      #expect(Bench.table(report, "table.csv").contains { $0["arm"] == "IQLearn λ=0.1" })
      #expect(report.warnings.count == 1)
    }
  }

  @Test("numbers of a foreign file that no integer holds stop nothing")
  func hugeNumbers() throws {
    var scores = iq
    scores.file.metrics.append(("bleu", MetricValue(value: 1e300, low: -1e300, high: 1e308, count: .max)))
    for place in scores.examples.indices {
      scores.examples[place].values["bleu_statistics"] = .array((0..<10).map { _ in .number(1e300) })
      scores.examples[place].values["length"] = .number(1e300)
      scores.examples[place].values["return"] = .number(place % 2 == 0 ? 1e308 : -1e308)
      scores.examples[place].values["entropy"] = .number(1e308)
    }
    let curve = CurvesInput(
      provenance: Provenance(label: "iq", axes: ["lambda": 0.1]),
      rows: [0, 1, Int.max].map {
        CurveRow(step: $0, split: .validation, loss: 1e300, mle: 1e300, td: 1e-300, entropy: .infinity, tokens: .max)
      })
    for quality in ["bleu", "exact_match"] {
      let report = try Report(
        ReportInputs(scores: [scores], curves: [curve]), options: ReportOptions(quality: quality, resamples: 20))
      #expect(!report.page.isEmpty)
    }
  }

  @Test("an error rate is better where it is less, in the arrow and in what is bold")
  func errorRate() throws {
    func renamed(_ scores: ScoresInput) -> ScoresInput {
      var scores = scores
      scores.file.metrics[0].name = "sentence_ter"
      for place in scores.examples.indices {
        scores.examples[place].values["sentence_ter"] = scores.examples[place].values["exact_match"]
      }
      return scores
    }
    let inputs = ReportInputs(scores: (Bench.grid + [iq]).map(renamed))
    let report = try Report(inputs, options: ReportOptions(quality: "sentence_ter"))
    #expect(report.terminalText.contains("sentence TER ↓"))
    #expect(report.page.contains("<b>0.6</b>") || report.page.contains("<b>0.5</b>"))
    #expect(report.sentence.contains("sentence TER points better"))
  }

  @Test("an unknown quality or baseline is answered with those that exist")
  func unknown() throws {
    let inputs = ReportInputs(scores: Bench.grid + [iq])
    #expect(
      throws: ReportError.metricMissing(
        metric: "bluu", label: "score-mle@temperature=0.5.scores", available: ["exact_match", "self_bleu@20"])
    ) {
      try Report(inputs, options: ReportOptions(quality: "bluu"))
    }
    #expect(throws: ReportError.unknownBaseline("sft", arms: ["MLE", "IQLearn λ=0.1"])) {
      try Report(inputs, options: ReportOptions(baseline: "sft"))
    }
    #expect(throws: ReportError.nothingScored) { try Report(ReportInputs(scores: [])) }
  }
}

extension Substring {
  fileprivate var trimming: String {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

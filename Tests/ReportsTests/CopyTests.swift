import CanonicalJSON
import Records
import Reports
import Synchronization
import SystemPackage
import Testing

@Suite struct CopyTests {
  private func seeds(_ rights: [Int], digests: [String?]) -> [ScoresInput] {
    rights.enumerated().map { seed, right in
      var scores = Bench.even("score-mle", ["temperature": 1, "seed": JSONValue(seed)], right: right, diversity: 60)
      scores.provenance.digest = digests[seed]
      return scores
    }
  }

  @Test("seeds that gave identical scores count as one, without an interval over copies", arguments: [false, true])
  func identicalSeeds(hasDigests: Bool) throws {
    let digests = [String?](repeating: hasDigests ? "sha256:aa" : nil, count: 3)
    let report = try Report(ReportInputs(scores: seeds([14, 14, 14], digests: digests)))
    #expect(report.warnings == ["the 3 seeds of MLE gave identical scores, so they count as one seed"])
    #expect(report.terminalText.hasPrefix("12 test prompts × 20 samples, 1 seed; ± is a 95 % bootstrap interval"))
    #expect(report.page.contains("The 3 seeds of MLE gave identical scores, so they count as one seed."))
  }

  @Test("of three seeds two that are copies count as one, and the third counts")
  func someSeeds() throws {
    let report = try Report(ReportInputs(scores: seeds([14, 12, 14], digests: [nil, nil, nil])))
    #expect(report.warnings == ["seed 2 of MLE gave scores identical to those of seed 0, so the two count as one"])
    #expect(report.terminalText.contains("2 seeds"))
  }

  @Test("equal numbers under other digests are copies: the settings hold a seed that may have had no effect")
  func otherDigests() throws {
    let report = try Report(ReportInputs(scores: seeds([14, 14], digests: ["sha256:aa", "sha256:bb"])))
    #expect(report.warnings == ["the 2 seeds of MLE gave identical scores, so they count as one seed"])
    #expect(report.terminalText.contains("1 seed; ± is a 95 % bootstrap interval"))
    // The last digit of one number makes them two.
    var scores = seeds([14, 14], digests: ["sha256:aa", "sha256:bb"])
    scores[1].examples[7].values["entropy"] = 1.250000001
    #expect(try Report(ReportInputs(scores: scores)).warnings.isEmpty)
  }

  @Test("equal numbers of samples that are known to be others are no copies")
  func otherTokens() throws {
    let scores = seeds([14, 14], digests: ["sha256:aa", "sha256:bb"])
    let samples = (0..<2).map { seed in
      SamplesInput(
        provenance: Provenance(label: "sample-mle", axes: ["temperature": 1, "seed": JSONValue(seed)]), settings: nil,
        rows: scores[seed].examples.map { example in
          SampleRow(id: example.id, sample: example.sample, tokens: [Int32](repeating: Int32(seed), count: 10))
        })
    }
    let report = try Report(ReportInputs(scores: scores, samples: samples))
    #expect(report.warnings.isEmpty)
    #expect(report.terminalText.contains("2 seeds"))
    // What is known of one alone tells nothing.
    #expect(
      try Report(ReportInputs(scores: scores, samples: [samples[0]])).warnings
        == ["the 2 seeds of MLE gave identical scores, so they count as one seed"])
  }

  @Test("scores of other samples, of other prompts or of other measures are no copies, whatever their numbers")
  func otherPlaces() throws {
    func copies(_ change: (inout [ScoresInput]) -> Void) throws -> [String] {
      var scores = seeds([14, 14], digests: ["sha256:aa", "sha256:bb"])
      change(&scores)
      return try Report(ReportInputs(scores: scores)).warnings.filter { $0.contains("identical") }
    }
    #expect(try copies { _ in }.count == 1)
    #expect(
      try copies { scores in
        for place in scores[1].examples.indices { scores[1].examples[place].sample += 20 }
      } == [])
    #expect(
      try copies { scores in
        for seed in 0..<2 {
          scores[seed].examples.append(
            ExampleRow(id: "test-x\(seed)", sample: 0, values: ["exact_match": 1, "length": 10]))
        }
      } == [])
    #expect(
      try copies { scores in
        for place in scores[0].examples.indices {
          scores[0].examples[place].values["entropy"] = nil
          scores[0].examples[place].values["length"] = nil
          scores[0].examples[place].values["self_bleu@20"] = nil
          scores[1].examples[place].values = ["entropy": 1]
        }
      } == [])
  }

  @Test("seeds are one training only where their own curves are the same, and curves without points tell nothing")
  func otherCurves() throws {
    let scores = seeds([14, 13], digests: ["sha256:a", "sha256:b"])
    func curves(_ stem: String, _ seed: Int, _ losses: [Double]) -> CurvesInput {
      CurvesInput(
        provenance: Provenance(label: "\(stem)@seed=\(seed).curves", axes: ["seed": JSONValue(seed)]),
        rows: losses.map { CurveRow(step: 0, split: .train, loss: $0, mle: 1, td: 0, entropy: 1, tokens: 3) })
    }
    let empty = try Report(ReportInputs(scores: scores, curves: (0..<2).map { curves("mle", $0, []) }))
    #expect(empty.terminalText.contains("2 seeds"))
    let others = try Report(
      ReportInputs(
        scores: scores, curves: (0..<2).map { curves("iq", $0, [1]) } + (0..<2).map { curves("mle", $0, [Double($0)]) })
    )
    #expect(others.terminalText.contains("2 seeds"))
  }

  @Test("seeds of equal means whose samples differ are no copies")
  func otherSamplesOfEqualMeans() throws {
    var scores = seeds([14, 14], digests: [nil, nil])
    #expect(try Report(ReportInputs(scores: scores)).warnings.count == 1)
    // The first sample is right and the last one of its prompt wrong; the other way round the mean is the same.
    scores[1].examples[0].values["exact_match"] = 0
    scores[1].examples[19].values["exact_match"] = 1
    let report = try Report(ReportInputs(scores: scores))
    #expect(report.warnings.isEmpty)
    #expect(report.terminalText.contains("2 seeds"))
  }

  @Test("samples that are scored with and without rewards are one arm, not two")
  func withRewards() throws {
    var own = Bench.even("score-mle", ["temperature": 1], right: 14, diversity: 60)
    own.provenance.digest = "sha256:aa"
    var its = Bench.even("score-iq", ["temperature": 1], right: 14, diversity: 60)
    its.provenance.digest = "sha256:bb"
    for place in its.examples.indices { its.examples[place].values["return"] = .number(Double(place)) }
    its.file.metrics.append(("spearman_exact_match", MetricValue(value: 0.5, count: 240)))
    #expect(
      try Report(ReportInputs(scores: [own, its])).warnings == [
        "IQLearn and MLE have identical scores, as the same samples under two names would"
      ])
  }

  @Test("trainings of several seeds with one and the same curve are said to be without effect of the seed")
  func curves() throws {
    let curves = (0..<3).map { seed in
      CurvesInput(
        provenance: Provenance(
          label: "mle@seed=\(seed).curves", axes: ["seed": JSONValue(seed)], digest: "sha256:c\(seed)"),
        rows: [CurveRow(step: 0, split: .train, loss: 1, mle: 1, td: 0, entropy: 1, tokens: 3)])
    }
    let report = try Report(
      ReportInputs(scores: seeds([14, 13, 12], digests: ["sha256:a", "sha256:b", "sha256:c"]), curves: curves))
    #expect(
      report.warnings == [
        "3 seeds of MLE have identical learning curves: the seed has no effect on this training, so they count as one seed"
      ])
    // Other draws from one model are no repetitions of its training.
    #expect(report.terminalText.contains("1 seed; ± is a 95 % bootstrap interval"))
  }

  @Test("of several seeds only some may be copies, and one training may stand under two names")
  func someCurves() throws {
    let curves = [("mle", 0, 1.0), ("mle", 1, 2), ("mle", 2, 2), ("iq", 0, 2)].map { stem, seed, loss in
      CurvesInput(
        provenance: Provenance(label: "\(stem)@seed=\(seed).curves", axes: ["seed": JSONValue(seed)]),
        rows: [CurveRow(step: 0, split: .train, loss: loss, mle: 1, td: 0, entropy: 1, tokens: 3)])
    }
    let report = try Report(
      ReportInputs(scores: seeds([14, 13, 12], digests: ["sha256:a", "sha256:b", "sha256:c"]), curves: curves))
    #expect(
      report.warnings == [
        "of 3 seeds of MLE only 2 have learning curves of their own, and the others count as copies",
        "IQLearn and MLE have identical learning curves, as one training under two names would",
      ])
  }

  @Test("a name for an arm that is not there is told")
  func strangeName() throws {
    let report = try Report(
      ReportInputs(scores: [Bench.grid[1]]), options: ReportOptions(names: [("mle", "ML"), ("iqq", "IQ")]))
    #expect(report.warnings == ["names gives a name to iqq, and no arm or curve is called so; stems are mle"])
    // What all arms begin with is none of them and has a curve.
    let start = CurvesInput(
      provenance: Provenance(label: "start.curves"),
      rows: [CurveRow(step: 0, split: .train, loss: 1, mle: 1, td: 0, entropy: 1, tokens: 3)])
    let named = try Report(
      ReportInputs(scores: [Bench.grid[1]], curves: [start]), options: ReportOptions(names: [("start", "Start")]))
    #expect(named.warnings.isEmpty)
    #expect(named.page.contains("Start"))
  }

  @Test("two arms with identical scores are one: nothing is compared, nothing is bold")
  func arms() throws {
    var scores = Bench.grid + [Bench.iq(right: 14, diversity: 60)]
    let report = try Report(ReportInputs(scores: scores))
    #expect(
      report.sentence
        == "IQLearn and MLE have identical scores, as the same samples would, so nothing is compared.")
    #expect(
      report.warnings == ["IQLearn λ=0.1 and MLE have identical scores, as the same samples under two names would"])
    #expect(Bench.table(report, "matched.csv").first?["outcome"] == "identical")
    #expect(Bench.table(report, "matched.csv").first?["diversity_at_equal_quality"] == "")
    #expect(!report.page.contains("<b>"))
    scores[3].examples[0].values["entropy"] = 1.5
    #expect(try Report(ReportInputs(scores: scores)).warnings.isEmpty)
  }

  /// Scores at a temperature, with a seed where there is one.
  private func cell(
    _ stem: String, at temperature: Double = 1, seed: Int? = nil, right: Int, diversity: Double
  ) -> ScoresInput {
    var axes: JSONObject = ["temperature": .number(temperature)]
    axes["seed"] = seed.map { JSONValue($0) }
    return Bench.even("score-\(stem)", axes, right: right, diversity: diversity)
  }

  @Test(
    "one seed of an arm that is a copy of one of another's is named, and no interval is over it", arguments: [0, 1])
  func cellOfTwoArms(twin: Int) throws {
    let scores = [
      cell("mle", seed: 0, right: 14, diversity: 60), cell("mle", seed: 1, right: 12, diversity: 62),
      cell("iq", seed: twin, right: 14, diversity: 60), cell("iq", seed: 1 - twin, right: 13, diversity: 55),
    ]
    let report = try Report(ReportInputs(scores: scores))
    let pair = "seed \(twin) of IQLearn and seed 0 of MLE have identical scores, as the same samples"
    #expect(report.warnings == ["\(pair) under two names would"])
    #expect(report.sentence == "Nothing is compared, for \(pair) would.")
    let row = try #require(Bench.table(report, "matched.csv").first)
    #expect(row["outcome"] == "copies")
    #expect(row.filter { $0.key.contains("_at_equal_") }.allSatisfy { $0.value.isEmpty }, "\(row)")
    #expect(!report.page.contains("<b>"))
    // The only cell of an arm may be a copy of one of several.
    let one = try Report(ReportInputs(scores: [scores[0], scores[1], cell("iq", right: 14, diversity: 60)]))
    #expect(
      one.sentence
        == "Nothing is compared, for IQLearn and seed 0 of MLE have identical scores, as the same samples would.")
  }

  @Test("an arm with the same samples at every temperature has no front: the temperature is said to have no effect")
  func temperatures() throws {
    let same = [0.5, 1, 1.5].map { cell("mle", at: $0, right: 14, diversity: 60) }
    let report = try Report(ReportInputs(scores: same + [cell("iq", right: 14, diversity: 45)]))
    #expect(report.warnings == ["the temperature has no effect on MLE: 3 temperatures gave identical scores"])
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn is 15.0 Self-BLEU points more diverse and undecided in quality (0.0 ± 0.0 "
        + "points); at equal quality it can't be compared, for MLE has identical scores at T 0.50, 1.00 and 1.50.")
    #expect(!report.terminalText.contains("MLE, matched"))
    let some = try Report(
      ReportInputs(
        scores: [same[0], same[1], cell("mle", at: 1.5, right: 8, diversity: 40)]
          + [cell("iq", right: 14, diversity: 45)]))
    #expect(
      some.warnings == ["MLE has identical scores at T 0.50 and 1.00, as samples of one temperature would"])
    #expect(some.sentence.hasSuffix("for MLE has identical scores at T 0.50 and 1.00."), "\(some.sentence)")
  }

  @Test("an arm with the samples of the baseline at another temperature is matched with no copy of itself")
  func copyAtOtherTemperature() throws {
    let report = try Report(ReportInputs(scores: Bench.grid + [cell("iq", right: 18, diversity: 80)]))
    let pair = "IQLearn at T 1.00 and MLE at T 0.50 have identical scores"
    #expect(report.warnings == ["\(pair), as the same samples under two names would"])
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn is 20.0 Self-BLEU points less diverse and 20.0 points more correct; at equal "
        + "quality it can't be compared, for \(pair).")
    #expect(!report.terminalText.contains("matched"))
    #expect(Bench.table(report, "matched.csv").first?["outcome"] == "copies")
  }

  @Test("curves, rewards and samples that stand for one cell twice are refused as scores are", arguments: [0, 1, 2])
  func inputTwice(port: Int) throws {
    var inputs = ReportInputs(scores: [Bench.grid[1]])
    let label = Provenance(label: "mle")
    for loss in [1.0, 2] {
      switch port {
      case 0:
        inputs.curves.append(
          CurvesInput(
            provenance: label,
            rows: [CurveRow(step: 0, split: .train, loss: loss, mle: 1, td: 0, entropy: 1, tokens: 3)]
          ))
      case 1: inputs.rewards.append(RewardsInput(provenance: label, rows: []))
      default: inputs.samples.append(SamplesInput(provenance: label, settings: ["temperature": 1], rows: []))
      }
    }
    #expect(throws: ReportError.sameCell(first: "mle", second: "mle")) { try Report(inputs) }
    // Another temperature of the samples is another cell.
    if port == 2 {
      inputs.samples[1].settings = ["temperature": 0.5]
      #expect(throws: Never.self) { try Report(inputs) }
    }
  }

  @Test("scores whose samples come to another value are refused, beyond what rounding does")
  func otherExamples() throws {
    func report(_ change: (inout ScoresInput) -> Void) throws -> Report {
      var scores = Bench.even("score-mle", ["temperature": 1], right: 7, of: 12, diversity: 60.125)
      change(&scores)
      return try Report(ReportInputs(scores: [scores]))
    }
    #expect(throws: Never.self) { try report { _ in } }
    // 7 / 12 in two decimals, and Self-BLEU in none.
    #expect(throws: Never.self) {
      try report {
        $0.file.metrics[0].value.value = 0.58
        $0.file.metrics[1].value.value = 60
      }
    }
    #expect(
      throws: ReportError.otherExamples(label: "score-mle", metric: "exact_match", stated: "0.61", found: "0.5833")
    ) {
      try report { $0.file.metrics[0].value.value = 0.61 }
    }
    #expect(
      throws: ReportError.otherExamples(label: "score-mle", metric: "self_bleu@12", stated: "62.5", found: "60.1250")
    ) {
      try report { $0.file.metrics[1].value.value = 62.5 }
    }
    // The examples of another arm.
    #expect(throws: ReportError.self) {
      try report { $0.examples = Bench.even("score-iq", [:], right: 3, of: 12, diversity: 60.125).examples }
    }
  }

  @Test("samples with equal numbers are copies whatever their scores.json say besides")
  func copiesByExamples() throws {
    var scores = seeds([14, 14], digests: ["sha256:aa", "sha256:bb"])
    for (place, value) in [0.25, 0.75].enumerated() {
      scores[place].file.metrics.append(("distinct_1", MetricValue(value: value, count: 240)))
    }
    #expect(
      try Report(ReportInputs(scores: scores)).warnings
        == ["the 2 seeds of MLE gave identical scores, so they count as one seed"])
  }

  @Test("seeds with equal values and no scores of single samples are copies, too")
  func statedSeeds() throws {
    var scores = seeds([14, 14, 13], digests: [nil, nil, nil])
    for place in scores.indices { scores[place].examples = [] }
    let report = try Report(ReportInputs(scores: scores))
    #expect(
      report.warnings.first == "seed 1 of MLE gave scores identical to those of seed 0, so the two count as one")
    #expect(report.terminalText.contains("2 seeds"))
  }

  @Test("a sample that stands twice in the scores is refused")
  func twice() throws {
    var scores = Bench.iq(right: 11, diversity: 45)
    scores.examples[3].sample = 2
    #expect(throws: ReportError.sampleTwice(label: scores.provenance.label, id: "test-0", sample: 2)) {
      try Report(ReportInputs(scores: [scores]))
    }
  }

  @Test("ids are told apart by their bytes")
  func ids() throws {
    var scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 2, diversity: 45, prompts: 2)
    for (place, id) in ["\u{E9}", "\u{E9}", "e\u{301}", "e\u{301}"].enumerated() { scores.examples[place].id = id }
    #expect(try Report(ReportInputs(scores: [scores])).terminalText.hasPrefix("2 prompts"))
  }

  @Test("rewards and samples of other samples are refused")
  func otherSamples() throws {
    let scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 2, diversity: 45, prompts: 2)
    let reward = RewardRow(
      id: "test-0", sample: 0, tokens: [1, 2], logProbabilities: [-1, -1], values: [0, 0], rewards: [1, 1], return: 2)
    let label = Provenance(label: "reward-mle", axes: ["temperature": 1])
    let error = #expect(throws: ReportError.self) {
      try Report(ReportInputs(scores: [scores], rewards: [RewardsInput(provenance: label, rows: [reward])]))
    }
    #expect(error?.description.hasPrefix("reward-mle is not of the samples of score-mle: sample 0 of test-0") == true)
    var long = reward
    long.tokens = [Int32](0..<10)
    var row = SampleRow(id: "test-0", sample: 0, tokens: [Int32](0..<10))
    row.tokens?[3] = 99
    #expect(throws: ReportError.self) {
      try Report(
        ReportInputs(
          scores: [scores], rewards: [RewardsInput(provenance: label, rows: [long])],
          samples: [
            SamplesInput(
              provenance: Provenance(label: "sample-mle", axes: ["temperature": 1]), settings: nil, rows: [row])
          ]))
    }
  }

  @Test("what is connected and belongs to no scores, or lacks samples of them, is said")
  func strangers() throws {
    let scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 2, diversity: 45, prompts: 2)
    let row = SampleRow(id: "test-0", sample: 0, text: "x")
    let samples = ["sample-mle", "sample-iq"].map {
      SamplesInput(provenance: Provenance(label: $0, axes: ["temperature": 1]), settings: nil, rows: [row])
    }
    #expect(
      try Report(ReportInputs(scores: [scores], samples: samples)).warnings == [
        "sample-mle lacks 3 samples of score-mle",
        "of the samples, sample-iq belong to none of the scores and are not shown",
      ])
    let reward = RewardRow(
      id: "test-0", sample: 0, tokens: [Int32](0..<10), logProbabilities: [Float](repeating: -1, count: 10),
      values: [Float](repeating: 0, count: 10), rewards: [Float](repeating: 1, count: 10), return: 10)
    let rewards = [JSONObject(), ["seed": 1]].map { axes in
      var axes = axes
      axes["temperature"] = 1
      return RewardsInput(
        provenance: Provenance(label: axes["seed"] == nil ? "reward-mle" : "reward-mle@seed=1", axes: axes),
        rows: [reward])
    }
    #expect(
      try Report(ReportInputs(scores: [scores], rewards: rewards)).warnings == [
        "reward-mle lacks 3 samples of score-mle",
        "of the rewards, reward-mle@seed=1 belong to none of the scores and are not shown",
      ])
    #expect(
      try Report(ReportInputs(scores: [scores], rewards: [rewards[1]])).warnings == [
        "of the rewards, reward-mle@seed=1 belong to none of the scores and are not shown"
      ])
  }

  @Test("rewards and samples are read once for their numbers and once more for what the page shows")
  func reads() throws {
    final class Count: Sendable {
      let value = Mutex(0)
    }
    let scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 2, diversity: 45, prompts: 2)
    let rows = scores.examples.map { SampleRow(id: $0.id, sample: $0.sample, prompt: "p", text: "shown") }
    let (own, strange) = (Count(), Count())
    func input(_ label: String, _ count: Count) -> SamplesInput {
      SamplesInput(provenance: Provenance(label: label, axes: ["temperature": 1]), settings: nil) { body in
        count.value.withLock { $0 += 1 }
        for row in rows { try body(row) }
      }
    }
    let report = try Report(
      ReportInputs(scores: [scores], samples: [input("sample-mle", own), input("sample-iq", strange)]))
    #expect(report.page.contains("shown"))
    #expect(own.value.withLock { $0 } == 2 && strange.value.withLock { $0 } == 0)
  }

  @Test("what can't be read is told with its label")
  func unreadable() throws {
    let scores = Bench.even("score-mle", ["temperature": 1], right: 1, of: 2, diversity: 45, prompts: 2)
    let rewards = RewardsInput(provenance: Provenance(label: "reward-mle", axes: ["temperature": 1])) { _ in
      throw RecordError(file: "rewards.jsonl", line: 3, reason: "is cut off")
    }
    #expect(throws: ReportError.unreadable(label: "reward-mle", reason: "rewards.jsonl:3: is cut off")) {
      try Report(ReportInputs(scores: [scores], rewards: [rewards]))
    }
  }

  @Test("an id that stands for another prompt, or has other references, in another arm is refused", arguments: [0, 1])
  func otherPrompts(kind: Int) throws {
    let scores = ["mle", "iq"].map { stem in
      Bench.even("score-\(stem)", ["temperature": 1], right: stem == "mle" ? 1 : 2, of: 3, diversity: 45, prompts: 2)
    }
    let samples = ["mle", "iq"].enumerated().map { place, stem in
      SamplesInput(
        provenance: Provenance(label: "sample-\(stem)", axes: ["temperature": 1]), settings: nil,
        rows: scores[place].examples.map { example in
          SampleRow(
            id: example.id, sample: example.sample,
            prompt: kind == 0 && place == 1 && example.id == "test-1" ? "other" : "p", text: "x",
            references: kind == 1 && place == 1 && example.id == "test-1" ? ["b", "a"] : ["a", "b"])
        })
    }
    let error = #expect(throws: ReportError.self) { try Report(ReportInputs(scores: scores, samples: samples)) }
    #expect(
      error?.description.hasPrefix(
        "test-1 has \(kind == 0 ? "another prompt" : "other references") in the samples of score-iq than in those of "
          + "score-mle: ") == true)
    #expect(try Report(ReportInputs(scores: scores, samples: [samples[0]])).warnings.isEmpty)
  }

  @Test("an id is held against the first arm that says what it stands for, which the message names")
  func laterPrompts() throws {
    let stems = ["mle", "iq", "sil"]
    let scores = stems.enumerated().map { place, stem in
      Bench.even("score-\(stem)", ["temperature": 1], right: place, of: 3, diversity: 45, prompts: 2)
    }
    let samples = stems.enumerated().map { place, stem in
      SamplesInput(
        provenance: Provenance(label: "sample-\(stem)", axes: ["temperature": 1]), settings: nil,
        rows: scores[place].examples.map { example in
          SampleRow(
            id: example.id, sample: example.sample, prompt: [nil, "p", "q"][place], text: "x", references: ["a"])
        })
    }
    #expect(
      throws: ReportError.otherPrompts(label: "score-sil", first: "score-iq", id: "test-0", what: "prompt")
    ) {
      try Report(ReportInputs(scores: scores, samples: samples))
    }
  }

  @Test("two arms with one name are refused")
  func sharedName() throws {
    let scores = [Bench.grid[1], Bench.even("score-iq", ["temperature": 1], right: 2, diversity: 45)]
    #expect(throws: ReportError.sameName("IQLearn", first: "mle", second: "iq")) {
      try Report(ReportInputs(scores: scores), options: ReportOptions(names: [("mle", "IQLearn")]))
    }
  }

  @Test("arms that were sampled with other settings at one temperature are marked, and the settings are said")
  func unequalDecoding() throws {
    func sampled(_ scores: ScoresInput, topP: Double, tokens: JSONValue = 40) -> ScoresInput {
      var scores = scores
      scores.file.settings["samples"] = [
        "decoding": "sample", "temperature": 1, "top_p": JSONValue(topP), "max_new_tokens": tokens, "seed": 7,
      ]
      return scores
    }
    let equal = [sampled(Bench.grid[1], topP: 1), sampled(Bench.iq(right: 11, diversity: 45), topP: 1)]
    #expect(try Report(ReportInputs(scores: equal)).warnings.isEmpty)
    // Samples that do not say how they were drawn are held against none, and none against a baseline of such.
    #expect(try Report(ReportInputs(scores: [equal[0], Bench.iq(right: 11, diversity: 45)])).warnings.isEmpty)
    let strengths = [
      sampled(Bench.iq(right: 11, diversity: 45), topP: 1),
      sampled(Bench.iq(right: 10, diversity: 40, lambda: 0.5), topP: 0.5),
    ]
    #expect(try Report(ReportInputs(scores: [Bench.grid[1]] + strengths)).warnings.isEmpty)
    let report = try Report(
      ReportInputs(scores: [equal[0], sampled(Bench.iq(right: 11, diversity: 45), topP: 0.5, tokens: 4)]))
    #expect(
      report.warnings == [
        "unequal decoding: MLE top_p 1, IQLearn λ=0.1 top_p 0.5",
        "unequal decoding: MLE max_new_tokens 40, IQLearn λ=0.1 max_new_tokens 4",
      ])
    #expect(report.terminalText.contains("\nIQLearn λ=0.1 †"))
    #expect(report.terminalText.contains("\n† unequal decoding: "))
    #expect(report.page.contains("† Unequal decoding: MLE top_p 1"))
  }

  @Test("whose Self-BLEU is of another number of samples is said, and nothing of it is bold")
  func otherNumber() throws {
    let other = Bench.scores("score-iq", ["lambda": 0.1, "temperature": 1], prompts: 12, samples: 20, k: 4) {
      _, sample in
      Bench.Sample(isRight: sample < 11, selfBLEU: 30)
    }
    let report = try Report(ReportInputs(scores: Bench.grid + [other]))
    #expect(
      report.warnings.first
        == "self_bleu@4 of score-iq is left out: the column is of self_bleu@20, and its value moves with the number of "
        + "samples")
    #expect(!report.page.contains("<b>60.0"))
  }
}

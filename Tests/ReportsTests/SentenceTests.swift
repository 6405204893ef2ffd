import CanonicalJSON
import Records
import Reports
import Testing

@Suite struct SentenceTests {
  /// Two hundred prompts whose Self-BLEU scatters by ten points about a mean.
  private func noisy(_ label: String, _ axes: JSONObject, share: Double, diversity: Double, salt: Int) -> ScoresInput {
    Bench.scores(label, axes, prompts: 200, samples: 8) { prompt, sample in
      Bench.Sample(
        isRight: Bench.noise(salt, prompt, sample) < share,
        selfBLEU: diversity + 20 * (Bench.noise(salt + 100, prompt) - 0.5))
    }
  }

  private var noisyGrid: [ScoresInput] {
    [(0.5, 0.9, 80.0), (1, 0.7, 60), (1.5, 0.4, 40)].map { temperature, share, diversity in
      noisy(
        "score-mle", ["temperature": .number(temperature)], share: share, diversity: diversity,
        salt: Int(temperature * 10))
    }
  }

  private func sentence(share: Double, diversity: Double) throws -> String {
    let arm = noisy("score-iq", ["lambda": 0.1, "temperature": 1], share: share, diversity: diversity, salt: 7)
    return try Report(ReportInputs(scores: noisyGrid + [arm])).sentence
  }

  @Test(
    "practice row 47: an arm that is the baseline at another temperature is undecided at equal quality, for all it wins at equal T"
  )
  func undecided() throws {
    // 0.55 right and Self-BLEU 50 lie on the baseline's own curve.
    let sentence = try sentence(share: 0.55, diversity: 50)
    #expect(
      sentence.wholeMatch(
        of:
          /Against MLE at equal T, IQLearn is (9|10|11)\.\d Self-BLEU points more diverse and 1\d\.\d points less correct; at equal quality it is undecided in diversity \([+−]?\d\.\d ± \d\.\d Self-BLEU points\)\./
      ) != nil, "\(sentence)")
  }

  @Test("an arm off the baseline's curve is decided, either way")
  func decided() throws {
    #expect(
      try sentence(share: 0.7, diversity: 40).contains(
        /at equal quality it is (19|20|21)\.\d ± \d\.\d Self-BLEU points more diverse\.$/))
    #expect(
      try sentence(share: 0.7, diversity: 75).contains(
        /at equal quality it is 1[456]\.\d ± \d\.\d Self-BLEU points less diverse\.$/))
  }

  @Test("where more than one resample in twenty leaves the grid, nothing is decided")
  func edge() throws {
    // 0.88 right is within a standard error or two of the grid's upper end, 0.9.
    let sentence = try sentence(share: 0.88, diversity: 60)
    #expect(
      sentence.contains(
        /at equal quality it is undecided in diversity \([+−]?\d+\.\d Self-BLEU points, at the edge of the temperatures tried\)\.$/
      ), "\(sentence)")
  }

  @Test("a quality that is no share is worse or better, not less or more")
  func qualityInPoints() throws {
    func renamed(_ scores: ScoresInput) -> ScoresInput {
      var scores = scores
      scores.file = ScoreFile(
        metrics: scores.file.metrics.map { metric in
          guard metric.name == "exact_match" else { return (name: metric.name, value: metric.value) }
          return (name: "chrf", value: MetricValue(value: 100 * metric.value.value, count: metric.value.count))
        }, settings: scores.file.settings)
      for place in scores.examples.indices {
        let share = scores.examples[place].values["exact_match"]?.number
        scores.examples[place].values["chrf"] = share.map { .number(100 * $0) }
        scores.examples[place].values["exact_match"] = nil
      }
      return scores
    }
    for (right, words) in [(11, "15.0 chrF points worse"), (16, "10.0 chrF points better")] {
      let report = try Report(ReportInputs(scores: (Bench.grid + [Bench.iq(right: right, diversity: 45)]).map(renamed)))
      #expect(
        report.sentence.hasPrefix(
          "Against MLE at equal T, IQLearn is 15.0 Self-BLEU points more diverse and \(words); "))
    }
  }

  @Test("a difference at equal T whose interval holds 0 is called undecided, too")
  func undecidedAtEqualTemperature() throws {
    let sentence = try sentence(share: 0.55, diversity: 60)
    #expect(sentence.hasPrefix("Against MLE at equal T, IQLearn is undecided in diversity ("), "\(sentence)")
  }

  @Test("several strengths are told apart in one sentence")
  func strengths() throws {
    // Equal in all that is compared, and no copy.
    var near = Bench.iq(right: 14, diversity: 60, lambda: 0.01)
    near.examples[0].values["entropy"] = 1.5
    let report = try Report(
      ReportInputs(
        scores: Bench.grid + [near, Bench.iq(right: 11, diversity: 45)]))
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn λ=0.01 is undecided in diversity (0.0 ± 0.0 Self-BLEU points) and undecided in "
        + "quality (0.0 ± 0.0 points); IQLearn λ=0.1 is 15.0 Self-BLEU points more diverse and 15.0 points less correct. "
        + "At equal quality, IQLearn λ=0.01 is undecided in diversity (0.0 ± 0.0 Self-BLEU points); IQLearn λ=0.1 is "
        + "5.0 ± 0.0 Self-BLEU points more diverse.")
    #expect(report.page.contains("2 comparisons, intervals not adjusted for their number."))
    #expect(
      report.page.contains("Undecided: the interval holds 0, so IQLearn λ=0.01 may be MLE at another temperature."))
  }

  @Test("worse arms and those out of reach are named in the same breath, with what was tried")
  func worse() throws {
    let report = try Report(
      ReportInputs(
        scores: Bench.grid + [
          Bench.iq(right: 14, diversity: 65, lambda: 0.01), Bench.iq(right: 19, diversity: 45, lambda: 0.5),
        ]))
    #expect(report.sentence.contains("IQLearn λ=0.01 is 5.0 Self-BLEU points less diverse and undecided in quality"))
    #expect(report.sentence.contains("IQLearn λ=0.01 is 5.0 ± 0.0 Self-BLEU points less diverse; "))
    #expect(
      report.sentence.hasSuffix(
        "IQLearn λ=0.5 can't be compared, for no temperature tried gives both one quality: IQLearn λ=0.5 at T 1.00 has "
          + "95.0 correct %, MLE at T 0.50 to 1.50 has 40.0 to 90.0 correct %."), "\(report.sentence)")
  }

  @Test("an arm that was sampled at another temperature than the baseline is not compared at equal T, and that is said")
  func otherTemperature() throws {
    let arm = Bench.even("score-iq", ["lambda": 0.1, "temperature": 0.7], right: 14, diversity: 55)
    let report = try Report(ReportInputs(scores: Bench.grid + [arm]))
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn is not compared, for MLE was not sampled and scored alike at T 0.70; at equal "
        + "quality it is 5.0 ± 0.0 Self-BLEU points more diverse.")
  }

  @Test("one seed of the baseline is held against each of several; other numbers of seeds are said to make no pairs")
  func seeds() throws {
    func seeds(_ stem: String, _ axes: JSONObject, right: Int, _ diversities: [Double]) -> [ScoresInput] {
      diversities.enumerated().map { seed, diversity in
        var axes = axes
        axes["seed"] = JSONValue(seed)
        return Bench.even(stem, axes, right: right, diversity: diversity)
      }
    }
    let arm = seeds("score-iq", ["lambda": 0.1, "temperature": 1], right: 14, [49, 50, 51])
    let one = try Report(ReportInputs(scores: Bench.grid + arm))
    #expect(
      one.sentence.contains(/at equal quality it is 10\.0 ± \d\.\d Self-BLEU points more diverse\.$/), "\(one.sentence)"
    )
    // An interval over the seeds of one arm says nothing of how the other varies, and that is said.
    #expect(
      one.warnings == [
        "MLE has one seed and IQLearn λ=0.1 3: the interval of their difference leaves out how MLE varies over seeds"
      ])
    #expect(
      one.terminalText.replacing("\n", with: " ").hasPrefix(
        "12 test prompts × 20 samples, 1 to 3 seeds; ± is a 95 % t interval over seeds, a bootstrap over prompts where an "
          + "arm has one seed "))
    // A clause that ends early leaves no short line.
    #expect(one.terminalText.prefix { $0 != "\n" }.count > 80)
    let mixed = try Report(
      ReportInputs(
        scores: Bench.grid.filter { $0.provenance.axes["temperature"] != 1 }
          + seeds("score-mle", ["temperature": 1], right: 12, [60, 61]) + arm))
    // Of three seeds the two that both have are paired.
    #expect(
      mixed.sentence.contains(/at equal quality it is [\d.]+ ± \d\.\d Self-BLEU points more diverse\.$/),
      "\(mixed.sentence)")
    #expect(
      mixed.warnings == [
        "seed 2 of IQLearn λ=0.1 has no partner, so the difference of IQLearn λ=0.1 and MLE is over 2 seeds",
        "MLE has one seed at some temperatures and IQLearn λ=0.1 3: the interval of their difference leaves out how MLE "
          + "varies over seeds",
      ])
    let grid = [(0.5, 18), (1, 12)].flatMap { temperature, right in
      seeds("score-mle", ["temperature": .number(temperature)], right: right, [60, 61])
    }
    let strangers = arm.map { scores in
      var scores = scores
      scores.provenance.axes["seed"] = scores.provenance.axes["seed"]?.integer.map { JSONValue($0 + 5) }
      return scores
    }
    let two = try Report(ReportInputs(scores: grid + strangers))
    #expect(
      two.sentence
        == "Against MLE at equal T, IQLearn is not compared, for 2 seeds of MLE and 3 of IQLearn make no pairs; at equal "
        + "quality it can't be compared, for 3 seeds and 2 of MLE make no pairs.")
  }

  @Test("of two seeds and three those that both have are paired; of equally many, others are paired and named")
  func pairs() throws {
    // In every seed both differ by five points, and seeds by ten or more.
    let diversities = [60.0, 50, 40]
    func report(_ own: [Int], _ its: [Int]) throws -> Report {
      func scores(_ stem: String, _ seeds: [Int], _ less: Double) -> [ScoresInput] {
        seeds.map { seed in
          Bench.even(
            stem, ["temperature": 1, "seed": JSONValue(seed)], right: 14, diversity: diversities[seed] - less)
        }
      }
      return try Report(ReportInputs(scores: scores("score-mle", own, 0) + scores("score-iq", its, 5)))
    }
    let more = try report([0, 1], [0, 1, 2])
    let row = try #require(Bench.table(more, "matched.csv").first)
    #expect(row["diversity_at_equal_t_low"] == "5.000000" && row["diversity_at_equal_t_high"] == "5.000000", "\(row)")
    #expect(
      more.warnings == ["seed 2 of IQLearn has no partner, so the difference of IQLearn and MLE is over 2 seeds"])
    let crossed = try report([0, 1], [1, 2])
    // Seed 1 is five points below itself; seed 2 is 25 below seed 0.
    #expect(Bench.table(crossed, "matched.csv").first?["diversity_at_equal_t"] == "15.000000")
    // 15 ± 12.7062 · √200 / √2: by place both differences would be 15, without any doubt.
    #expect(Bench.table(crossed, "matched.csv").first?["diversity_at_equal_t_low"] == "-112.062000")
    #expect(
      crossed.warnings == ["seed 2 of IQLearn is held against seed 0 of MLE, for neither has the other's seed"])
  }

  /// Scores of a corpus metric as `score` writes them: one value over all, and the sentence form of every sample.
  private func corpus(_ metric: String, _ scores: ScoresInput, hasSentences: Bool = true) -> ScoresInput {
    var scores = scores
    scores.file.metrics[0].name = metric
    scores.file.metrics[0].value.value *= 100
    let value = scores.file.metrics[0].value.value
    scores.file.metrics[0].value.low = value - 1
    scores.file.metrics[0].value.high = value + 1
    for place in scores.examples.indices {
      let share = scores.examples[place].values["exact_match"]?.number ?? 0
      scores.examples[place].values["exact_match"] = nil
      scores.examples[place].values["return"] = .number(Double(place % 20) - 90 * share)
      if hasSentences { scores.examples[place].values["sentence_\(metric)"] = .number(90 * share) }
    }
    return scores
  }

  @Test(
    "a metric of all samples together is compared by its sentence form, and called so",
    arguments: [("ter", "sentence TER", "better", "TER"), ("chrf", "sentence chrF", "worse", "chrF")])
  func corpusMetric(metric: String, form: String, word: String, heading: String) throws {
    let scores = (Bench.grid + [Bench.iq(right: 11, diversity: 45)]).map { corpus(metric, $0) }
    let report = try Report(ReportInputs(scores: scores), options: ReportOptions(quality: metric))
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn is 15.0 Self-BLEU points more diverse and 13.5 \(form) points \(word); at "
        + "equal quality it is 5.0 ± 0.0 Self-BLEU points more diverse.")
    // The table says what scores.json says, and nothing of the sentence form.
    let rows = Bench.table(report, "table.csv")
    #expect(rows.map { $0[metric] } == ["70.000000", "55.000000", ""])
    #expect(report.page.contains(metric == "ter" ? "<b>55.0</b>" : "<b>70.0</b>"))
    // Of an error rate a lower correlation is better.
    #expect(report.terminalText.contains("return~\(heading) ρ \(metric == "ter" ? "↓" : "↑")"))
  }

  @Test("a quality that is not known sample by sample is said not to be compared, and is not bold")
  func unknownQuality() throws {
    let scores = (Bench.grid + [Bench.iq(right: 11, diversity: 45)]).map { corpus("ter", $0, hasSentences: false) }
    let report = try Report(ReportInputs(scores: scores), options: ReportOptions(quality: "ter"))
    #expect(
      report.sentence
        == "Against MLE at equal T, IQLearn is 15.0 Self-BLEU points more diverse, with quality not compared, for it was "
        + "not measured sample by sample; at equal quality it can't be compared, for diversity or quality was not "
        + "measured sample by sample.")
    #expect(report.terminalText.contains("55.0") && !report.page.contains("<b>"))
  }

  @Test("a measure of diversity is refused as quality", arguments: ["self_bleu@20", "distinct_2", "entropy"])
  func diversityAsQuality(metric: String) throws {
    var scores = Bench.grid[1]
    if scores.file[metric] == nil { scores.file.metrics.append((metric, MetricValue(value: 0.5, count: 240))) }
    #expect(throws: ReportError.noQuality(metric, available: ["exact_match"])) {
      try Report(ReportInputs(scores: [scores]), options: ReportOptions(quality: metric))
    }
  }

  /// An arm whose every prompt has one greedy sample.
  private func greedy(_ stem: String, share: Double, salt: Int, prompts: Int = 200) -> ScoresInput {
    Bench.scores(
      stem, ["decoding": "greedy"], prompts: prompts, samples: 1, settings: ["samples": ["decoding": "greedy"]]
    ) { prompt, _ in
      Bench.Sample(isRight: Bench.noise(salt, prompt) < share, selfBLEU: 0)
    }
  }

  @Test("arms decoded greedily are compared in quality, and only what the sentence decides is bold")
  func greedyArms() throws {
    let apart = try Report(
      ReportInputs(scores: [greedy("score-mle", share: 0.9, salt: 1), greedy("score-iq", share: 0.2, salt: 2)]))
    #expect(
      apart.sentence.wholeMatch(of: /Against MLE with greedy decoding, IQLearn is [67]\d\.\d points less correct\./)
        != nil, "\(apart.sentence)")
    #expect(apart.page.contains(/<b>[89]\d\.\d<\/b>/))
    let near = try Report(
      ReportInputs(scores: [greedy("score-mle", share: 0.5, salt: 1), greedy("score-iq", share: 0.5, salt: 2)]))
    #expect(
      near.sentence.hasPrefix("Against MLE with greedy decoding, IQLearn is undecided in quality ("),
      "\(near.sentence)")
    #expect(!near.page.contains("<b>"))
    // Samples and greedy output have a sentence each.
    let both = try Report(
      ReportInputs(
        scores: noisyGrid + [
          noisy("score-iq", ["temperature": 1], share: 0.7, diversity: 40, salt: 7),
          greedy("score-mle", share: 0.9, salt: 1), greedy("score-iq", share: 0.2, salt: 2),
        ]))
    #expect(
      both.sentence.contains(
        /more diverse\. Against MLE with greedy decoding, IQLearn is [67]\d\.\d points less correct\.$/),
      "\(both.sentence)")
    #expect(both.page.contains("2 comparisons, intervals not adjusted for their number."))
    // Greedy output of one alone is compared with nothing.
    let alone = try Report(
      ReportInputs(
        scores: [greedy("score-mle", share: 0.9, salt: 1, prompts: 12), Bench.iq(right: 11, diversity: 45)]))
    #expect(alone.sentence.hasPrefix("Nothing is compared with MLE: "), "\(alone.sentence)")
  }

  @Test("where no arm is a baseline nothing is compared, so nothing is bold")
  func withoutBaseline() throws {
    let report = try Report(
      ReportInputs(scores: [Bench.iq(right: 18, diversity: 45), Bench.iq(right: 8, diversity: 60, lambda: 0.5)]))
    #expect(report.sentence == "No arm is a baseline, so nothing is compared at equal quality.")
    #expect(!report.page.contains("<b>"))
  }

  @Test("seeds are held against each other by what they are called, in whatever order they come")
  func seedOrder() throws {
    let diversities = [0: 60.0, 2: 50, 10: 40]
    func seeds(_ stem: String, _ axes: JSONObject, _ order: [Int], less: Double) -> [ScoresInput] {
      order.map { seed in
        var axes = axes
        axes["seed"] = JSONValue(seed)
        return Bench.even(stem, axes, right: 14, diversity: (diversities[seed] ?? 0) - less)
      }
    }
    let report = try Report(
      ReportInputs(
        scores: seeds("score-mle", ["temperature": 1], [10, 0, 2], less: 0)
          + seeds("score-iq", ["lambda": 0.1, "temperature": 1], [0, 2, 10], less: 5)))
    // Five points in every seed: no doubt is left.
    let row = try #require(Bench.table(report, "matched.csv").first)
    #expect(row["diversity_at_equal_t_low"] == "5.000000" && row["diversity_at_equal_t_high"] == "5.000000", "\(row)")
    #expect(Bench.table(report, "front.csv").map { $0["seeds"] } == ["0 2 10", "0 2 10"])
  }

  @Test("a Self-BLEU that nothing compares at equal quality is never the best")
  func bestOfNothing() throws {
    // One temperature of the baseline lacks Self-BLEU, so the fronts can't be held against each other.
    var grid = Bench.grid
    for place in grid[0].examples.indices { grid[0].examples[place].values["self_bleu@20"] = nil }
    let report = try Report(ReportInputs(scores: grid + [Bench.iq(right: 14, diversity: 45)]))
    #expect(Bench.table(report, "matched.csv").first?["outcome"] == "not measured")
    #expect(!report.page.contains("<b>45.0"), "\(report.page)")
  }

  @Test("without scores of single samples nothing is compared, and that is said")
  func notMeasured() throws {
    let inputs = (Bench.grid + [Bench.iq(right: 11, diversity: 45)]).map { scores in
      var scores = scores
      scores.examples = []
      return scores
    }
    let report = try Report(ReportInputs(scores: inputs))
    #expect(
      report.sentence.hasSuffix(
        "at equal quality it can't be compared, for diversity or quality was not measured sample by sample."),
      "\(report.sentence)")
    #expect(report.warnings.first?.hasPrefix("4 of 4 scores have no examples.jsonl: ") == true)
  }

  @Test("one arm alone is compared with nothing")
  func alone() throws {
    #expect(try Report(ReportInputs(scores: Bench.grid)).sentence == "There is one arm only, so nothing is compared.")
  }

  @Test("a name longer than a line stands in a line of its own, and what follows it is broken as ever")
  func longName() throws {
    let name = String(repeating: "x", count: 120)
    let report = try Report(
      ReportInputs(scores: Bench.grid + [Bench.iq(right: 11, diversity: 45)]),
      options: ReportOptions(names: [("iq", name)]))
    #expect(
      report.terminalText.contains("\nAgainst MLE at equal T,\n\(name)\nis 15.0 Self-BLEU points more diverse"),
      "\(report.terminalText)")
  }

  @Test("a seed that has no name comes before those that have one")
  func seedWithoutName() throws {
    let diversities = ["": 60.0, "0": 40, "2": 50]
    func seeds(_ stem: String, _ axes: JSONObject, _ order: [Int?], less: Double) -> [ScoresInput] {
      order.map { seed in
        var axes = axes
        axes["seed"] = seed.map { JSONValue($0) }
        return Bench.even(
          stem, axes, right: 14, diversity: (diversities[seed.map(String.init) ?? ""] ?? 0) - less)
      }
    }
    let report = try Report(
      ReportInputs(
        scores: seeds("score-mle", ["temperature": 1], [2, nil, 0], less: 0)
          + seeds("score-iq", ["lambda": 0.1, "temperature": 1], [nil, 0, 2], less: 5)))
    let row = try #require(Bench.table(report, "matched.csv").first)
    #expect(row["diversity_at_equal_t_low"] == "5.000000" && row["diversity_at_equal_t_high"] == "5.000000", "\(row)")
  }
}

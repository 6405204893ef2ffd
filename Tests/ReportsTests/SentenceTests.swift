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
          /At equal T IQLearn is (9|10|11)\.\d points more diverse and 1\d\.\d less correct; at equal quality −?\d\.\d ± \d\.\d: undecided\./
      ) != nil, "\(sentence)")
  }

  @Test("an arm off the baseline's curve is decided, either way")
  func decided() throws {
    #expect(
      try sentence(share: 0.7, diversity: 40).contains(
        /at equal quality (19|20|21)\.\d ± \d\.\d points more diverse\.$/))
    #expect(
      try sentence(share: 0.7, diversity: 75).contains(/at equal quality 1[456]\.\d ± \d\.\d points less diverse\.$/))
  }

  @Test("where more than one resample in twenty leaves the grid, nothing is decided")
  func edge() throws {
    // 0.88 right is within a standard error or two of the grid's upper end, 0.9.
    let sentence = try sentence(share: 0.88, diversity: 60)
    #expect(sentence.contains(/at equal quality \d+\.\d, at the grid's edge: undecided\.$/), "\(sentence)")
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
    for (right, words) in [(11, "15.0 chrF worse"), (16, "10.0 chrF better")] {
      let report = try Report(ReportInputs(scores: (Bench.grid + [Bench.iq(right: right, diversity: 45)]).map(renamed)))
      #expect(report.sentence.hasPrefix("At equal T IQLearn is 15.0 points more diverse and \(words); "))
    }
  }

  @Test("a difference at equal T whose interval holds 0 is called undecided, too")
  func undecidedAtEqualTemperature() throws {
    #expect(try sentence(share: 0.55, diversity: 60).hasPrefix("At equal T IQLearn's diversity differs by "))
  }

  @Test("several strengths are told apart in one sentence")
  func strengths() throws {
    let report = try Report(
      ReportInputs(
        scores: Bench.grid + [Bench.iq(right: 14, diversity: 60, lambda: 0.01), Bench.iq(right: 11, diversity: 45)]))
    #expect(
      report.sentence
        == "At equal T IQLearn is more diverse than MLE by 0.0 ± 0.0 (λ=0.01, undecided) and 15.0 (λ=0.1) points; "
        + "at equal quality by 0.0 ± 0.0 (undecided) and 5.0 ± 0.0 (decided).")
    #expect(report.page.contains("2 comparisons, intervals not adjusted for their number."))
  }

  @Test("one arm alone is compared with nothing")
  func alone() throws {
    #expect(try Report(ReportInputs(scores: Bench.grid)).sentence == "There is one arm only, so nothing is compared.")
  }
}

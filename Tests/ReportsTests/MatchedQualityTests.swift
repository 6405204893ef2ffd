import CanonicalJSON
import Reports
import Testing

@Suite struct MatchedQualityTests {
  @Test("between two temperatures everything is linear: halfway in quality is halfway in T and in Self-BLEU")
  func halfway() throws {
    let report = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: 11, diversity: 45)]))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["matched_t"] == "1.250000")
    #expect(match["diversity_at_equal_quality"] == "5.000000")
    #expect(match["diversity_at_equal_t"] == "15.000000")
    let row = try #require(Bench.table(report, "table.csv").first { $0["arm"] == "MLE, matched" })
    #expect(row["self_bleu@20"] == "50.000000")
    #expect(row["exact_match"] == "0.550000")
  }

  @Test("a quality that a temperature has exactly is matched at that temperature", arguments: [18, 14, 8])
  func gridPoint(right: Int) throws {
    let report = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: right, diversity: 30)]))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["matched_t"] == [18: "0.500000", 14: "1.000000", 8: "1.500000"][right])
    #expect(match["diversity_at_equal_quality"] == [18: "50.000000", 14: "30.000000", 8: "10.000000"][right])
  }

  @Test("beyond the grid nothing is extrapolated: the row and the sentence say so", arguments: [4, 19])
  func notReached(right: Int) throws {
    let report = try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: right, diversity: 45)]))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["outcome"] == "not reached")
    #expect(match["matched_t"] == "")
    let quality = right == 4 ? "20.0" : "95.0"
    #expect(
      report.sentence.hasSuffix(
        "at equal quality it can't be compared, for no temperature tried gives both one quality: IQLearn at T 1.00 has "
          + "\(quality) correct %, MLE at T 0.50 to 1.50 has 40.0 to 90.0 correct %."), "\(report.sentence)")
    #expect(report.terminalText.contains("not reached"))
    #expect(report.terminalText.split(separator: "\n").allSatisfy { $0.last != " " }, "\(report.terminalText)")
  }

  @Test("where a curve has the quality more than once, the place nearest to the arm's temperature counts")
  func twice() throws {
    let grid = [(0.25, 10), (0.5, 16), (1.0, 8), (2.0, 16)].map { temperature, right in
      Bench.even(
        "score-mle@temperature=\(temperature)", ["temperature": .number(temperature)], right: right,
        diversity: 50 + temperature)
    }
    // 12 of 20 lies between each pair of neighbours; at T 0.75 it is nearest to 1.
    let report = try Report(ReportInputs(scores: grid + [Bench.iq(right: 12, diversity: 45)]))
    #expect(Bench.table(report, "matched.csv").first?["matched_t"] == "0.750000")
  }

  @Test("the order in which a grid is given does not matter")
  func order() throws {
    let arm = Bench.iq(right: 11, diversity: 45)
    let forward = try Report(ReportInputs(scores: Bench.grid + [arm]))
    let backward = try Report(ReportInputs(scores: [arm] + Bench.grid.reversed()))
    #expect(Bench.table(forward, "matched.csv") == Bench.table(backward, "matched.csv"))
    #expect(forward.sentence == backward.sentence)
  }

  @Test("one temperature alone is no grid")
  func noGrid() throws {
    let report = try Report(ReportInputs(scores: [Bench.grid[1], Bench.iq(right: 11, diversity: 45)]))
    #expect(
      report.sentence.hasSuffix(
        "at equal quality it can't be compared, for neither was sampled at two temperatures (only T 1.00)."),
      "\(report.sentence)")
  }

  /// An arm at several temperatures.
  private func arm(_ points: [(temperature: Double, right: Int, diversity: Double)]) -> [ScoresInput] {
    points.map { point in
      Bench.even(
        "score-iq", ["lambda": 0.1, "temperature": .number(point.temperature)], right: point.right,
        diversity: point.diversity)
    }
  }

  @Test("where the baseline reaches the arm's quality at no temperature, the arm is read at the baseline's")
  func reverse() throws {
    // The arm at T 1 is better than the baseline ever is; between T 1 and T 2 it has the baseline's 70 %.
    let grid = arm([(1, 19, 70), (2, 9, 50)])
    let report = try Report(ReportInputs(scores: Bench.grid + grid))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["outcome"] == "undecided, arm matched")
    #expect(match["matched_t"] == "1.500000")
    // The arm has Self-BLEU 60 there, as the baseline has at T 1.
    #expect(match["diversity_at_equal_quality"] == "0.000000")
    let row = try #require(Bench.table(report, "table.csv").first { $0["arm"] == "IQLearn λ=0.1, matched" })
    #expect(row["exact_match"] == "0.700000")
  }

  @Test("the arm alone may have the grid: one temperature of the baseline is enough")
  func armOnly() throws {
    let report = try Report(ReportInputs(scores: [Bench.grid[1]] + arm([(0.5, 18, 80), (1, 10, 30)])))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["outcome"] == "decided, arm matched")
    // 70 % lies halfway, at T 0.75 and Self-BLEU 55, five less than the baseline's 60.
    #expect(match["matched_t"] == "0.750000")
    #expect(match["diversity_at_equal_quality"] == "5.000000")
    #expect(
      report.sentence.hasSuffix(
        "at equal quality it is 5.0 ± 0.0 Self-BLEU points more diverse, at a temperature of IQLearn that gives MLE's "
          + "quality."), "\(report.sentence)")
  }

  @Test("where neither reaches the other as it was sampled, both are read in the middle of what both have")
  func overlap() throws {
    // At T 1 the arm has 95 % and the baseline 70 %; the arm goes down to 80 %, the baseline up to 90 %.
    let report = try Report(ReportInputs(scores: Bench.grid + arm([(1, 19, 75), (2, 16, 45)])))
    let match = try #require(Bench.table(report, "matched.csv").first)
    #expect(match["outcome"] == "decided, both matched")
    // At 85 %: the baseline a quarter of the way from 0.5 to 1 (Self-BLEU 75), the arm two thirds (55).
    #expect(match["diversity_at_equal_quality"] == "20.000000")
    #expect(report.sentence.hasSuffix("more diverse, in the middle of the qualities that both have."))
    // Neither was sampled there, so both have a row.
    for arm in ["MLE, matched", "IQLearn λ=0.1, matched"] {
      let row = try #require(Bench.table(report, "table.csv").first { $0["arm"] == arm }, "\(arm)")
      #expect(row["exact_match"] == "0.850000")
    }
  }
}

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
    #expect(report.sentence.contains("equal quality is not reached: MLE's temperatures span 40.0 to 90.0 correct %"))
    #expect(report.terminalText.contains("not reached"))
  }

  @Test("where a curve has the quality more than once, the place nearest to the arm's temperature counts")
  func twice() throws {
    let grid = [(0.25, 10), (0.5, 16), (1.0, 8), (2.0, 16)].map { temperature, right in
      Bench.even(
        "score-mle@temperature=\(temperature)", ["temperature": .number(temperature)], right: right, diversity: 50)
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
    #expect(report.sentence.contains("at equal quality unknown, for MLE was sampled at fewer than two temperatures"))
  }
}

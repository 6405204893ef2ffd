import CanonicalJSON
import Records
import Reports
import Testing

@Suite struct ReferenceTests {
  private func inputs(references: [String], quality: Bool = true) -> ReportInputs {
    let scores = Bench.even("score-mle", ["temperature": 1], right: 2, of: 4, diversity: 60)
    let rows = (0..<12).flatMap { prompt in
      (0..<4).map { sample in
        SampleRow(
          id: "test-\(prompt)", sample: sample, prompt: "p", text: "a small red house on the hill",
          references: references)
      }
    }
    return ReportInputs(
      scores: [scores],
      samples: [
        SamplesInput(provenance: Provenance(label: "sample-mle", axes: ["temperature": 1]), settings: nil, rows: rows)
      ])
  }

  @Test("the references are the last row: right by definition, as diverse as they are")
  func human() throws {
    let references = [
      "the house is red and small", "there is a small red house", "a red house, and a small one", "red house it is",
    ]
    let report = try Report(inputs(references: references))
    let rows = Bench.table(report, "table.csv")
    #expect(rows.last?["arm"] == "References")
    #expect(rows.last?["exact_match"] == "1.000000")
    let diversity = try #require(rows.last?["self_bleu@4"].flatMap { Double($0) })
    #expect(diversity > 0 && diversity < 60)
  }

  @Test("practice row 31: references that are all alike have Self-BLEU 100")
  func alike() throws {
    let report = try Report(inputs(references: [String](repeating: "the house on the hill is small", count: 5)))
    #expect(Bench.table(report, "table.csv").last?["self_bleu@4"] == "100.000000")
  }

  @Test("one reference a prompt makes no row")
  func single() throws {
    #expect(Bench.table(try Report(inputs(references: ["one"])), "table.csv").count == 1)
  }

  @Test("with BLEU as quality references are scored against each other")
  func leaveOneOut() throws {
    var inputs = inputs(references: ["a b c d e f", "a b c d e f", "u v w x y z"])
    inputs.scores[0].file.metrics.append(("bleu", MetricValue(value: 10, count: 48)))
    let report = try Report(inputs, options: ReportOptions(quality: "bleu"))
    let value = try #require(Bench.table(report, "table.csv").last?["bleu"].flatMap { Double($0) })
    // Two of three sentences match another whole: clipped precision 2/3 for every n, lengths equal.
    #expect(abs(value - 200.0 / 3) < 1e-3)
  }

  @Test(
    "corpus BLEU is made of the samples' texts where scores lack its sums, and of what scores say where a text lacks")
  func corpusOfSamples() throws {
    let text = "a small red house on the hill"
    for lacksText in [false, true] {
      var inputs = inputs(references: [text])
      inputs.scores[0].file.metrics.append(("bleu", MetricValue(value: 10, count: 48)))
      if lacksText {
        inputs.samples[0] = SamplesInput(
          provenance: inputs.samples[0].provenance, settings: nil,
          rows: (0..<12).flatMap { prompt in
            (0..<4).map { sample in
              SampleRow(
                id: "test-\(prompt)", sample: sample, prompt: "p", text: prompt + sample == 0 ? nil : text,
                references: [text])
            }
          })
      }
      let row = try #require(
        Bench.table(try Report(inputs, options: ReportOptions(quality: "bleu")), "table.csv").first)
      #expect(row["bleu"] == (lacksText ? "10.000000" : "100.000000"))
    }
  }

  @Test("entropy that scores lack is the samples' own, a token")
  func entropyOfSamples() throws {
    var scores = Bench.even("score-mle", ["temperature": 1], right: 2, of: 4, diversity: 60)
    for place in scores.examples.indices {
      scores.examples[place].values["entropy"] = nil
      scores.examples[place].values["length"] = 2
    }
    let rows = scores.examples.map { SampleRow(id: $0.id, sample: $0.sample, tokens: [1, 2], entropies: [1, 2]) }
    let samples = SamplesInput(
      provenance: Provenance(label: "sample-mle", axes: ["temperature": 1]), settings: nil, rows: rows)
    let row = try #require(
      Bench.table(try Report(ReportInputs(scores: [scores], samples: [samples])), "table.csv").first)
    #expect(row["entropy"] == "1.500000")
  }
}

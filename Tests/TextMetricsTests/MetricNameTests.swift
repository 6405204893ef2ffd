import Testing
import TextMetrics

@Suite struct MetricNameTests {
  @Test("every metric is found by its name", arguments: Metric.plain)
  func roundTrip(metric: Metric) throws {
    #expect(try Metric(metric.name) == metric)
  }

  @Test(
    "names with parameters are read",
    arguments: [
      "self_bleu@5", "spearman_bleu", "pearson_rougeL_stem", "spearman_bleu_char_log_p_per_token_between",
      "spearman_exact_match_v_0_between", "spearman_chrf++_negative_length_within", "spearman_sentence_bleu",
    ])
  func parameters(name: String) throws {
    #expect(try Metric(name).name == name)
  }

  @Test("an unknown name is answered with the nearest")
  func unknown() {
    #expect(throws: ScoringError.unknownMetric("rouge_L", nearest: "rougeL")) { try Metric("rouge_L") }
    #expect(throws: ScoringError.unknownMetric("self_bleu@1", nearest: "self_bleu@5")) { try Metric("self_bleu@1") }
    #expect(throws: ScoringError.unknownMetric("perplexity_of_gpt4", nearest: nil)) { try Metric("perplexity_of_gpt4") }
  }

  @Test("metrics stand in the order asked for, and no others")
  func order() throws {
    let samples = ConventionTests.samples([["a b", "c"]])
    let scores = try ConventionTests.scores(samples) {
      $0.metrics = [.distinct(2), .selfBLEU(samples: nil), .rouge(.rougeL, stemmed: true), .bleu(BLEU())]
    }
    #expect(scores.metrics.map(\.name) == ["distinct_2", "self_bleu@2", "rougeL_stem", "bleu"])
  }

  @Test("a metric that the samples do not allow is refused with the reason")
  func unavailable() {
    let samples = ConventionTests.samples([["a b", "c"]])
    for metric in [Metric.entropy, .surprisal, .length, .accuracy, .correlation(.init(.spearman, .exactMatch))] {
      #expect(throws: ScoringError.self) { try ConventionTests.scores(samples) { $0.metrics = [metric] } }
    }
  }
}

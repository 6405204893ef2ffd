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

  @Test("of several bad names all are told, and a name that stands twice")
  func several() {
    let error = #expect(throws: ScoringError.self) { try Metric.named(["bleu", "rougel", "bluu", "bleu"]) }
    #expect(
      error
        == .several([
          .unknownMetric("rougel", nearest: "rougeL"), .unknownMetric("bluu", nearest: "bleu"), .repeatedMetric("bleu"),
        ]))
    let samples = ConventionTests.samples([["a b", "c"]])
    let absent = #expect(throws: ScoringError.self) {
      try ConventionTests.scores(samples) { $0.metrics = [.entropy, .bleu(BLEU()), .accuracy] }
    }
    #expect(absent?.description.contains("entropy cannot") == true)
    #expect(absent?.description.contains("accuracy cannot") == true)
  }

  @Test("what was asked for and has no value is told with the reason")
  func undefined() throws {
    let samples = ConventionTests.samples([["", ""]], references: ["a"])
    let scores = try ConventionTests.scores(samples) { $0.metrics = [.distinct(1), .exactMatch] }
    #expect(scores.metrics.map(\.name) == ["exact_match"])
    #expect(scores.remarks == [.leftOut(metric: "distinct_1", reason: "the samples hold no word")])
  }

  @Test("what a parameter of its own asks for and the samples do not allow is told")
  func chosen() throws {
    let samples = ConventionTests.samples([["a b"], ["c"]])
    let scores = try ConventionTests.scores(samples) {
      $0.answer = (try? AnswerRule(pattern: "no such thing")) ?? .afterHashes
      $0.isAnswerChosen = true
    }
    #expect(
      scores.remarks == [
        .leftOut(metric: "accuracy", reason: "no reference holds an answer by the expression no such thing")
      ])
  }

  @Test("Self-BLEU says which samples it leaves out, and why it is not there where one prompt has one sample")
  func selfBLEURemarks() throws {
    let more = try ConventionTests.scores(ConventionTests.samples([["a", "b", "c"], ["a", "b"]]))
    #expect(
      more.remarks == [
        .partial(metric: "self_bleu@2", count: 1, of: 5, reason: "stand behind the first 2 of their prompt")
      ])
    let single = try ConventionTests.scores(ConventionTests.samples([["a", "b", "c"], ["a"]]))
    #expect(single.remarks == [.leftOut(metric: "self_bleu", reason: "prompt p1 has one sample only")])
  }

  @Test("samples without entropies, logprobs or tokens are counted where others have them")
  func partial() throws {
    let samples = [
      ScoredSample(id: "p", sample: 0, text: "a", references: ["a"], tokenCount: 2, logProbability: -1, entropy: 1),
      ScoredSample(id: "q", sample: 0, text: "a", references: ["a"]),
    ]
    let reasons = try ConventionTests.scores(samples).remarks.map(\.description)
    #expect(
      reasons == [
        "1 of 2 samples have no entropies and take no part in entropy",
        "1 of 2 samples have no logprobs and take no part in surprisal",
        "1 of 2 samples have no tokens and take no part in length",
      ])
  }
}

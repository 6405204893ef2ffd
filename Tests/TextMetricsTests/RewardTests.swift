import Testing
import TextMetrics

@Suite struct RewardTests {
  /// Forty prompts of four samples; the return follows the number of right words, with noise from the row's number.
  static let samples: [ScoredSample] = (0..<160).map { row in
    let right = (row * 7) % 5
    let text = (0..<5).map { $0 < right ? "w\($0)" : "x\(row)" }.joined(separator: " ")
    return ScoredSample(
      id: "p\(row / 4)", sample: row % 4, text: text, references: ["w0 w1 w2 w3 w4"], tokenCount: 4 + row % 3,
      logProbability: -Double(row % 11), entropy: Double(row % 4),
      reward: SampleReward(
        return: Double(right) + Double(row * 13 % 8) / 2, logProbability: -Double(row % 11), tokenCount: 4 + row % 3,
        initialValue: Double(row / 4 % 6)))
  }

  @Test("correlations over samples, between prompts and within prompts are SciPy's of those pairs")
  func scopes() throws {
    let scores = try Scorer().score(Self.samples)
    let quality = Self.samples.map { ROUGE().scores(of: $0.text, references: $0.references).rougeL.f1 }
    let returns = Self.samples.compactMap { $0.reward?.return }
    #expect(agree(scores["spearman_rougeL"]?.value, Correlation.spearman(returns, quality)?.value ?? .nan))
    #expect(agree(scores["pearson_rougeL"]?.value, Correlation.pearson(returns, quality)?.value ?? .nan))
    func means(_ values: [Double]) -> [Double] {
      (0..<40).map { values[4 * $0..<4 * $0 + 4].reduce(0, +) / 4 }
    }
    let between = Correlation.spearman(means(returns), means(quality))?.value ?? .nan
    #expect(agree(scores["spearman_rougeL_between"]?.value, between))
    #expect(scores["spearman_rougeL_between"]?.count == 40)
    let within = (0..<40).compactMap { prompt in
      Correlation.spearman(Array(returns[4 * prompt..<4 * prompt + 4]), Array(quality[4 * prompt..<4 * prompt + 4]))?
        .value
    }
    #expect(agree(scores["spearman_rougeL_within"]?.value, within.reduce(0, +) / Double(within.count)))
    #expect(scores["spearman_rougeL_within"]?.count == within.count)
  }

  @Test("every predictor stands beside the return, each with an interval around its value")
  func predictors() throws {
    let scores = try Scorer().score(Self.samples)
    for predictor in ["", "_log_p", "_log_p_per_token", "_negative_length", "_v_0"] {
      for scope in ["", "_between", "_within"] where predictor != "_v_0" || scope != "_within" {
        let name = "spearman_bleu" + predictor + scope
        let estimate = try #require(scores[name], "\(name)")
        let low = try #require(estimate.low, "\(name)")
        let high = try #require(estimate.high, "\(name)")
        #expect(low <= estimate.value && estimate.value <= high, "\(name) \(estimate)")
      }
    }
    #expect(agree(scores["spearman_sentence_bleu"]?.value ?? scores["spearman_bleu"]?.value, try spearmanOfBLEU()))
  }

  private func spearmanOfBLEU() throws -> Double {
    let bleu = Self.samples.map { BLEU().sentenceScore(of: $0.text, references: $0.references) }
    return try #require(Correlation.spearman(Self.samples.compactMap { $0.reward?.return }, bleu)).value
  }

  @Test("the interval of a rank correlation is that of resampled pairs ranked anew")
  func rankInterval() throws {
    var options = ScoringOptions()
    options.resamples = 200
    options.metrics = [.correlation(CorrelationMetric(.spearman, .rouge(.rouge1, stemmed: false)))]
    let estimate = try #require(try Scorer(options).score(Self.samples).metrics.first).value
    let quality = Self.samples.map { ROUGE().scores(of: $0.text, references: $0.references).rouge1.f1 }
    let returns = Self.samples.compactMap { $0.reward?.return }
    // A row a prompt with a one in its own column: the sum of a resample's rows says how often each prompt is in it.
    let bootstrap = Bootstrap(prompts: 40, resamples: 200, seed: 0)
    let rows = (0..<40).map { prompt in (0..<40).map { $0 == prompt ? 1.0 : 0 } }
    let interval = try #require(
      bootstrap.interval(rows) { counts in
        var (x, y) = ([Double](), [Double]())
        for prompt in 0..<40 {
          for _ in 0..<Int(counts[prompt]) {
            x += returns[4 * prompt..<4 * prompt + 4]
            y += quality[4 * prompt..<4 * prompt + 4]
          }
        }
        return Correlation.spearman(x, y)?.value
      })
    #expect(agree(estimate.low, interval.low) && agree(estimate.high, interval.high))
  }

  @Test("a correlation with what never varies is left out")
  func constant() throws {
    let samples = Self.samples.map { sample in
      var sample = sample
      sample.references = ["never right"]
      return sample
    }
    let scores = try Scorer().score(samples)
    #expect(scores["spearman_exact_match"] == nil && scores["pearson_exact_match"] == nil)
    #expect(scores["exact_match"]?.value == 0)
  }

  @Test("entropy and surprisal are means over tokens, length over samples")
  func tokens() throws {
    let scores = try Scorer().score(Self.samples)
    let tokens = Self.samples.reduce(0) { $0 + Double($1.tokenCount ?? 0) }
    #expect(agree(scores["entropy"]?.value, Self.samples.reduce(0) { $0 + ($1.entropy ?? 0) } / tokens))
    #expect(agree(scores["surprisal"]?.value, -Self.samples.reduce(0) { $0 + ($1.logProbability ?? 0) } / tokens))
    #expect(agree(scores["length"]?.value, tokens / 160))
    let bare = try ConventionTests.scores(ConventionTests.samples([["a"]]))
    #expect(bare["entropy"] == nil && bare["length"] == nil)
  }
}

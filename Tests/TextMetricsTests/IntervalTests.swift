import Testing
import TextMetrics

@Suite struct IntervalTests {
  @Test("a mean's interval has the width that the central limit theorem gives")
  func width() throws {
    // 400 prompts, values 0 and 1 in equal shares: a standard error of 0.025.
    let bootstrap = Bootstrap(prompts: 400, resamples: 4000, seed: 3)
    let rows = (0..<400).map { [Double($0 % 2), 1] }
    let interval = try #require(bootstrap.interval(rows) { $0[0] / $0[1] })
    #expect(abs(interval.low - (0.5 - 1.96 * 0.025)) < 0.005)
    #expect(abs(interval.high - (0.5 + 1.96 * 0.025)) < 0.005)
  }

  @Test("samples of one prompt go together")
  func clusters() throws {
    // Eight samples of a prompt agree; taken for independent they would give an interval √8 times narrower.
    let samples = (0..<100).flatMap { prompt in
      (0..<8).map { ScoredSample(id: "p\(prompt)", sample: $0, text: prompt % 2 == 0 ? "a" : "b", references: ["a"]) }
    }
    let estimate = try #require(try Scorer().score(samples)["exact_match"])
    #expect(estimate.value == 0.5)
    #expect(estimate.count == 800)
    let width = try #require(estimate.high) - #require(estimate.low)
    #expect(abs(width - 2 * 1.96 * 0.05) < 0.03)
  }

  @Test("the seed decides the interval and leaves the value")
  func seed() throws {
    let samples = ConventionTests.samples((0..<30).map { ["a b c d \($0)", $0 % 3 == 0 ? "a b c d e" : "b \($0)"] })
    func metrics(_ seed: UInt64) throws -> [Estimate] {
      try ConventionTests.scores(samples) {
        $0.seed = seed
        $0.metrics = [.bleu(BLEU()), .rouge(.rouge1, stemmed: false)]
      }.metrics.map(\.value)
    }
    let (first, again, other) = (try metrics(1), try metrics(1), try metrics(2))
    #expect(first == again)
    #expect(first.map(\.value) == other.map(\.value))
    #expect(first[1].low != other[1].low || first[1].high != other[1].high)
  }

  @Test("corpus BLEU is resampled from the counts of prompts")
  func corpus() throws {
    let data = try ReferenceData.fixture()
    let scores = try Scorer().score(data.samples)
    let bleu = try #require(scores["bleu"])
    let low = try #require(bleu.low)
    let high = try #require(bleu.high)
    #expect(low < bleu.value && bleu.value < high)
    // The same by hand: counts of samples summed by prompt, prompts in first-seen order.
    var ids: [String] = []
    var rows: [String: [Double]] = [:]
    for example in scores.examples {
      let counts = try #require(example.bleuStatistics).map(Double.init)
      if rows[example.id] == nil { ids.append(example.id) }
      rows[example.id] = zip(rows[example.id] ?? [Double](repeating: 0, count: counts.count), counts).map { $0 + $1 }
    }
    let bootstrap = Bootstrap(prompts: ids.count, resamples: 1000, seed: 0)
    let interval = try #require(
      bootstrap.interval(ids.compactMap { rows[$0] }) { BLEUStatistics(values: Array($0)).score(effectiveOrder: false) }
    )
    #expect(agree(low, interval.low) && agree(high, interval.high))
  }

  @Test("two systems are compared on the same resamples, so what they share cancels")
  func paired() throws {
    let bootstrap = Bootstrap(prompts: 50, resamples: 500, seed: 1)
    let hard = (0..<50).map { [Double($0), 1] }
    let easier = hard.map { [$0[0] + 2, 1] }
    let difference = try #require(bootstrap.pairedDifference(easier, hard) { $0[0] / $0[1] })
    #expect(agree(difference.value, 2) && agree(difference.low, 2) && agree(difference.high, 2))
    let alone = try #require(bootstrap.interval(hard) { $0[0] / $0[1] })
    #expect(alone.high - alone.low > 5)
  }

  @Test("distinct n-grams have an interval that holds their value")
  func distinct() throws {
    let samples = ConventionTests.samples((0..<40).map { ["w\($0) common words", "w\($0 % 7) common x\($0 % 5)"] })
    let estimate = try #require(try Scorer().score(samples)["distinct_1"])
    let low = try #require(estimate.low)
    let high = try #require(estimate.high)
    #expect(low < estimate.value && estimate.value < high && high - low < 0.3)
  }

  @Test("their interval is the jackknife's: each prompt is left out in turn")
  func jackknife() throws {
    let prompts = [["a b a", "c"], ["a d"], ["e f g h", "e e"], ["b"]]
    func counted(_ prompts: [[String]]) -> DistinctNGrams {
      var counted = DistinctNGrams(order: 1)
      for samples in prompts { counted.add(prompt: samples) }
      return counted
    }
    let without = prompts.indices.map { left in
      counted(prompts.indices.filter { $0 != left }.map { prompts[$0] }).ratio ?? .nan
    }
    let mean = without.reduce(0, +) / 4
    // Efron and Tibshirani, eq. 11.5.
    let error = (0.75 * without.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
    let all = counted(prompts)
    let (ratio, found) = (all.ratio, all.interval)
    let (value, interval) = (try #require(ratio), try #require(found))
    #expect(agree(interval.low, max(0, value - 1.959963984540054 * error)))
    #expect(agree(interval.high, min(1, value + 1.959963984540054 * error)))
  }

  @Test("no resamples, no intervals")
  func none() throws {
    let scores = try ConventionTests.scores(ConventionTests.samples([["a"], ["b"]])) { $0.resamples = 0 }
    #expect(scores.metrics.allSatisfy { $0.value.low == nil && $0.value.high == nil })
  }
}

@Suite struct PhiloxTests {
  @Test("Philox4x32-10 gives the numbers of its authors' test vectors")
  func vectors() {
    #expect(Philox.encrypt(SIMD4(0, 0, 0, 0), key: (0, 0)) == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    let ones = UInt32.max
    let all = Philox.encrypt(SIMD4(ones, ones, ones, ones), key: (ones, ones))
    #expect(all == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    let pi = Philox.encrypt(
      SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: (0xA409_3822, 0x299F_31D0))
    #expect(pi == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test("another purpose gives other numbers")
  func purposes() {
    #expect(Philox(seed: 1, purpose: "a").block(0) != Philox(seed: 1, purpose: "b").block(0))
    #expect(Philox(seed: 1, purpose: "a").block(0) != Philox(seed: 1 << 32 | 1, purpose: "a").block(0))
    #expect(Philox(seed: 1, purpose: "a").block(7) == Philox(seed: 1, purpose: "a").block(7))
  }
}

import Testing
import TextMetrics

/// Conventions at which other tools' numbers part.
@Suite struct ConventionTests {
  static func samples(_ texts: [[String]], references: [String] = ["a b c d e"]) -> [ScoredSample] {
    texts.enumerated().flatMap { prompt, texts in
      texts.enumerated().map { ScoredSample(id: "p\(prompt)", sample: $0, text: $1, references: references) }
    }
  }

  static func scores(_ samples: [ScoredSample], _ change: (inout ScoringOptions) -> Void = { _ in }) throws -> Scores {
    var options = ScoringOptions()
    options.resamples = 20
    change(&options)
    return try Scorer(options).score(samples)
  }

  @Test("practice row 30: rougeL and rougeLsum are both there, and the settings name the splitter")
  func splitter() throws {
    let sample = ScoredSample(id: "p", sample: 0, text: "c d\na b", references: ["a b\nc d"])
    let scores = try Self.scores([sample])
    #expect(scores["rougeL"]?.value == 0.5)
    #expect(scores["rougeLsum"]?.value == 1)
    guard case .group(let rouge)? = scores.settings.first(where: { $0.name == "rouge" })?.value,
      case .text(let splitter)? = rouge.first(where: { $0.name == "line_splitter" })?.value
    else {
      Issue.record("settings hold no line splitter")
      return
    }
    #expect(splitter == "\n")
  }

  @Test("practice row 31: k identical samples have Self-BLEU 100")
  func identical() throws {
    let scores = try Self.scores(Self.samples([Array(repeating: "the same words every time", count: 5)]))
    #expect(agree(scores["self_bleu@5"]?.value, 100))
  }

  @Test("practice row 31: a sample is never its own reference")
  func notItself() throws {
    let scores = BLEU().selfScores(of: ["one two three four", "five six seven eight", "nine ten eleven twelve"])
    #expect(scores == [0, 0, 0])
    let pair = BLEU().selfScores(of: ["a b c d", "a b c x"])
    #expect(agree(pair[0], BLEU().sentenceScore(of: "a b c d", references: ["a b c x"])))
  }

  @Test("practice row 31: k stands in the metric's name, is the least number of samples, and moves the value")
  func kInName() throws {
    let texts = [["a b c d e", "a b c d f", "x y z u v", "a b q r s"], ["k l m n o", "k l m p q", "k l z z z"]]
    let scores = try Self.scores(Self.samples(texts))
    let three = try #require(scores["self_bleu@3"])
    #expect(three.count == 2)
    #expect(scores["self_bleu@4"] == nil)
    let expected = texts.map { BLEU().selfScores(of: Array($0.prefix(3))).reduce(0, +) / 3 }
    #expect(agree(three.value, (expected[0] + expected[1]) / 2))
    let two = try Self.scores(Self.samples(texts)) { $0.selfBLEUSamples = 2 }
    #expect(two["self_bleu@2"]?.value != three.value)
    #expect(two.metrics.filter { $0.name.hasPrefix("self_bleu") }.map(\.name) == ["self_bleu@2"])
  }

  @Test("Self-BLEU of more samples than a prompt has is refused with the prompt's id")
  func tooMany() {
    #expect(throws: ScoringError.tooFewSamples(wanted: 3, id: "p0", count: 2)) {
      try Self.scores(Self.samples([["a", "b"]])) { $0.metrics = [.selfBLEU(samples: 3)] }
    }
  }

  @Test("practice row 33: every argument of a score stands in its settings")
  func settings() throws {
    let samples = Self.samples([["a b c", "a d"]])
    func text(_ change: (inout ScoringOptions) -> Void) throws -> String {
      "\(try Self.scores(samples, change).settings)"
    }
    let plain = try text { _ in }
    for word in ["13a", "intl", "char", "exp", "order", "effective_order", "rouge-score 0.1.2", "sacrebleu 2.6.0"] {
      #expect(plain.contains(word), "\(word)")
    }
    #expect(try text { $0.seed = 7 } != plain)
    #expect(try text { $0.resamples = 10 } != plain)
    #expect(try text { $0.metrics = [.bleu(BLEU(lowercase: true))] } != text { $0.metrics = [.bleu(BLEU())] })
    let answers = try text {
      $0.metrics = [.answered]
      $0.answer = (try? AnswerRule(pattern: "([a-z])$")) ?? .afterHashes
    }
    #expect(answers.contains("([a-z])$"))
  }

  @Test("words are told apart by scalars: é is not e with an accent")
  func scalars() {
    #expect(BLEU(tokenization: .none).sentenceScore(of: "caf\u{E9}", references: ["cafe\u{301}"]) == 0)
    let scores = CharacterFScore().statistics(of: "\u{E9}", references: ["e\u{301}"])
    #expect(scores[2] == 0)
    var distinct = DistinctNGrams(order: 1)
    distinct.add(prompt: ["\u{E9} e\u{301}"])
    #expect(distinct.distinct == 2)
  }

  @Test("ids are told apart by bytes")
  func ids() throws {
    let samples = ["\u{E9}", "e\u{301}"].map { ScoredSample(id: $0, sample: 0, text: "a", references: ["a"]) }
    #expect(try Self.scores(samples)["exact_match"]?.value == 1)
    #expect(try Self.scores(samples)["self_bleu@2"] == nil)
  }

  @Test("exact match is byte for byte, against any reference")
  func exactMatch() throws {
    let samples = Self.samples([["a", "b", "a ", "A"]], references: ["a", "b"])
    #expect(try Self.scores(samples)["exact_match"]?.value == 0.5)
    let accent = ScoredSample(id: "p", sample: 0, text: "\u{E9}", references: ["e\u{301}"])
    #expect(try Self.scores([accent])["exact_match"]?.value == 0)
  }

  @Test("samples without references take no part in quality but do in diversity")
  func withoutReferences() throws {
    let samples = [
      ScoredSample(id: "p", sample: 0, text: "a b", references: ["a b"]),
      ScoredSample(id: "p", sample: 1, text: "c d", references: []),
    ]
    let scores = try Self.scores(samples)
    #expect(scores["rouge1"]?.value == 1)
    #expect(scores["rouge1"]?.count == 1)
    #expect(scores["distinct_1"]?.value == 1)
    #expect(scores["self_bleu@2"] != nil)
    let none = try Self.scores([samples[1]])
    #expect(none.metrics.map(\.name) == ["distinct_1", "distinct_2"])
  }

  @Test("empty texts everywhere score 0 and stop nothing")
  func empty() throws {
    let scores = try Self.scores(Self.samples([["", ""], ["", ""]], references: [""]))
    for name in ["rouge1", "rougeLsum", "bleu", "chrf++", "ter", "self_bleu@2"] {
      #expect(scores[name]?.value == 0, "\(name)")
    }
    #expect(scores["exact_match"]?.value == 1)
    #expect(scores["distinct_1"] == nil)
    #expect(throws: ScoringError.noSamples) { try Self.scores([]) }
  }

  @Test("texts with more than a thousand different characters are compared as others are")
  func wideAlphabet() {
    let text = String(String.UnicodeScalarView((0x4E00..<0x4E00 + 1500).compactMap(Unicode.Scalar.init)))
    let score = CharacterFScore()
    #expect(score.score(score.statistics(of: text, references: [text])) == 100)
    let half = String(text.unicodeScalars.prefix(750))
    let statistics = score.statistics(of: half, references: [text])
    #expect(Array(statistics[..<3]) == [750, 1500, 750])
    #expect(Array(statistics[15...]) == [745, 1495, 745])
  }

  @Test("texts longer than a machine word have the common subsequence that a table gives")
  func longTexts() {
    let first = (0..<300).map { "w\($0 * 7 % 31)" }
    let second = (0..<257).map { "w\($0 * 11 % 31)" }
    var table = [[Int]](repeating: [Int](repeating: 0, count: second.count + 1), count: first.count + 1)
    for i in first.indices {
      for j in second.indices {
        table[i + 1][j + 1] = first[i] == second[j] ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
      }
    }
    let score = ROUGE().scores(of: first.joined(separator: " "), references: [second.joined(separator: " ")]).rougeL
    #expect(score.precision == Double(table[300][257]) / 300)
    #expect(score.recall == Double(table[300][257]) / 257)
  }
}

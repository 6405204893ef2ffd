import Testing
import TextMetrics

@Suite struct AnswerTests {
  @Test(
    "equal decimal numbers agree",
    arguments: [
      ("1,234.50", "1234.5"), ("$72", "72."), ("18%", "18"), ("$18.00.", "18"), ("1,000.50.", "1000.5"),
      ("-1,234,567", "-1234567"), ("$-5", "-5"), ("18 %.", "18 %."), ("0", "-0.00"), ("007", "7"), (" 3 ", "3"),
      ("+4", "4"), (".5", "0.50"),
      ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827000"), ("-$5", "-5"),
    ])
  func equal(first: String, second: String) {
    #expect(AnswerReader.agree(first, second))
  }

  @Test(
    "unequal ones do not, however close",
    arguments: [
      ("1234", "1234.5"), ("0.1", "0.1000000000000000055511151231257827"), ("5", "-5"), ("12", "21"), ("5", "five"),
      ("9007199254740993", "9007199254740992"), ("1e3", "1000"), ("1,2", "12"), ("12,34", "1234"),
      ("1234,567", "1234567"), ("1,234,5", "12345"), ("18..", "18"),
      ("18,", "18"), ("1.5,000", "1.5"),
    ])
  func unequal(first: String, second: String) {
    #expect(!AnswerReader.agree(first, second))
  }

  @Test(
    "what is no decimal number is none",
    arguments: [
      "", ".", "-", "$", "1.2.3", "1 2", "x", "--1", "１", "1..", ",", "1,", ",123", "1,23", "%", "$%", "1.2,3",
    ])
  func none(text: String) {
    #expect(DecimalNumber(text) == nil)
  }

  @Test("the usual answer is the first number behind ####, whatever stands around it, as GSM8K's own reader finds it")
  func hashes() {
    let reader = AnswerRule.afterHashes.reader()
    #expect(reader.answer(in: "so it is 3.\n#### 1,000 \nQuestion: #### 5") == "1,000")
    #expect(reader.answer(in: "####5") == "5")
    #expect(reader.answer(in: "#### Step one: add\n2 + 2\n#### 4") == "4")
    #expect(reader.answer(in: "#### 18 dollars") == "18")
    #expect(reader.answer(in: "#### $18.00.") == "$18.00.")
    #expect(reader.answer(in: "##### -7%") == "-7")
    #expect(reader.answer(in: "### 5") == nil)
    #expect(reader.answer(in: "## ## 5") == nil)
    #expect(reader.answer(in: "#### \n5") == nil)
    #expect(reader.answer(in: "") == nil)
  }

  @Test("an expression gives the first group that matched something, or the whole match where no group took part")
  func expression() throws {
    func answer(_ pattern: String, _ text: String) throws -> String? {
      try AnswerRule(pattern: pattern).reader().answer(in: text)
    }
    #expect(try answer(#"answer is (-?[0-9.]+)"#, "The answer is 12.0.") == "12.0.")
    #expect(try answer(#"[0-9]+"#, "a 12 b 13") == "12")
    #expect(try answer(#"[0-9]+"#, "none") == nil)
    // lm-evaluation-harness's flexible-extract.
    let flexible = #"(-?[$0-9.,]{2,})|(-?[0-9]+)"#
    #expect(try answer(flexible, "it is 15") == "15")
    #expect(try answer(flexible, "it is 5") == "5")
    #expect(try answer(#"(x)?y"#, "a y b") == "y")
    #expect(try answer(#"(x*)y(z)"#, "yz") == "z")
    #expect(try answer(#"a(x*)"#, "a") == nil)
    #expect(try answer(#"(\s*)"#, "   ") == nil)
    #expect(try answer("^$", "") == nil)
    #expect(try answer("(.)\0(.)", "a\0b") == "a")
  }

  @Test("as in Python, $ stands before a final line end, too, but not before the one before it")
  func finalLineEnd() throws {
    func answer(_ pattern: String, _ text: String, _ choice: AnswerRule.Choice = .first) throws -> String? {
      try AnswerRule(pattern: pattern, choice: choice).reader().answer(in: text)
    }
    #expect(try answer(#"(\d+)$"#, "x 5\n") == "5")
    #expect(try answer(#"(\d+)$"#, "x 5\n\n") == nil)
    #expect(try answer(#"(\d+)$"#, "x 5") == "5")
    #expect(try answer(#"(\d+)(?:,|$)"#, "1, 5\n") == "1")
    #expect(try answer(#"(\d+)(?:,|$)"#, "1, 5\n", .last) == "5")
    #expect(try answer(#"(\d+)\n"#, "1\n5\n", .last) == "5")
    #expect(try answer(#"[$](\d+)"#, "$1\n$5\n", .last) == "5")
  }

  @Test("the last match is that of those that do not overlap, and an empty match stops nothing")
  func last() throws {
    func answer(_ pattern: String, _ text: String) throws -> String? {
      try AnswerRule(pattern: pattern, choice: .last).reader().answer(in: text)
    }
    #expect(try answer(#"[0-9]+"#, "1 and 22 and 345.") == "345")
    #expect(try answer(#"(-?[$0-9.,]{2,})|(-?[0-9]+)"#, "3 + 4 = 7") == "7")
    #expect(try answer("^[a-z]", "abc") == "a")
    #expect(try answer("a|(é)|", "aé") == nil)
    #expect(try answer("é|a", "aéa é") == "é")
    #expect(try answer("none", "text") == nil)
  }

  @Test(
    "what RE2 refuses is refused with its reason",
    arguments: ["(", "a**b(", #"(a)\1"#, "(?=a)", "(?<!a)b", "[z-a]", "a{2000}", #"\pX"#])
  func refused(pattern: String) {
    let error = #expect(throws: ScoringError.self) { try AnswerRule(pattern: pattern) }
    #expect(error?.description.contains("cannot be read: ") == true)
  }

  @Test("time is linear in the text: a pattern that a backtracker needs minutes for is done at once")
  func linear() throws {
    let text = String(repeating: "lorem ipsum dolor sit amet, ", count: 40_000)
    #expect(try AnswerRule(pattern: #"(?s).*answer is (\d+)"#).reader().answer(in: text) == nil)
    #expect(try AnswerRule(pattern: #"(a*)*b"#).reader().answer(in: String(repeating: "a", count: 100_000)) == nil)
  }

  @Test("accuracy counts samples whose answer is that of any reference, among those whose references hold one")
  func accuracy() throws {
    let references = ["half of 48 is 24\n#### 24", "#### 25"]
    var samples = ["#### $24.00", "#### 25", "#### 23", "24"].enumerated().map {
      ScoredSample(id: "p", sample: $0, text: $1, references: references)
    }
    samples.append(ScoredSample(id: "q", sample: 0, text: "#### 24", references: ["no answer"]))
    let scores = try ConventionTests.scores(samples)
    #expect(scores["accuracy"]?.value == 0.5)
    #expect(scores["accuracy"]?.count == 4)
    #expect(scores["answered"]?.value == 0.8)
  }

  @Test("samples whose references hold no answer are counted, not dropped in silence")
  func shrinks() throws {
    let samples = [("#### 1", "#### 1"), ("#### 2", "two")].enumerated().map {
      ScoredSample(id: "p\($0)", sample: 0, text: $1.0, references: [$1.1])
    }
    let scores = try ConventionTests.scores(samples) { $0.metrics = [.accuracy] }
    #expect(scores["accuracy"]?.count == 1)
    #expect(
      scores.remarks.map(\.description) == [
        "1 of 2 samples have no answer in their references and take no part in accuracy"
      ])
  }
}

import Testing
import TextMetrics

@Suite struct AnswerTests {
  @Test(
    "equal decimal numbers agree",
    arguments: [
      ("1,234.50", "1234.5"), ("$72", "72."), ("0", "-0.00"), ("007", "7"), (" 3 ", "3"), ("+4", "4"), (".5", "0.50"),
      ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827000"), ("-$5", "-5"),
    ])
  func equal(first: String, second: String) {
    #expect(AnswerReader.agree(first, second))
  }

  @Test(
    "unequal ones do not, however close",
    arguments: [
      ("1234", "1234.5"), ("0.1", "0.1000000000000000055511151231257827"), ("5", "-5"), ("12", "21"), ("5", "five"),
      ("9007199254740993", "9007199254740992"), ("1e3", "1000"), ("5%", "5"),
    ])
  func unequal(first: String, second: String) {
    #expect(!AnswerReader.agree(first, second))
  }

  @Test("what is no decimal number is none", arguments: ["", ".", "-", "$", "1.2.3", "1 2", "x", "--1", "１"])
  func none(text: String) {
    #expect(DecimalNumber(text) == nil)
  }

  @Test("an answer follows the first #### to the end of its line")
  func hashes() {
    let reader = AnswerRule.afterHashes.reader()
    #expect(reader.answer(in: "so it is 3.\n#### 1,000 \nQuestion: #### 5") == "1,000")
    #expect(reader.answer(in: "####5") == "5")
    #expect(reader.answer(in: "### 5") == nil)
    #expect(reader.answer(in: "## ## 5") == nil)
    #expect(reader.answer(in: "#### \n5") == nil)
    #expect(reader.answer(in: "") == nil)
  }

  @Test("an expression gives its first group, or the whole match")
  func expression() throws {
    #expect(try AnswerRule(pattern: #"answer is (-?[0-9.]+)"#).reader().answer(in: "The answer is 12.0.") == "12.0.")
    #expect(try AnswerRule(pattern: #"[0-9]+"#).reader().answer(in: "a 12 b 13") == "12")
    #expect(try AnswerRule(pattern: #"[0-9]+"#).reader().answer(in: "none") == nil)
    #expect(throws: ScoringError.self) { try AnswerRule(pattern: "(") }
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
}

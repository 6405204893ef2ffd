import CanonicalJSON
import SystemPackage
import TestSupport
import Testing
import Tokenization

/// Real tokenizers, which lie beside the project and are not part of it.
@Suite struct SharedDataTests {
  private static let absent: Comment = "skipped: needs the shared data beside the project"

  private static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Fixture.bytes(try #require(Fixture.shared(name))))
  }

  @Test(
    "real tokenizers give the golden ids and texts (practice row 19)",
    .enabled(if: Fixture.shared("data/tokenizers") != nil, absent), arguments: ["gpt2", "roberta-base", "phi-3"])
  func golden(name: String) throws {
    let golden = try Self.json("data/tokenizers/golden_encodings.json")
    let tokenizer = try Tokenizer(contentsOf: try #require(Fixture.shared("data/tokenizers/\(name)")))
    let expected = try #require(golden["tokenizers"]?[name])
    #expect(tokenizer.vocabularySize == expected["vocab_size_with_added"]?.integer)
    let ids = try #require(expected["ids"]?.array)
    for (index, text) in golden["texts"].strings.enumerated() {
      let tokens = tokenizer.encode(text, addSpecialTokens: true)
      #expect(tokens == Optional(ids[index]).tokens, "\(text)")
      let decoded = expected["decoded_skip_special"]?.array?[index].string
      #expect(tokenizer.decode(tokens, skipSpecialTokens: true).isSame(as: decoded), "\(text)")
    }
  }

  @Test(
    "300 nasty strings have the golden ids", .enabled(if: Fixture.shared("golden/tokenizer") != nil, absent))
  func nasty() throws {
    let tokenizer = try Tokenizer(contentsOf: try #require(Fixture.shared("golden/tokenizer/bpe")))
    for line in try Fixture.lines(try #require(Fixture.shared("golden/tokenizer/expected.jsonl"))) {
      let row = try JSONValue(parsing: line)
      let text = try #require(row["text"]?.string)
      let tokens = tokenizer.encode(text, addSpecialTokens: false)
      #expect(tokens == row["bpe"]?["ids"].tokens, "\(text)")
      #expect(tokenizer.decode(tokens, skipSpecialTokens: true).isSame(as: row["bpe"]?["decoded"]?.string))
    }
  }

  @Test(
    "the Llama of 260,000 parameters has its golden ids, the begin token first",
    .enabled(if: Fixture.shared("data/stories260k-hf") != nil, absent))
  func stories() throws {
    let tokenizer = try Tokenizer(contentsOf: try #require(Fixture.shared("data/stories260k-hf")))
    #expect(tokenizer.template.before == [1])
    for row in try #require(Self.json("data/stories260k-hf/golden.json")["encodings"]?.array) {
      #expect(tokenizer.encode(try #require(row["text"]?.string), addSpecialTokens: true) == row["ids"].tokens)
    }
  }

  @Test("a Unigram tokenizer is refused", .enabled(if: Fixture.shared("data/tokenizers") != nil, absent))
  func unigram() throws {
    let folder = try #require(Fixture.shared("data/tokenizers/t5-small"))
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: folder) }
    #expect(error?.description.contains("is not supported") == true)
  }
}

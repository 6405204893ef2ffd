import CanonicalJSON
import SystemPackage
import TestSupport
import Testing
import Tokenization

@Suite struct TrainingTests {
  private func merges(_ tokenizer: Tokenizer) throws -> [JSONValue] {
    try TemporaryFolder.with { folder in
      try tokenizer.write(to: folder)
      let json = try JSONValue(parsing: Fixture.bytes(folder.appending("tokenizer.json")))
      return try #require(json["model"]?["merges"]?.array)
    }
  }

  @Test("the trainer learns the reference's merges in the reference's order", arguments: 0..<9)
  func reference(index: Int) throws {
    let row = try #require(ReferenceData.json("training.json").array)[index]
    let texts = try row["texts"]?.array == nil ? ReferenceData.corpus() : row["texts"].strings
    var trainer = try BytePairTrainer(vocabularySize: try #require(row["size"]?.integer))
    for text in texts { trainer.add(text) }
    let tokenizer = try trainer.train()
    let expected = try #require(row["merges"]?.array)
    #expect(try merges(tokenizer) == expected, "\(row["name"]?.string ?? "")")
    #expect(tokenizer.vocabularySize == row["vocabulary"]?.integer)
    #expect(tokenizer.vocabularyEntry(TokenID(tokenizer.vocabularySize - 1)) == row["last"]?.string)
  }

  @Test("the order of texts does not matter")
  func order() throws {
    var forward = try BytePairTrainer(vocabularySize: 500)
    var backward = try BytePairTrainer(vocabularySize: 500)
    for text in try ReferenceData.corpus() { forward.add(text) }
    for text in try ReferenceData.corpus().reversed() { backward.add(text) }
    #expect(try merges(forward.train()) == merges(backward.train()))
  }

  @Test("the end token is first, then the bytes in the order of their characters, and begins and ends texts")
  func layout() throws {
    let tokenizer = try BytePairTrainer(vocabularySize: 257).train()
    #expect(tokenizer.vocabularySize == 257)
    #expect(tokenizer.vocabularyEntry(0) == "<|endoftext|>")
    #expect(tokenizer.bytes(1) == Array("!".utf8))
    #expect(tokenizer.vocabularyEntry(256) == "\u{143}")
    #expect(tokenizer.endToken == 0 && tokenizer.beginToken == 0)
    #expect(tokenizer.template == SpecialTokenTemplate())
  }

  @Test("a pair seen once is not merged, one seen twice is")
  func frequency() throws {
    var trainer = try BytePairTrainer(vocabularySize: 300)
    trainer.add("ab cd")
    trainer.add("ab")
    #expect(try merges(trainer.train()) == [["a", "b"]])
  }

  @Test("a vocabulary without room for all bytes is refused")
  func tooSmall() {
    #expect(throws: TokenizerError.vocabularyTooSmall(size: 256, least: 257)) {
      try BytePairTrainer(vocabularySize: 256)
    }
  }
}

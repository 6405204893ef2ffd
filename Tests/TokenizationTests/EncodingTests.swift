import CanonicalJSON
import SystemPackage
import TestSupport
import Testing
import Tokenization

/// Practice row 19: ids and text are those of the reference.
@Suite struct EncodingTests {
  @Test("ids and decoded texts are the reference's for every shape of tokenizer", arguments: ReferenceData.shapes)
  func reference(shape: String) throws {
    let tokenizer = try ReferenceData.tokenizer(shape)
    let expected = try ReferenceData.json("\(shape)/expected.json")
    #expect(tokenizer.vocabularySize == expected["size"]?.integer)
    #expect(tokenizer.encode("", addSpecialTokens: true) == expected["special"].tokens)
    let rows = try #require(expected["rows"]?.array)
    for (text, row) in zip(try ReferenceData.texts(), rows) {
      let parts = try #require(row.array)
      #expect(tokenizer.encode(text, addSpecialTokens: false) == parts.first.tokens, "\(text)")
      let whole = tokenizer.encode(text, addSpecialTokens: true)
      #expect(tokenizer.decode(whole, skipSpecialTokens: false).isSame(as: parts[1].string), "\(text)")
      #expect(tokenizer.decode(whole, skipSpecialTokens: true).isSame(as: parts[2].string), "\(text)")
    }
  }

  @Test("ids in any order decode as in the reference, broken characters included", arguments: ReferenceData.shapes)
  func loose(shape: String) throws {
    let tokenizer = try ReferenceData.tokenizer(shape)
    for row in try #require(ReferenceData.json("\(shape)/expected.json")["loose"]?.array) {
      let parts = try #require(row.array)
      let tokens = parts.first.tokens
      #expect(tokenizer.decode(tokens, skipSpecialTokens: false).isSame(as: parts[1].string), "\(tokens)")
      #expect(tokenizer.decode(tokens, skipSpecialTokens: true).isSame(as: parts[2].string), "\(tokens)")
    }
  }

  @Test("a byte-level tokenizer gives every text back (practice row 19)", arguments: ReferenceData.losslessShapes)
  func roundTrip(shape: String) throws {
    let tokenizer = try ReferenceData.tokenizer(shape)
    for text in try ReferenceData.texts() {
      let tokens = tokenizer.encode(text, addSpecialTokens: false)
      #expect(tokenizer.decode(tokens, skipSpecialTokens: false).isSame(as: text))
    }
  }

  @Test("what was encoded before changes nothing")
  func memory() throws {
    let tokenizer = try ReferenceData.tokenizer("gpt2")
    let texts = try ReferenceData.texts()
    let first = texts.map { tokenizer.encode($0, addSpecialTokens: false) }
    let again = texts.reversed().map { tokenizer.encode($0, addSpecialTokens: false) }
    #expect(Array(again.reversed()) == first)
  }

  @Test("many threads share a tokenizer and get the same ids")
  func threads() async throws {
    let tokenizer = try ReferenceData.tokenizer("added-tokens")
    let texts = try ReferenceData.texts()
    let alone = texts.map { tokenizer.encode($0, addSpecialTokens: false) }
    let together = await withTaskGroup(of: [[TokenID]].self) { group in
      for _ in 0..<8 { group.addTask { texts.map { tokenizer.encode($0, addSpecialTokens: false) } } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(together.allSatisfy { $0 == alone })
  }

  @Test("bytes are appended to tokens that are there, also bytes that are no UTF-8")
  func bytes() throws {
    let tokenizer = try ReferenceData.tokenizer("gpt2")
    var tokens: [TokenID] = [7]
    let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x20, 0xF0, 0x9F, 0x98]
    bytes.withUnsafeBufferPointer { tokenizer.encode($0, into: &tokens) }
    #expect(tokens.first == 7)
    #expect(tokens.dropFirst().flatMap { tokenizer.bytes($0) } == bytes)
    #expect(tokenizer.decode(tokens.dropFirst(), skipSpecialTokens: false) == "a\u{FFFD}\u{FFFD} \u{FFFD}")
  }

  @Test("added tokens written in a text are counted")
  func addedTokens() throws {
    let plain = try ReferenceData.tokenizer("gpt2")
    #expect(plain.addedTokenCount(in: "a<|endoftext|>b <|endoftext|>") == 2)
    #expect(plain.addedTokenCount(in: "<|endoftext") == 0)
    let many = try ReferenceData.tokenizer("added-tokens")
    #expect(many.addedTokenCount(in: "the <mask> there, thethe") == 2)
  }

  @Test("pieces can be read: text as text, parts of characters as bytes")
  func pieces() throws {
    let tokenizer = try ReferenceData.tokenizer("gpt2")
    let the = try #require(tokenizer.token(of: "Ġthe"))
    #expect(tokenizer.piece(the) == " the")
    #expect(tokenizer.vocabularyEntry(the) == "Ġthe")
    #expect(tokenizer.bytes(the) == Array(" the".utf8))
    #expect(tokenizer.piece(try #require(tokenizer.token(of: "Ã"))) == "\\xC3")
    #expect(tokenizer.piece(0) == "<|endoftext|>")
    #expect(tokenizer.isSpecial(0) && !tokenizer.isSpecial(the))
    #expect(tokenizer.token(of: "no such piece") == nil)
    #expect(tokenizer.vocabularyEntry(100_000) == nil && tokenizer.vocabularyEntry(-1) == nil)
    let llama = try ReferenceData.tokenizer("llama")
    #expect(llama.piece(try #require(llama.token(of: "▁the▁"))) == " the ")
  }
}

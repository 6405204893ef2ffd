import CanonicalJSON
import SystemPackage
import TestSupport
import Testing
import Tokenization

@Suite struct TokenizerFileTests {
  private static let minimal = """
    {"added_tokens": [{"id": 2, "content": "<e>", "special": true, "normalized": false}], "normalizer": NORMALIZER,
    "pre_tokenizer": PRETOKENIZER, "post_processor": POSTPROCESSOR, "decoder": DECODER,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
    """

  private func load(_ text: String, configuration: String? = nil) throws -> Tokenizer {
    try TemporaryFolder.with { folder in
      var text = text
      for (name, value) in [
        ("PRETOKENIZER", #"{"type": "ByteLevel", "add_prefix_space": false}"#), ("NORMALIZER", "null"),
        ("POSTPROCESSOR", "null"), ("DECODER", #"{"type": "ByteLevel"}"#),
      ] { text = text.split(separator: name, omittingEmptySubsequences: false).joined(separator: value) }
      try TemporaryFolder.write(text, to: folder.appending("tokenizer.json"))
      if let configuration {
        try TemporaryFolder.write(configuration, to: folder.appending("tokenizer_config.json"))
      }
      return try Tokenizer(contentsOf: folder)
    }
  }

  private func minimal(_ name: String, _ value: String) -> String {
    Self.minimal.split(separator: name, omittingEmptySubsequences: false).joined(separator: value)
  }

  @Test(
    "practice row 20: tokenizers are alike whatever their files' layout, and differ in a merge, a token or a component")
  func comparison() throws {
    let text = minimal(
      #""vocab": {"a": 0, "b": 1}, "merges": []"#, #""vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]"#
    )
    .split(separator: #""id": 2"#, omittingEmptySubsequences: false).joined(separator: #""id": 3"#)
    func replaced(_ old: String, _ new: String) throws -> Tokenizer {
      let parts = text.split(separator: old, omittingEmptySubsequences: false)
      #expect(parts.count > 1, "\(old)")
      return try load(parts.joined(separator: new))
    }
    let tokenizer = try load(text)
    for (old, new) in [
      (#"[["a", "b"]]"#, #"["a b"]"#), (#"{"added_tokens""#, #"{"truncation": {"max_length": 3}, "added_tokens""#),
      (#""a": 0, "b": 1"#, #""b": 1,   "a": 0"#),
    ] { #expect(tokenizer.encodesTexts(like: try replaced(old, new)), "\(new)") }
    #expect(tokenizer.encodesTexts(like: try load(text, configuration: #"{"eos_token": "<e>"}"#)))
    for (old, new) in [
      (#"[["a", "b"]]"#, "[]"), (#""a": 0, "b": 1"#, #""a": 1, "b": 0"#), ("<e>", "<f>"),
      ("NORMALIZER", #"{"type": "NFC"}"#),
    ] { #expect(!tokenizer.encodesTexts(like: try replaced(old, new)), "\(new)") }
  }

  @Test(
    "a component that is not supported is refused by its name",
    arguments: [
      ("PRETOKENIZER", #"{"type": "Metaspace"}"#, "pre_tokenizer of type Metaspace"),
      (
        "PRETOKENIZER",
        #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"#,
        "pre_tokenizer.pretokenizers[1] of type Digits after ByteLevel"
      ),
      (
        "PRETOKENIZER", #"{"type": "Split", "pattern": {"Regex": "\\d"}, "behavior": "Isolated", "invert": false}"#,
        #"the pattern \d"#
      ),
      (
        "PRETOKENIZER",
        #"{"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": false}"#, "a fixed text"
      ),
      ("NORMALIZER", #"{"type": "Lowercase"}"#, "normalizer of type Lowercase"),
      ("NORMALIZER", #"{"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""}"#, "expression a+"),
      ("POSTPROCESSOR", #"{"type": "Other"}"#, "post_processor of type Other"),
      ("DECODER", #"{"type": "WordPiece"}"#, "decoder of type WordPiece"),
      (#""type": "BPE","#, #""type": "WordPiece","#, "a model of type WordPiece"),
      (#""type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []"#, #""vocab": [], "unk_id": 0"#, "of type Unigram"),
      (#""merges": []"#, #""merges": [], "end_of_word_suffix": "</w>""#, "model.end_of_word_suffix"),
      (#""merges": []"#, #""merges": [], "dropout": 0.1"#, "model.dropout 0.1"),
    ])
  func unsupported(name: String, value: String, message: String) throws {
    let error = #expect(throws: TokenizerError.self) { try load(minimal(name, value)) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    #expect(error?.description.contains("tokenizer.json: ") == true)
  }

  @Test(
    "a file that contradicts itself is refused with the place",
    arguments: [
      (#""merges": []"#, #""merges": [["a", "b"]]"#, #"merge 0 needs the piece "ab""#),
      (#""merges": []"#, #""merges": ["a b c"]"#, "model.merges[0] must be two pieces"),
      (#""b": 1"#, #""b": -1"#, #"model.vocab, "b", must be a number from 0"#),
      (#""id": 2"#, #""id": 5"#, #"added_tokens[0].id must be 2, the number that "<e>" gets in the reference, not 5"#),
      (#""merges": []"#, #""merges": [], "unk_token": "<u>""#, #"model.unk_token names "<u>""#),
      (#""merges": []"#, #""merges": {}"#, "model.merges must be an array"),
      (#""merges": []"#, #""merges": ["#, "tokenizer.json, line 3"),
    ])
  func malformed(name: String, value: String, message: String) throws {
    let error = #expect(throws: TokenizerError.self) { try load(minimal(name, value)) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test("a folder without a tokenizer is refused with what was expected")
  func nothing() throws {
    try TemporaryFolder.with { folder in
      _ = #expect(throws: TokenizerError.notFound(folder)) { try Tokenizer(contentsOf: folder) }
    }
  }

  @Test(
    "begin and end token come from the configuration, as a name or an object; the end token else by its usual names",
    arguments: [
      (#"{"eos_token": "<e>", "bos_token": {"content": "a", "special": true}}"#, 2, 0),
      (#"{"eos_token": null}"#, nil, nil),
    ] as [(String, Int32?, Int32?)])
  func beginAndEnd(configuration: String, end: Int32?, begin: Int32?) throws {
    let tokenizer = try load(Self.minimal, configuration: configuration)
    #expect(tokenizer.endToken?.value == end)
    #expect(tokenizer.beginToken?.value == begin)
    #expect(try load(Self.minimal.replacing("<e>", with: "</s>")).endToken == 2)
    #expect(try load(Self.minimal.replacing("<e>", with: "<|endoftext|>")).endToken == 2)
  }

  @Test("of added tokens that begin alike the longest is matched")
  func longest() throws {
    let tokenizer = try load(
      Self.minimal.replacing(
        #""added_tokens": ["#,
        with: #""added_tokens": [{"id": 3, "content": "<e>b", "special": true, "normalized": false}, "#
      ).replacing(#""b": 1"#, with: #""b": 1, "<e>": 2, "<e>b": 3"#))
    #expect(tokenizer.encode("a<e>b<e>a<e>", addSpecialTokens: false) == [0, 3, 2, 0, 2])
  }

  @Test("what stands around prompts is written with the tokenizer and read again")
  func convention() throws {
    let tokenizer = try load(Self.minimal, configuration: #"{"eos_token": "<e>"}"#)
    #expect(tokenizer.promptConvention == .usual && tokenizer.encode(prompt: "a") == [0])
    try TemporaryFolder.with { folder in
      let closed = PromptConvention(begins: false, ends: true)
      try tokenizer.write(to: folder, closed)
      let again = try Tokenizer(contentsOf: folder)
      #expect(again.promptConvention == closed && again.encode(prompt: "a") == [0, 2])
      try again.write(to: folder, .usual)
      #expect(try Tokenizer(contentsOf: folder).promptConvention == .usual)
    }
  }

  @Test("an end token that the vocabulary lacks is refused")
  func unknownEnd() throws {
    let error = #expect(throws: TokenizerError.self) {
      try load(Self.minimal, configuration: #"{"eos_token": "<stop>"}"#)
    }
    #expect(error?.description.contains(#"tokenizer_config.json: eos_token names "<stop>""#) == true)
  }

  @Test("a tokenizer is written byte for byte as it was read")
  func verbatim() throws {
    try TemporaryFolder.with { folder in
      let source = folder.appending("source")
      let configuration =
        "{ \"eos_token\":\"<|endoftext|>\", \"bos_token\": \"!\",\n \"model_max_length\": 1e30, \"x\": [] }"
      try TemporaryFolder.write(configuration, to: source.appending("tokenizer_config.json"))
      let text = try Fixture.bytes(Fixture.path("tokenization/llama3/tokenizer.json"))
      try TemporaryFolder.write(String(decoding: text, as: UTF8.self), to: source.appending("tokenizer.json"))
      try Tokenizer(contentsOf: source.appending("tokenizer.json")).write(to: folder)
      #expect(try Fixture.bytes(folder.appending("tokenizer.json")) == text)
      #expect(try Fixture.bytes(folder.appending("tokenizer_config.json")) == Array(configuration.utf8))
    }
  }

  @Test("a written tokenizer names its end token even where only the vocabulary or an older file did")
  func completed() throws {
    try TemporaryFolder.with { folder in
      try ReferenceData.tokenizer("gpt2").write(to: folder)
      let written = try JSONValue(parsing: Fixture.bytes(folder.appending("tokenizer_config.json")))
      #expect(written["eos_token"]?.string == "<|endoftext|>")
      let again = folder.appending("again")
      try TemporaryFolder.write(#"{"eos_token": {"content": "!"}}"#, to: again.appending("special_tokens_map.json"))
      let text = String(decoding: try Fixture.bytes(Fixture.path("tokenization/gpt2/tokenizer.json")), as: UTF8.self)
      try TemporaryFolder.write(text, to: again.appending("tokenizer.json"))
      let tokenizer = try Tokenizer(contentsOf: again)
      #expect(tokenizer.endToken == 1)
      try tokenizer.write(to: folder)
      #expect(try Tokenizer(contentsOf: folder).endToken == 1)
    }
  }

  @Test("vocab.json and merges.txt give the ids that the tokenizer.json with the same content gives")
  func legacy() throws {
    let json = try ReferenceData.json("gpt2/tokenizer.json")
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(try #require(json["model"]?["vocab"]).text, to: folder.appending("vocab.json"))
      let merges = try #require(json["model"]?["merges"]?.array).map { $0.array?.compactMap(\.string) ?? [] }
      let lines = ["#version: 0.2"] + merges.map { $0.joined(separator: " ") } + [""]
      try TemporaryFolder.write(lines.joined(separator: "\n"), to: folder.appending("merges.txt"))
      let tokenizer = try Tokenizer(contentsOf: folder)
      let reference = try ReferenceData.tokenizer("gpt2")
      for text in try ReferenceData.texts() {
        #expect(
          tokenizer.encode(text, addSpecialTokens: true) == reference.encode(text, addSpecialTokens: true), "\(text)")
      }
      #expect(tokenizer.endToken == 0 && tokenizer.beginToken == 0)
      let written = folder.appending("written")
      try TemporaryFolder.write("", to: written.appending("x"))
      try tokenizer.write(to: written)
      #expect(
        try Tokenizer(contentsOf: written).encode("the end", addSpecialTokens: false)
          == reference.encode("the end", addSpecialTokens: false))
    }
  }
}

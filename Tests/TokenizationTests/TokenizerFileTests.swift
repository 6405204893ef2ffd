import CanonicalJSON
import Glibc
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
      (
        #""b": 1"#, #""b": 2147483646"#, "model.vocab must be numbered without great gaps: the highest id is 2147483646"
      ),
      (#""b": 1"#, #""b": 1e15"#, #"model.vocab, "b", must be a number from 0"#),
      (
        "POSTPROCESSOR", #"{"type": "RobertaProcessing", "cls": ["a", 9000000000], "sep": ["b", 1]}"#,
        "post_processor must be"
      ),
      ("POSTPROCESSOR", #"{"type": "RobertaProcessing", "cls": ["a", 0], "sep": ["b", -1]}"#, "post_processor must be"),
      (
        "POSTPROCESSOR",
        #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"a": {"ids": [4294967296]}}}"#,
        "post_processor.single must be"
      ),
      (
        "NORMALIZER",
        #"{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "e"}, "content": "eeeeeeeeeeeeeeeeeeee"}, {"type": "Replace", "pattern": {"String": "e"}, "content": "eeeeeeeeeeeeeeeeeeee"}]}"#,
        "normalizer must be steps that make a text at most 256 times longer; these can make it 400.0 times longer"
      ),
      (
        "DECODER",
        #"{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "e"}, "content": "eeeeeeeeeeeeeeeeeeee"}, {"type": "Replace", "pattern": {"String": "e"}, "content": "eeeeeeeeeeeeeeeeeeee"}]}"#,
        "decoder must be steps"
      ),
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

  // MARK: Two sources of one fact

  private static func declared(_ id: Int, _ content: String) -> String {
    #""\#(id)": {"content": "\#(content)", "lstrip": false, "normalized": false, "rstrip": false, "single_word": false, "special": true}"#
  }

  @Test("a token that only tokenizer_config.json declares is added as transformers does, and said")
  func declaredTokens() throws {
    let plain = try load(Self.minimal, configuration: #"{"eos_token": "<e>"}"#)
    #expect(plain.notes.isEmpty && plain.vocabularySize == 3)
    let tokenizer = try load(
      Self.minimal,
      configuration:
        #"{"eos_token": "<f>", "added_tokens_decoder": {\#(Self.declared(4, "<g>")), \#(Self.declared(3, "<f>")), \#(Self.declared(2, "<e>"))}}"#
    )
    #expect(tokenizer.encode("a<f>b<g><e>", addSpecialTokens: false) == [0, 3, 1, 4, 2])
    #expect(tokenizer.endToken == 3 && tokenizer.vocabularySize == 5 && tokenizer.isSpecial(4))
    #expect(tokenizer.decode([0, 3, 1] as [TokenID], skipSpecialTokens: true) == "ab")
    #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains("<f>, <g>"))
    #expect(!plain.encodesTexts(like: tokenizer))
    try TemporaryFolder.with { folder in
      try tokenizer.write(to: folder)
      let again = try Tokenizer(contentsOf: folder)
      #expect(again.encodesTexts(like: tokenizer) && again.endToken == 3)
      let outline = try TokenizerOutline(contentsOf: folder)
      #expect(outline.vocabularySize == 5 && outline.endToken == 3 && outline.notes == again.notes)
    }
  }

  @Test(
    "a token that the two files number differently, or that the reference would, is refused",
    arguments: [declared(9, "<f>"), declared(1, "<e>"), declared(1, "a"), #""x": {"content": "y"}"#])
  func misnumbered(entry: String) throws {
    let error = #expect(throws: TokenizerError.self) {
      try load(Self.minimal, configuration: #"{"added_tokens_decoder": {\#(entry)}}"#)
    }
    #expect(error?.description.contains("tokenizer_config.json: added_tokens_decoder") == true)
  }

  @Test(
    "flags of an added token that both files declare: those of the configuration are taken, as in transformers, and said",
    arguments: [
      (#""lstrip": true"#, "a <x>b", [0, 4, 1], "lstrip true"),
      (#""rstrip": true"#, "a<x> b", [0, 4, 1], "rstrip true"),
      (#""single_word": true"#, "a<x>", [0], "single_word true"),
    ] as [(String, String, [TokenID], String)])
  func declaredFlags(flag: String, text: String, tokens: [TokenID], note: String) throws {
    let file = Self.minimal.replacing(#""b": 1"#, with: #""b": 1, "Ġ": 2, "<e>": 3, "<x>": 4"#)
      .replacing(
        #"{"id": 2, "#,
        with:
          #"{"id": 4, "content": "<x>", "lstrip": false, "rstrip": false, "single_word": false, "normalized": false, "special": true}, {"id": 3, "#
      )
    let other = #"{"added_tokens_decoder": {"4": {"content": "<x>", \#(flag), "normalized": false, "special": true}}}"#
    let plain = try load(file, configuration: "{}")
    #expect(plain.encode(text, addSpecialTokens: false) != tokens)
    let tokenizer = try load(file, configuration: other)
    #expect(tokenizer.encode(text, addSpecialTokens: false) == tokens)
    #expect(tokenizer.notes.filter { $0.contains("other flags of added tokens") && $0.contains(note) }.count == 1)
    #expect(!tokenizer.encodesTexts(like: plain))
    let same = #"{"added_tokens_decoder": {"4": {"content": "<x>", "special": true}}}"#
    #expect(try load(file, configuration: same).notes.isEmpty)
  }

  @Test("a special token is found as it is written, before the normaliser, unless its entry says otherwise")
  func specialBeforeNormalizer() throws {
    let composes = minimal("NORMALIZER", #"{"type": "NFC"}"#)
      .replacing("<e>", with: "<é>").replacing(#""b": 1"#, with: #""b": 1, "<é>": 2, "<ü>": 3, "Ġ": 4"#)
    let (e, u) = ("<e\u{301}>", "<u\u{308}>")
    let plain = composes.replacing(#""special": true, "normalized": false"#, with: #""special": true"#)
    #expect(try load(plain).encode("a<é>a\(e)", addSpecialTokens: false) == [0, 2, 0])
    let other = composes.replacing(#""special": true, "normalized": false"#, with: #""special": false"#)
    #expect(try load(other).encode("a<é>a\(e)", addSpecialTokens: false) == [0, 2, 0, 2])
    // So does one that the vocabulary holds and a name alone makes special, with the flags of its entry.
    let named = try load(plain, configuration: #"{"eos_token": "<é>", "bos_token": "<ü>"}"#)
    #expect(named.encode("a<ü>a\(u)", addSpecialTokens: false) == [0, 3, 0])
    #expect(named.isSpecial(3) && named.encode("a <ü>", addSpecialTokens: false) == [0, 4, 3])
    let flagged = try load(
      plain, configuration: #"{"eos_token": "<é>", "bos_token": {"content": "<ü>", "lstrip": true}}"#)
    #expect(flagged.isSpecial(3) && flagged.encode("a <ü>", addSpecialTokens: false) == [0, 3])
  }

  @Test("what tokenizer.json calls special stays so whatever the configuration says")
  func staysSpecial() throws {
    let tokenizer = try load(
      Self.minimal,
      configuration:
        #"{"eos_token": "<e>", "added_tokens_decoder": {"2": {"content": "<e>", "normalized": false, "special": false}}}"#
    )
    #expect(tokenizer.isSpecial(2) && tokenizer.notes.isEmpty, "\(tokenizer.notes)")
  }

  @Test("a merges.txt beside a tokenizer that has no merges is nothing to tell")
  func mergesOfAnother() throws {
    try TemporaryFolder.with { folder in
      let text = #"{"model": {"type": "Unigram", "vocab": [["<e>", 0], ["a", -1]]}, "added_tokens": []}"#
      try TemporaryFolder.write(text, to: folder.appending("tokenizer.json"))
      try TemporaryFolder.write(#"{"eos_token": "<e>"}"#, to: folder.appending("tokenizer_config.json"))
      try TemporaryFolder.write("#version: 0.2\na b\n", to: folder.appending("merges.txt"))
      #expect(try TokenizerOutline(contentsOf: folder).notes.isEmpty)
    }
  }

  @Test("split_special_tokens, which transformers obeys, is said")
  func splitSpecialTokens() throws {
    let tokenizer = try load(Self.minimal, configuration: #"{"eos_token": "<e>", "split_special_tokens": true}"#)
    #expect(tokenizer.encode("a<e>", addSpecialTokens: false) == [0, 2])
    #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains("split_special_tokens true"))
    #expect(
      try load(Self.minimal, configuration: #"{"eos_token": "<e>", "split_special_tokens": false}"#).notes.isEmpty)
  }

  @Test(
    "vocab.json and merges.txt beside tokenizer.json are not read, and said where they differ",
    arguments: [
      (#"{"a": 0, "b": 1, "ab": 2}"#, "#version: 0.2\na b\n", []),
      (#"{"a": 0, "b": 1, "ab": 2, "<e>": 3}"#, "a b", []), (#"{"a": 0, "b": 2, "ab": 1}"#, "a b\n", ["vocab.json"]),
      (#"{"a": 0, "b": 1}"#, "a b\n", ["vocab.json"]), (#"{"a": 0,"#, "b a\n", ["vocab.json", "merges.txt"]),
      (#"{"a": 0, "b": 1, "ab": 2}"#, "", ["merges.txt"]),
    ])
  func olderVocabulary(vocabulary: String, merges: String, named: [String]) throws {
    try TemporaryFolder.with { folder in
      let text =
        #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]},"#
        + #""added_tokens": [{"id": 3, "content": "<e>", "special": true, "normalized": false}],"#
        + #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"}}"#
      try TemporaryFolder.write(text, to: folder.appending("tokenizer.json"))
      try TemporaryFolder.write(#"{"eos_token": "<e>"}"#, to: folder.appending("tokenizer_config.json"))
      try TemporaryFolder.write(vocabulary, to: folder.appending("vocab.json"))
      try TemporaryFolder.write(merges, to: folder.appending("merges.txt"))
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.encode("ab", addSpecialTokens: false) == [2])
      #expect(tokenizer.notes.map { $0.prefix { $0 != " " } } == named.map { $0[...] })
      #expect(try TokenizerOutline(contentsOf: folder).notes == tokenizer.notes)
    }
  }

  @Test("a special token that is named and stands in the vocabulary alone is matched in texts, as in transformers")
  func namedSpecial() throws {
    let text = Self.minimal.replacing(#""b": 1"#, with: #""b": 1, "<e>": 2, "<u>": 3"#)
    #expect(try load(text, configuration: "{}").encode("a<u>", addSpecialTokens: false) != [0, 3])
    let named = try load(text, configuration: #"{"eos_token": "<e>", "additional_special_tokens": ["<u>"]}"#)
    #expect(named.encode("a<u>", addSpecialTokens: false) == [0, 3] && named.notes.isEmpty)
    let absent = try load(text, configuration: #"{"eos_token": "<e>", "pad_token": "<pad>\u0007"}"#)
    #expect(absent.vocabularySize == 4 && absent.notes.count == 1 && absent.notes[0].contains(#"<pad>\u{7}"#))
  }

  @Test(
    "add_prefix_space of the two files: GPT-2's classes follow the configuration, others tokenizer.json, and it is said"
  )
  func prefixSpace() throws {
    let text = Self.minimal.replacing(#""b": 1"#, with: #""b": 1, "Ġ": 2, "<e>": 3"#)
      .replacing(#""id": 2"#, with: #""id": 3"#)
    for (type, expected) in [("GPT2TokenizerFast", [2, 0]), ("PreTrainedTokenizerFast", [0])] as [(String, [TokenID])] {
      let tokenizer = try load(
        text, configuration: #"{"eos_token": "<e>", "tokenizer_class": "\#(type)", "add_prefix_space": true}"#)
      #expect(tokenizer.encode("a", addSpecialTokens: false) == expected)
      #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains("add_prefix_space true, tokenizer.json false"))
    }
    let same = try load(text, configuration: #"{"eos_token": "<e>", "add_prefix_space": false}"#)
    #expect(same.notes.isEmpty)
    // Qwen2's class puts the blank before every word of its pattern.
    let qwen = text.replacing(
      "PRETOKENIZER",
      with:
        #"{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}"#
    )
    let apart = try load(
      qwen, configuration: #"{"eos_token": "<e>", "tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": true}"#)
    #expect(apart.encode("a!b", addSpecialTokens: false) == [2, 0, 2, 1])
    for (type, expected, words) in [
      ("Qwen2Tokenizer", [2, 0, 2, 1], "the first is followed"),
      ("RobertaTokenizerFast", [0, 2, 1], "may build RobertaTokenizerFast by rules of its own"),
      ("TokenizersBackend", [0, 2, 1], "the second is followed, as in transformers"),
      ("Qwen2TokenizerExtra", [0, 2, 1], "may build Qwen2TokenizerExtra by rules of its own"),
      ("GPT2Tokenizer", [0, 2, 1], "may build GPT2Tokenizer by rules of its own"),
    ] as [(String, [TokenID], String)] {
      let tokenizer = try load(
        qwen, configuration: #"{"eos_token": "<e>", "tokenizer_class": "\#(type)", "add_prefix_space": true}"#)
      #expect(tokenizer.encode("a b", addSpecialTokens: false) == expected, "\(type)")
      #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains(words), "\(tokenizer.notes)")
    }
  }

  @Test(
    "where add_bos_token says something else than the template of tokenizer.json, the template is followed and it is said"
  )
  func statedTemplate() throws {
    let tokenizer = try load(
      Self.minimal, configuration: #"{"eos_token": "<e>", "bos_token": "<e>", "add_bos_token": true}"#)
    #expect(tokenizer.encode("a", addSpecialTokens: true) == [0])
    #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains("add_bos_token true"))
    let ending = try load(Self.minimal, configuration: #"{"eos_token": "<e>", "add_eos_token": true}"#)
    #expect(ending.encode("a", addSpecialTokens: true) == [0])
    #expect(ending.notes.count == 1 && ending.notes.first?.contains("add_eos_token true") == true)
    let none = try load(Self.minimal, configuration: #"{"eos_token": "<e>", "add_bos_token": false}"#)
    #expect(none.notes.isEmpty)
  }

  @Test("end tokens that two files name differently: the configuration's is taken, and it is said")
  func olderMap() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        Self.minimal.replacing("NORMALIZER", with: "null").replacing("PRETOKENIZER", with: "null")
          .replacing("POSTPROCESSOR", with: "null").replacing("DECODER", with: "null"),
        to: folder.appending("tokenizer.json"))
      try TemporaryFolder.write(#"{"eos_token": "<e>"}"#, to: folder.appending("tokenizer_config.json"))
      try TemporaryFolder.write(#"{"eos_token": "b"}"#, to: folder.appending("special_tokens_map.json"))
      let older = folder.appending("added_tokens.json")
      try TemporaryFolder.write(#"{"<e>": 2, "a": 0}"#, to: older)
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.endToken == 2 && tokenizer.notes.count == 1)
      #expect(tokenizer.notes[0].contains(#"names "<e>" as eos_token, special_tokens_map.json "b""#))
      try TemporaryFolder.write(#"{"<e>": 2, "a": 1, "<new>": 3}"#, to: older)
      #expect(try Tokenizer(contentsOf: folder).notes.contains { $0.hasSuffix("they are not taken: a, <new>") })
    }
  }

  @Test("of several usual end tokens none is taken; one alone is, and it is said")
  func usualEnds() throws {
    let one = try load(Self.minimal.replacing("<e>", with: "<eos>"))
    #expect(one.endToken == 2 && one.notes.count == 1 && one.notes[0].contains("<eos> is taken for the end token"))
    let two = Self.minimal.replacing("<e>", with: "<eos>").replacing(
      #""b": 1"#, with: #""b": 1, "<eos>": 2, "</s>": 3"#)
    #expect(try load(two).endToken == nil)
  }

  @Test("another end token stands in the configuration that is written")
  func otherEnd() throws {
    let tokenizer = try Tokenizer(load(Self.minimal, configuration: #"{"eos_token": "<e>", "x": 1}"#), endToken: 1)
    #expect(tokenizer.endToken == 1)
    try TemporaryFolder.with { folder in
      try tokenizer.write(to: folder)
      #expect(try Tokenizer(contentsOf: folder).endToken == 1)
      #expect(try JSONValue(parsing: Fixture.bytes(folder.appending("tokenizer_config.json")))["x"]?.integer == 1)
    }
    #expect(throws: TokenizerError.self) { try Tokenizer(load(Self.minimal), endToken: 77) }
  }

  @Test("a decoder that strips more characters than there are ends at once")
  func strip() throws {
    let decoder =
      #"{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": "a", "start": 9007199254740991, "stop": 9007199254740991}]}"#
    #expect(try load(minimal("DECODER", decoder)).decode([0, 1, 0] as [TokenID], skipSpecialTokens: false) == "b")
  }

  @Test("a named pipe in the place of a tokenizer's file is refused, not waited for")
  func pipes() throws {
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try TemporaryFolder.with { folder in
        if name != "tokenizer.json" { try TemporaryFolder.write("{}", to: folder.appending("tokenizer.json")) }
        mkfifo(folder.appending(name).string, 0o600)
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: folder) }
        #expect(error?.description.contains("named pipe") == true)
      }
    }
  }
}

import CanonicalJSON
import Records
import StageCatalog
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct TokenizeTests {
  private struct Outcome {
    var tokens: TokenRows
    var warnings: [String]
    var tokenizer: JSONValue
  }

  private static let hostile: [(prompt: String, completion: String)] = [
    ("the end ", " of"), ("the end", " of"), ("ab", "ab"), ("a\n", "\nb"), (".", "word"), ("l", "'ll"), ("12", "34"),
    ("", "the"), ("the", ""), ("", ""), ("é", "\u{301}x"), ("the end<|endoftext|>", "<|endoftext|>"),
  ]

  /// Runs the stage over rows of train.
  private func run(
    _ rows: [(prompt: String, completion: String)], tokenizer: FilePath? = nil, _ parameters: JSONObject = [:]
  ) throws -> Outcome {
    try TemporaryFolder.with { folder in
      let dataset = folder.appending("dataset")
      let named = rows.enumerated().map { index, row in
        DatasetRow(
          id: "train-\(index)", prompt: row.prompt, completion: row.completion, references: [row.completion])
      }
      var outputs: [String: FilePath] = [:]
      for name in ["dataset", "tokens", "tokenizer"] {
        try TemporaryFolder.write("", to: folder.appending(name).appending(".keep"))
        outputs[name] = folder.appending(name)
      }
      try DatasetFiles.write(named, .train, in: dataset)
      let stage = try #require(BuiltinStages.registry.stage(named: "tokenize"))
      var inputs = ["dataset": [StageInput(label: "dataset", path: dataset)]]
      if let tokenizer { inputs["tokenizer"] = [StageInput(label: "tokenizer", path: tokenizer)] }
      let events = Events()
      let context = StageContext(
        inputs: inputs, outputs: outputs, work: folder, threads: 1, emit: { events.append($0) },
        interrupted: { false })
      let instance = try stage.init(ParameterValues(parameters, for: stage.declaration))
      try instance.check(connected: Set(inputs.keys))
      try instance.run(context)
      let written = folder.appending("tokenizer").appending("tokenizer.json")
      return Outcome(
        tokens: try TokenRows(.train, in: folder.appending("tokens")), warnings: events.warnings,
        tokenizer: try JSONValue(parsing: Fixture.bytes(written)))
    }
  }

  private final class Events: Sendable {
    private let list = Mutex<[StageEvent]>([])
    func append(_ event: StageEvent) { list.withLock { $0.append(event) } }
    var warnings: [String] {
      list.withLock { $0.compactMap { if case .warning(let text) = $0 { text } else { nil } } }
    }
  }

  private let gpt2 = Fixture.path("tokenization/gpt2")
  private let llama = Fixture.path("tokenization/llama")

  @Test("practice row 17: prompt and completion are encoded apart, so the prompt's tokens are those it has alone")
  func apart() throws {
    let together = try run(Self.hostile, tokenizer: gpt2).tokens
    for (index, row) in Self.hostile.enumerated() where !row.prompt.isEmpty {
      let alone = try run([(row.prompt, "")], tokenizer: gpt2).tokens
      #expect(together.prompt(index) == alone.prompt(0), "\(row)")
      let completionAlone = try run([("x", row.completion)], tokenizer: gpt2).tokens
      #expect(together.completion(index) == completionAlone.completion(0), "\(row)")
    }
  }

  @Test("practice row 9: the end token is last in every row, once more where the text ends with it")
  func end() throws {
    let tokens = try run(Self.hostile, tokenizer: gpt2).tokens
    for index in 0..<tokens.count { #expect(tokens.completion(index).last == 0) }
    #expect(Array(tokens.completion(11)) == [0, 0])
  }

  @Test("an empty completion is the end token alone, an empty prompt one begin token, else the end token")
  func empty() throws {
    let plain = try run(Self.hostile, tokenizer: gpt2).tokens
    #expect(Array(plain.row(9)) == [0, 0] && plain.promptLengths[9] == 1)
    // llama: <s> is 1 by its template, </s> is 2.
    let begun = try run(Self.hostile, tokenizer: llama).tokens
    #expect(Array(begun.row(9)) == [1, 2])
    let bare = try run(Self.hostile, tokenizer: llama, ["begin": "none"]).tokens
    #expect(Array(bare.row(9)) == [1, 2])
    #expect(bare.prompt(0).first != 1)
    let closed = try run(Self.hostile, tokenizer: llama, ["prompt_end": "end"]).tokens
    #expect(Array(closed.row(9)) == [1, 2, 2] && closed.promptLengths[9] == 2)
  }

  @Test("practice row 18: the template's begin token stands once, before the prompt, never before the completion")
  func begin() throws {
    let tokens = try run(Self.hostile, tokenizer: llama).tokens
    for index in 0..<tokens.count {
      #expect(tokens.prompt(index).first == 1)
      #expect(!tokens.row(index).dropFirst().contains(1))
    }
  }

  @Test("rows that hold added tokens as text are counted and named")
  func addedTokens() throws {
    let warnings = try run(Self.hostile, tokenizer: gpt2).warnings
    #expect(
      warnings.filter { $0.contains("added tokens") }
        == ["1 of 12 rows of train hold added tokens in their text, encoded as those tokens: train-11"])
  }

  @Test("practice row 15: a row that is too long is an error that names it, or dropped, or cut without end token")
  func overflow() throws {
    let rows = [("the", "the"), ("the end of the", " end of the token in every answer"), ("a b c d e f g", "h")]
    let failure = #expect(throws: StageFailure.self) { try run(rows, tokenizer: gpt2, ["max_length": 8]) }
    #expect(failure?.message.hasPrefix("row train-1 has ") == true)
    let dropped = try run(rows, tokenizer: gpt2, ["max_length": 8, "overflow": "drop"])
    #expect(dropped.tokens.ids == ["train-0"])
    #expect(dropped.warnings.contains { $0.hasPrefix("2 of 3 rows") && $0.hasSuffix("train-1, train-2") })
    let whole = try run(rows, tokenizer: gpt2).tokens
    let cut = try run(rows, tokenizer: gpt2, ["max_length": 8, "overflow": "cut"])
    #expect(cut.tokens.ids == ["train-0", "train-1"], "the prompt of train-2 leaves no room")
    #expect(cut.tokens.row(1) == whole.row(1).prefix(8) && cut.tokens.row(1).last != 0)
    #expect(cut.tokens.completion(0).last == 0)
    // A row that just fits is whole.
    let fits = try run([rows[1]], tokenizer: gpt2, ["max_length": .number(Double(whole.row(1).count))])
    #expect(fits.tokens.row(0) == whole.row(1))
    let short = #expect(throws: StageFailure.self) {
      try run([rows[1]], tokenizer: gpt2, ["max_length": .number(Double(whole.row(1).count - 1))])
    }
    #expect(short?.message.hasPrefix("row train-0 has ") == true)
    #expect(cut.warnings.contains { $0.hasSuffix("cut at max_length and have no end token: train-1") })
  }

  @Test("without a tokenizer one is learnt from prompts and completions of train as separate texts")
  func trained() throws {
    let rows = Array(repeating: ("ab", "c"), count: 3)
    let outcome = try run(rows, tokenizer: nil, ["vocab_size": 300])
    #expect(outcome.tokenizer["model"]?["merges"] == [["a", "b"]])
    #expect(Array(outcome.tokens.row(0)) == [257, 67, 0])
    #expect(outcome.warnings.contains { $0.hasPrefix("the vocabulary has 258 tokens, not 300") })
  }

  @Test("a tokenizer without end token is refused with the remedy")
  func noEnd() throws {
    try TemporaryFolder.with { folder in
      let text = """
        {"added_tokens": [], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
        "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
        """
      try TemporaryFolder.write(text, to: folder.appending("tokenizer.json"))
      let failure = #expect(throws: StageFailure.self) { try run([("a", "b")], tokenizer: folder) }
      #expect(failure?.description.contains("set eos_token in its tokenizer_config.json") == true)
    }
  }

  @Test("the parameter and the port must agree")
  func agreement() throws {
    for (tokenizer, parameter) in [(gpt2, "bpe"), (nil, "given")] as [(FilePath?, String)] {
      let failure = #expect(throws: ConnectionError.self) {
        try run([("a", "b")], tokenizer: tokenizer, ["tokenizer": .string(parameter)])
      }
      #expect(failure?.port == "tokenizer")
    }
  }

  @Test(
    "end_token names the end token by text or id, which the written tokenizer then names; an unknown one is refused")
  func endToken() throws {
    for name in ["Ġthe", "\(try tokenNumber("Ġthe"))"] {
      let outcome = try run([("a", "b")], tokenizer: gpt2, ["end_token": .string(name)])
      #expect(outcome.tokens.tokens.last == Int32(try tokenNumber("Ġthe")))
      #expect(outcome.warnings.contains { $0.contains("the end token is Ġthe") })
    }
    for name in ["<none>", "99999999"] {
      let error = #expect(throws: StageFailure.self) {
        try run([("a", "b")], tokenizer: gpt2, ["end_token": .string(name)])
      }
      #expect(error.map { "\($0)" }?.contains("end_token \(name) is no token") == true)
    }
  }

  private func tokenNumber(_ piece: String) throws -> Int {
    let json = try JSONValue(parsing: Fixture.bytes(gpt2.appending("tokenizer.json")))
    return try #require(json["model"]?["vocab"]?[piece]?.integer)
  }

  @Test("ids that are there twice are refused with file and rows; one id in two splits is none of it")
  func duplicates() throws {
    let bench = StageBench()
    let folder = bench.scratch.folder("twice")
    func rows(_ ids: [String]) -> [DatasetRow] {
      ids.map { DatasetRow(id: $0, prompt: "p", completion: "c", references: []) }
    }
    try DatasetFiles.write(rows(["a", "b"]), .train, in: folder)
    try DatasetFiles.write(rows(["a", "c"]), .test, in: folder)
    #expect(bench.refusal("tokenize", [("dataset", folder)], ["vocab_size": 257]) == nil)
    try DatasetFiles.write(rows(["a", "c", "a"]), .test, in: folder)
    let refusal = try #require(bench.refusal("tokenize", [("dataset", folder)], ["vocab_size": 257]))
    #expect(refusal.text.contains("test.jsonl: rows 1 and 3 have one id"))
  }

  @Test("parameters that do nothing beside others are said")
  func withoutEffect() throws {
    let outcome = try run([("a", "b")], tokenizer: gpt2, ["vocab_size": 999, "overflow": "cut"])
    #expect(outcome.warnings.contains { $0.contains("vocab_size is not used") })
    #expect(outcome.warnings.contains { $0.contains("overflow: cut does nothing without max_length") })
  }
}

import CanonicalJSON
import Records
import StageKit
import SystemPackage
import TestSupport
import Testing

@Suite struct InitModelTests {
  /// A tokenizer of five tokens whose end token is the special one.
  static func tokenizer(_ bench: StageBench, config: String = #"{"eos_token": "<|endoftext|>"}"#) throws -> FilePath {
    let folder = bench.scratch.folder("tokenizer-\(config.utf8.count)")
    let json = #"""
      {"model": {"type": "BPE", "vocab": {"<|endoftext|>": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
       "added_tokens": [{"id": 0, "content": "<|endoftext|>"}, {"id": 4, "content": "<user>"}]}
      """#
    try FileContent.write(json.utf8, to: folder.appending("tokenizer.json"))
    try FileContent.write(config.utf8, to: folder.appending("tokenizer_config.json"))
    return folder
  }

  static func config(_ model: FilePath) throws -> JSONValue { try FileContent.json(model.appending("config.json")) }

  static let small: JSONObject = ["layers": 1, "width": 16, "heads": 2, "context": 32]

  @Test("A tokenizer gives vocabulary and end token, and travels with the model (practice rows 10, 11)")
  func tokenizer() throws {
    let bench = StageBench()
    let tokenizer = try Self.tokenizer(bench)
    let model = try #require(try bench.run("init-model", [("tokenizer", tokenizer)], Self.small)["model"])
    let config = try Self.config(model)
    #expect(config["vocab_size"]?.integer == 5 && config["eos_token_id"]?.integer == 0)
    #expect(try FileContent.json(model.appending("generation_config.json"))["eos_token_id"]?.integer == 0)
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      #expect(try FileContent.read(model.appending(name)) == FileContent.read(tokenizer.appending(name)))
    }
    let padded = try Self.tokenizer(
      bench, config: #"{"eos_token": {"content": "<|endoftext|>"}, "pad_token": "<|endoftext|>"}"#)
    let other = try #require(
      try bench.run("init-model", [("tokenizer", padded)], Self.small, name: "padded")["model"])
    #expect(try Self.config(other) == config)
  }

  @Test("Without a tokenizer a new model needs vocab_size and end_token; a tokenizer without end token is no help")
  func needs() throws {
    let bench = StageBench()
    #expect(try #require(bench.refusal("init-model")).text.contains("a tokenizer, or vocab_size and end_token"))
    #expect(try #require(bench.refusal("init-model")).status == .invalid)
    #expect(try #require(bench.refusal("init-model", [], ["vocab_size": 9])).text.contains("nor end_token"))
    let silent = try Self.tokenizer(bench, config: "{}")
    #expect(bench.refusal("init-model", [("tokenizer", silent)], Self.small) == nil)
    #expect(bench.warnings.contains { $0.contains("<|endoftext|> is taken for the end token") })
    try FileContent.write(
      #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#.utf8, to: silent.appending("tokenizer.json"))
    #expect(try #require(bench.refusal("init-model", [("tokenizer", silent)])).text.contains("eos_token"))
    let wrong = try Self.tokenizer(bench, config: #"{"eos_token": "</s>"}"#)
    #expect(
      try #require(bench.refusal("init-model", [("tokenizer", wrong)])).text.contains(
        "eos_token names \"</s>\", which is not in the vocabulary"))
    let tokenizer = try Self.tokenizer(bench)
    let refusal = try #require(bench.refusal("init-model", [("tokenizer", tokenizer)], ["vocab_size": 4]))
    #expect(refusal.text.contains("the tokenizer has 5 tokens"))
  }

  @Test("Parameters that don't fit are found before anything runs")
  func parameters() throws {
    let bench = StageBench()
    for (parameters, text) in [
      (["architecture": "gpt2"], "architecture"), (["heads": 3], "width"), (["heads": 4, "kv_heads": 3], "kv_heads"),
      (["head_width": 5], "head_width"), (["vocab_size": 8, "end_token": 8], "end_token"),
    ] as [(JSONObject, String)] {
      let refusal = try #require(bench.refusal("init-model", [], parameters))
      #expect(refusal.status == .invalid && refusal.text.hasPrefix("parameter \(text):"), "\(refusal.text)")
    }
  }

  @Test("The seed changes the numbers and nothing else (practice row 23), the same seed nothing (row 24)")
  func seeds() throws {
    let bench = StageBench()
    let first = try StageBench.content(bench.model(name: "first"))
    let again = try StageBench.content(bench.model(name: "again"))
    let other = try StageBench.content(bench.model(["seed": 1], name: "other"))
    #expect(first == again)
    #expect(first["model.safetensors"] != other["model.safetensors"])
    #expect(first["config.json"] == other["config.json"])
  }

  @Test("An imported model keeps weights, shape and tokenizer; parameters of shape are named as not used")
  func importing() throws {
    let bench = StageBench()
    let source = try bench.model(["tied": false, "kv_heads": 1])
    try FileContent.write("{}".utf8, to: source.appending("tokenizer.json"))
    let model = try #require(try bench.run("init-model", [("model", source)], ["layers": 9], name: "import")["model"])
    #expect(try StageBench.content(model) == StageBench.content(source))
    #expect(bench.warnings.count == 2 && bench.warnings[0].contains("not used: layers"))
    #expect(bench.warnings[1].contains("end token is not compared with the model's"))
  }

  @Test("A tokenizer that is not the imported model's is refused; the model's own is taken, and one unread is told")
  func foreignTokenizer() throws {
    let bench = StageBench()
    let own = try Self.tokenizer(bench)
    let model = try #require(try bench.run("init-model", [("tokenizer", own)], Self.small, name: "own")["model"])
    let other = bench.scratch.folder("other")
    let json = #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}"#
    try FileContent.write(json.utf8, to: other.appending("tokenizer.json"))
    try FileContent.write(#"{"eos_token": "b"}"#.utf8, to: other.appending("tokenizer_config.json"))
    let refusal = try #require(bench.refusal("init-model", [("model", model), ("tokenizer", other)]))
    #expect(refusal.status == .invalid && refusal.text.contains("is not that of the model"), "\(refusal.text)")
    #expect(bench.refusal("init-model", [("model", model), ("tokenizer", own)]) == nil)
    #expect(!bench.warnings.contains { $0.contains("not compared with it") })
    try FileContent.write("{}".utf8, to: model.appending("tokenizer.json"))
    #expect(bench.refusal("init-model", [("model", model), ("tokenizer", own)]) == nil)
    #expect(bench.warnings.contains { $0.contains("can't be read, so that the port's is not compared with it") })
  }

  @Test("A model larger than the machine is refused with its size, before memory is taken")
  func tooLarge() throws {
    let refusal = try #require(
      StageBench().refusal(
        "init-model", [],
        ["vocab_size": 100_000, "end_token": 1, "layers": 1000, "width": 65536, "feed_forward": 1_000_000]))
    #expect(refusal.text.contains("a model of 213794553921536 parameters needs"))
  }

  @Test("An end_token beyond the vocabulary is refused for what it is")
  func endBeyondVocabulary() throws {
    let bench = StageBench()
    var parameters = Self.small
    parameters["end_token"] = 9999
    let refusal = try #require(
      bench.refusal("init-model", [("tokenizer", try Self.tokenizer(bench))], parameters))
    #expect(refusal.status == .invalid && refusal.text.contains("end_token is 9999, the vocabulary has 5 tokens"))
  }

  @Test("An end_token other than the tokenizer's is taken, and it is said")
  func otherEnd() throws {
    let bench = StageBench()
    var parameters = Self.small
    parameters["end_token"] = 1
    let model = try #require(
      try bench.run("init-model", [("tokenizer", try Self.tokenizer(bench))], parameters)["model"])
    #expect(try Self.config(model)["eos_token_id"]?.integer == 1)
    #expect(bench.warnings.contains { $0.contains("end_token is 1, the tokenizer's end token 0") })
  }

  @Test("An imported model keeps the record of its training")
  func record() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    let trained = try #require(try bench.run("train-mle", inputs, ["steps": 1], name: "trained")["model"])
    let model = try #require(try bench.run("init-model", [("model", trained)], name: "import")["model"])
    #expect(try StageBench.content(model) == StageBench.content(trained))
  }
}

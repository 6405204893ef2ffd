import CanonicalJSON
import Records
import StageKit
import SystemPackage
import TestSupport
import Testing

/// A trained model knows when to stop.
@Suite struct EndTokenTests {
  @Test("practice row 9: after 300 steps on 64 examples at least 95 % of greedy completions end by themselves")
  func stops() throws {
    let bench = StageBench()
    let folder = bench.scratch.folder("dataset")
    let words = ["red", "green", "blue", "black", "white", "grey", "pink", "brown"]
    let rows = (0..<64).map { row in
      DatasetRow(
        id: "train-\(row)", prompt: "colour \(row % 8) times \(row / 8)",
        completion: Array(repeating: words[row % 8], count: 1 + row / 8 % 3).joined(separator: " "), references: [])
    }
    try DatasetFiles.write(rows, .train, in: folder)
    let tokenized = try bench.run("tokenize", [("dataset", folder)], ["vocab_size": 320])
    let tokens = try #require(tokenized["tokens"])
    let fresh = try bench.run(
      "init-model", [("tokenizer", try #require(tokenized["tokenizer"]))],
      ["layers": 1, "width": 32, "heads": 2, "context": 64], name: "fresh")
    let trained = try bench.run(
      "train-mle", [("tokens", tokens), ("model", try #require(fresh["model"]))],
      ["steps": 300, "batch_rows": 16, "learning_rate": 0.01], name: "trained")
    func ended(_ model: FilePath?, _ name: String) throws -> Int {
      let outputs = try bench.run(
        "generate", [("model", try #require(model)), ("dataset", folder)],
        ["decoding": "greedy", "max_new_tokens": 24, "split": "train"], name: name)
      let samples = try SampleFiles.read(try #require(outputs["samples"]))
      #expect(samples.count == 64)
      return samples.count { $0.finish == .end && $0.tokens?.last == 0 }
    }
    #expect(try ended(fresh["model"], "before") < 61)
    #expect(try ended(trained["model"], "after") >= 61)
  }

  @Test("practice row 41: which step was kept stands in training.json and in the summary, not in the weights' file")
  func kept() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    let outputs = try bench.run("train-mle", inputs, ["steps": 4, "batch_rows": 4, "evaluate_every": 1])
    let curve = try CurveFiles.read(try #require(outputs["curves"])).filter { $0.split == .validation && $0.step > 0 }
    let step = try #require(curve.min { $0.loss < $1.loss }).step
    let model = try #require(outputs["model"])
    #expect(try FileContent.json(model.appending("training.json"))["kept_step"]?.integer == step)
    let summaries: [String] = bench.events.compactMap { event in
      if case .summary(let text) = event { text } else { nil }
    }
    #expect(try #require(summaries.last).contains("step \(step) kept"))
    let bytes = try FileContent.read(model.appending("model.safetensors"))
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(bytes[8..<8 + length]))
    #expect(header["__metadata__"] == ["format": "pt"])
    let last = try bench.run("train-mle", inputs, ["steps": 4, "keep": "last"], name: "last")
    #expect(
      try FileContent.json(try #require(last["model"]).appending("training.json"))["kept_step"]?.integer == 4)
  }

  /// A tokens folder whose rows end with a token, and a model that ends with 2, its tokenizer with another one.
  private static func mismatch(_ bench: StageBench, tokenizer end: String?) throws -> [(port: String, path: FilePath)] {
    let model = try bench.model(name: "mismatch-\(end ?? "none")")
    if let end {
      let vocabulary = (0..<21).map { "\"t\($0)\": \($0)" }.joined(separator: ", ")
      let json = #"{"model": {"type": "BPE", "vocab": {\#(vocabulary)}, "merges": []}}"#
      try FileContent.write(json.utf8, to: model.appending("tokenizer.json"))
      try FileContent.write(#"{"eos_token": "\#(end)"}"#.utf8, to: model.appending("tokenizer_config.json"))
    }
    return [("tokens", try bench.tokens(end: 5)), ("model", model)]
  }

  @Test(
    "The tokenizer's end token that rows end with and the model does not name is taken over, first in both files, and said",
    arguments: ["train-mle", "train-iq"])
  func takenOver(stage: String) throws {
    let bench = StageBench()
    let trained = try #require(try bench.run(stage, Self.mismatch(bench, tokenizer: "t5"), ["steps": 1])["model"])
    for name in ["config.json", "generation_config.json"] {
      #expect(try FileContent.json(trained.appending(name))["eos_token_id"] == [5, 2])
    }
    #expect(bench.warnings.contains { $0.contains("12 of 12 train rows end with token 5, the tokenizer's end token") })
    #expect(try FileContent.json(trained.appending("training.json"))["ended"]?.number == 1)
  }

  @Test("Of several end tokens of a model the one that most rows end with comes first, the others stay")
  func order() throws {
    let bench = StageBench()
    let model = try bench.model()
    let file = model.appending("generation_config.json")
    try FileContent.write(#"{"eos_token_id": [2, 7, 5]}"#.utf8, to: file)
    let trained = try #require(
      try bench.run("train-mle", [("tokens", try bench.tokens(end: 5)), ("model", model)], ["steps": 1])["model"])
    #expect(try FileContent.json(trained.appending("generation_config.json"))["eos_token_id"] == [5, 2, 7])
  }

  @Test("Rows that end with no end token are said, and no other token is made one of it")
  func noEnd() throws {
    let bench = StageBench()
    for end in [nil, "t9"] as [String?] {
      let trained = try #require(
        try bench.run("train-mle", Self.mismatch(bench, tokenizer: end), ["steps": 1], name: "trained")["model"])
      #expect(try FileContent.json(trained.appending("generation_config.json"))["eos_token_id"]?.integer == 2)
      #expect(bench.warnings.contains { $0.contains("no train row ends with an end token of the model ([2])") })
    }
  }
}

import CanonicalJSON
import Records
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct TrainingStageTests {
  static let brief: JSONObject = ["steps": 6, "batch_rows": 4, "learning_rate": 0.01, "checkpoint_every": 2]

  @Test(
    "Training writes a model that loads, its tokenizer's files, and a row for every step", arguments: ["mle", "iq"])
  func outputs(name: String) throws {
    let bench = StageBench()
    let model = try bench.model()
    try FileContent.write("{}".utf8, to: model.appending("tokenizer.json"))
    let outputs = try bench.run("train-\(name)", [("tokens", try bench.tokens()), ("model", model)], Self.brief)
    let trained = try #require(outputs["model"])
    #expect(
      FileContent.names(in: trained) == [
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
      ])
    #expect(try StageBench.content(trained)["config.json"] == StageBench.content(model)["config.json"])
    #expect(try StageBench.content(trained)["model.safetensors"] != StageBench.content(model)["model.safetensors"])
    let curves = try CurveFiles.read(try #require(outputs["curves"]))
    #expect(curves.filter { $0.split == .train }.map(\.step) == Array(0..<6))
    #expect(curves.filter { $0.split == .validation }.map(\.step) == Array(0...6))
    let summary = bench.events.compactMap { if case .summary(let text) = $0 { text } else { nil } }.last
    #expect(try #require(summary).hasPrefix("6 steps · validation "))
  }

  @Test("Asked to stop, training leaves with status 130 and goes on to the same bytes (practice row 21)")
  func interruption() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    let whole = try bench.run("train-iq", inputs, Self.brief, name: "whole")
    let looks = Mutex(0)
    let failure = #expect(throws: StageFailure.self) {
      try bench.run(
        "train-iq", inputs, Self.brief, name: "stopped",
        isInterrupted: {
          looks.withLock {
            $0 += 1
            return $0 == 7
          }
        })
    }
    #expect(failure?.status == .interrupted)
    let resumed = try bench.run("train-iq", inputs, Self.brief, name: "stopped")
    for port in ["model", "curves"] {
      #expect(
        try StageBench.content(try #require(resumed[port])) == StageBench.content(try #require(whole[port])))
    }
  }

  @Test("IQLearn refuses rows of which none ends with an end token, and says how many are cut off")
  func anchor() throws {
    let bench = StageBench()
    let model = try bench.model()
    let cut = try bench.tokens(end: 5)
    let refusal = try #require(bench.refusal("train-iq", [("tokens", cut), ("model", model)], Self.brief))
    #expect(refusal.status == .stageFailed && refusal.text.contains("no completion of the train split ends"))
    let plain = bench.refusal("train-mle", [("tokens", cut), ("model", model)], Self.brief)
    #expect(plain?.text == nil)
    let unweighted = bench.refusal("train-iq", [("tokens", cut), ("model", model)], ["lambda": 0, "steps": 1])
    #expect(unweighted?.text == nil)
  }

  @Test("Parameters that exclude each other are found before anything runs")
  func parameters() throws {
    let bench = StageBench()
    for (stage, parameters, text) in [
      ("train-mle", ["steps": 1, "epochs": 1], "epochs"),
      ("train-mle", ["batch_rows": 1, "batch_tokens": 1], "batch_tokens"),
      ("train-mle", ["steps": 5, "warmup_steps": 6], "warmup_steps"), ("train-iq", ["mix": 0.1], "mix"),
      ("train-iq", ["lambda_policy": 0.1], "lambda_policy"), ("train-iq", ["lambda": -1], "lambda"),
      ("train-mle", ["lambda": 1], "lambda"),
    ] as [(String, JSONObject, String)] {
      let refusal = try #require(bench.refusal(stage, [], parameters))
      #expect(refusal.status == .invalid && refusal.text.hasPrefix("parameter \(text):"), "\(refusal.text)")
    }
  }

  @Test("A row that doesn't fit fails the stage and is named (practice rows 15, 16)")
  func unfit() throws {
    let bench = StageBench()
    let tokens = try bench.tokens()
    let short = try bench.model(["context": 4], name: "short")
    let refusal = try #require(bench.refusal("train-mle", [("tokens", tokens), ("model", short)], Self.brief))
    #expect(refusal.status == .stageFailed && refusal.text.contains("row train-3 has 5 tokens"))
    let small = try bench.model(["vocab_size": 8], name: "small")
    #expect(
      try #require(bench.refusal("train-mle", [("tokens", tokens), ("model", small)])).text
        .contains("the model's vocabulary is 8"))
    let none = try bench.tokens([.validation])
    #expect(
      try #require(bench.refusal("train-mle", [("tokens", none), ("model", small)])).text.contains("no train split"))
  }

  @Test("A calibrated model has its level in config.json, and rewards read it")
  func calibration() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    var parameters = Self.brief
    parameters["calibrate_level"] = true
    parameters["learning_rate"] = 0
    let trained = try #require(try bench.run("train-iq", inputs, parameters)["model"])
    let level = try #require(try FileContent.json(trained.appending("config.json"))["level_offset"]?.number)
    // A new model's logits are near 0, so the level is near log 21.
    #expect(abs(level - 3.04) < 0.2)
    let rewards = try #require(
      try bench.run("extract-reward", [("model", trained), inputs[0]], name: "rewards")["rewards"])
    let values = try RewardFiles.read(rewards).flatMap(\.values)
    #expect(abs(values.reduce(0, +) / Float(values.count)) < 0.1)
  }
}

@Suite struct ExtractRewardTests {
  @Test("Rewards of tokens and of the same samples are the same, row for row")
  func sources() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens())
    let rows = try TokenRows(.validation, in: tokens)
    let samples = bench.scratch.folder("samples")
    try SampleFiles.write(
      (0..<rows.count).map {
        SampleRow(
          id: rows.ids[$0], sample: 0, promptTokens: Array(rows.prompt($0)), tokens: Array(rows.completion($0)))
      }, settings: nil, to: samples)
    let fromTokens = try bench.run("extract-reward", [("model", model), ("tokens", tokens)], ["gamma": 0.9], name: "a")
    let fromSamples = try bench.run(
      "extract-reward", [("model", model), ("samples", samples.appending("samples.jsonl"))], ["gamma": 0.9], name: "b")
    let left = try StageBench.content(try #require(fromTokens["rewards"]))
    #expect(try left == StageBench.content(try #require(fromSamples["rewards"])))
    let rewards = try RewardFiles.read(try #require(fromTokens["rewards"]))
    #expect(rewards.map(\.id) == rows.ids)
    #expect(rewards.allSatisfy { abs($0.return - $0.rewards.reduce(0) { $0 + Double($1) }) < 1e-4 })
  }

  @Test("A split is chosen: test, else validation, else train, or by name")
  func splits() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens([.train, .validation]))
    func ids(_ parameters: JSONObject, _ name: String) throws -> String? {
      let outputs = try bench.run("extract-reward", [("model", model), ("tokens", tokens)], parameters, name: name)
      return try RewardFiles.read(try #require(outputs["rewards"])).first?.id
    }
    #expect(try ids([:], "default") == "validation-0")
    #expect(try ids(["split": "train"], "named") == "train-0")
    #expect(
      try #require(bench.refusal("extract-reward", [("model", model), ("tokens", tokens)], ["split": "test"])).text
        .contains("has no split test"))
  }

  @Test("Neither or both of samples and tokens, and samples without token ids, are refused")
  func refusals() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens())
    #expect(bench.refusal("extract-reward", [("model", model)])?.status == .invalid)
    let samples = bench.scratch.folder("samples")
    try FileContent.write(#"{"id": "x", "sample": 3, "text": "words"}"#.utf8, to: samples.appending("samples.jsonl"))
    #expect(
      bench.refusal("extract-reward", [("model", model), ("tokens", tokens), ("samples", samples)])?.status == .invalid)
    #expect(
      try #require(bench.refusal("extract-reward", [("model", model), ("samples", samples)])).text
        .contains("sample 3 of x has no prompt_tokens"))
  }
}

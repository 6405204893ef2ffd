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
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "training.json",
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

  @Test("What is set and does nothing is said: a seed where nothing is drawn, IQLearn's parameters where λ is 0")
  func withoutEffect() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    func warnings(_ stage: String, _ parameters: JSONObject) throws -> [String] {
      let before = bench.warnings.count
      var all = parameters
      all["steps"] = 2
      _ = try bench.run(stage, inputs, all, name: "run-\(before)-\(parameters.members.count)")
      return bench.warnings.dropFirst(before).filter { $0.contains("has no effect") }
    }
    let seed = "seed has no effect: nothing is shuffled, and dropout is 0"
    #expect(try warnings("train-mle", ["seed": 3, "shuffle": false]) == [seed])
    for drawn in [["seed": 3], ["shuffle": false], ["seed": 3, "shuffle": false, "dropout": 0.1]] as [JSONObject] {
      let told = try warnings("train-mle", drawn)
      #expect(told == [], "\(drawn)")
    }
    let void: JSONObject = ["lambda": 0, "warmup_lambda": 1, "gradient": "semi"]
    #expect(
      try warnings("train-iq", void) == [
        "warmup_lambda has no effect: lambda is 0", "gradient has no effect: lambda is 0",
      ])
    let weighted = try warnings("train-iq", ["lambda": 0.1, "warmup_lambda": 1, "gradient": "semi"])
    #expect(weighted == [])
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
      ("train-mle", ["lambda": 1], "lambda"), ("train-iq", ["steps": 5, "warmup_lambda": 6], "warmup_lambda"),
    ] as [(String, JSONObject, String)] {
      let refusal = try #require(bench.refusal(stage, [], parameters))
      #expect(refusal.status == .invalid && refusal.text.hasPrefix("parameter \(text):"), "\(refusal.text)")
    }
  }

  @Test("A warm-up longer than the epochs is refused as one longer than the steps is")
  func warmUp() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    for name in ["warmup_steps", "warmup_lambda"] {
      let refusal = try #require(bench.refusal("train-iq", inputs, ["epochs": 1, "batch_rows": 4, name: 4]))
      #expect(refusal.text.contains("\(name) is 4, the training makes 3 updates"))
      #expect(bench.refusal("train-iq", inputs, ["epochs": 1, "batch_rows": 4, name: 3]) == nil)
    }
  }

  @Test("training.json says what a training was, that of the models before it too, and no time")
  func record() throws {
    let bench = StageBench()
    let tokens = try bench.tokens()
    let first = try bench.run(
      "train-mle", [("tokens", tokens), ("model", try bench.model())],
      ["epochs": 2, "batch_rows": 5, "checkpoint_every": 7], name: "first")
    let model = try #require(first["model"])
    let record = try FileContent.json(model.appending("training.json"))
    #expect(
      record.object?.names == [
        "stage", "parameters", "updates", "rows", "tokens", "kept_step", "ended", "model", "data", "from",
      ])
    let rows = try TokenRows(.train, in: tokens)
    #expect(record["stage"] == "train-mle" && record["updates"]?.integer == 6 && record["ended"] == 1)
    #expect(record["rows"]?.integer == 24 && record["tokens"]?.integer == 2 * rows.tokens.count)
    #expect(record["parameters"]?["batch_rows"] == 5 && record["parameters"]?["learning_rate"] == 0.001)
    #expect(record["parameters"]?["checkpoint_every"] == nil && record["parameters"]?["steps"] == .null)
    #expect(record["parameters"]?["epochs"] == 2 && record["parameters"]?["evaluate_every"] == 1)
    #expect(record["model"] == ["architecture": "llama", "parameters": 2944])
    let bytes = try FileContent.read(tokens.appending("train.safetensors"))
    let digest = bytes.withUnsafeBytes { ContentDigest.sha256($0) }
    #expect(record["data"] == ["rows": 12, "tokens": JSONValue(rows.tokens.count), "sha256": .string(digest)])
    #expect(record["from"] == [])
    let curves = try #require(first["curves"]).appending("training.json")
    #expect(try FileContent.read(curves) == FileContent.read(model.appending("training.json")))
    let second = try bench.run("train-iq", [("tokens", tokens), ("model", model)], ["steps": 1], name: "second")
    let next = try FileContent.json(try #require(second["model"]).appending("training.json"))
    #expect(next["from"] == [record] && next["stage"] == "train-iq" && next["parameters"]?["lambda"] == 0.1)
  }

  @Test("training.json states length, batch and evaluations as they were, also where nobody gave them")
  func resolvedParameters() throws {
    let bench = StageBench()
    let model = try bench.model()
    let tokens = try bench.tokens()
    for (given, splits, expected) in [
      ([:], [.train, .validation], ["epochs": 1, "steps": .null, "batch_rows": 64, "evaluate_every": 1]),
      (["steps": 25], [.train, .validation], ["epochs": .null, "steps": 25, "batch_rows": 64, "evaluate_every": 3]),
      (
        ["batch_tokens": 20, "evaluate_every": 2], [.train],
        ["epochs": 1, "batch_rows": .null, "batch_tokens": 20, "evaluate_every": 2]
      ), ([:], [.train], ["epochs": 1, "batch_rows": 64, "evaluate_every": .null]),
    ] as [(JSONObject, [Split], JSONObject)] {
      let rows = splits.count == 2 ? tokens : try bench.tokens(splits)
      let outputs = try bench.run("train-mle", [("tokens", rows), ("model", model)], given)
      let record = try FileContent.json(try #require(outputs["curves"]).appending("training.json"))
      for (name, value) in expected.members { #expect(record["parameters"]?[name] == value, "\(given) \(name)") }
    }
  }

  @Test(
    "A training that looks at validation less often than it is asked to says so, and one that keeps the last for want of it"
  )
  func evaluations() throws {
    let bench = StageBench()
    let model = try bench.model()
    try bench.run(
      "train-mle", [("tokens", try bench.tokens()), ("model", model)], ["steps": 3, "evaluate_every": 4])
    #expect(
      bench.warnings.count == 1 && bench.warnings[0].contains("evaluate_every is 4, the training makes 3 updates"))
    let other = StageBench()
    try other.run("train-mle", [("tokens", try other.tokens([.train])), ("model", model)], ["steps": 3])
    let summary = other.events.compactMap { if case .summary(let text) = $0 { text } else { nil } }.last
    #expect(summary?.contains("step 3 kept, the last, for want of validation rows") == true)
    try other.run(
      "train-mle", [("tokens", try other.tokens([.train])), ("model", model)], ["steps": 3, "keep": "last"])
    let last = other.events.compactMap { if case .summary(let text) = $0 { text } else { nil } }.last
    #expect(last?.contains("step 3 kept ·") == true, "\(last ?? "")")
  }

  @Test("A damaged training.json is left out and said, by training and by import alike; a stranger of its name is left")
  func damagedRecord() throws {
    for (content, warns) in [("{\"stage\":", true), ("x", true), (#"{"stage": "mine"}"#, false), ("[]", false)] {
      let bench = StageBench()
      let model = try bench.model()
      try FileContent.write(content.utf8, to: model.appending("training.json"))
      let imported = try #require(try bench.run("init-model", [("model", model)], name: "import")["model"])
      #expect(!FileContent.exists(imported.appending("training.json")), "\(content)")
      #expect(bench.warnings.count { $0.contains("training.json") } == (warns ? 1 : 0), "\(bench.warnings)")
      let trained = try bench.run(
        "train-mle", [("tokens", try bench.tokens()), ("model", model)], ["steps": 1], name: "trained")
      let record = try FileContent.json(try #require(trained["model"]).appending("training.json"))
      #expect(record["from"] == [])
      #expect(bench.warnings.count { $0.contains("training.json") } == (warns ? 2 : 0), "\(bench.warnings)")
    }
  }

  @Test("Ids that are there twice are said by training, which takes both rows")
  func duplicates() throws {
    let bench = StageBench()
    let tokens = try bench.tokens()
    let ids =
      (0..<12).map { #"{"id": "\#($0 == 7 ? 3 : $0)", "split": "train"}"# }
      + (0..<12).map { #"{"id": "\#($0)", "split": "validation"}"# }
    try FileContent.write(ids.joined(separator: "\n").utf8, to: tokens.appending("ids.jsonl"))
    try bench.run("train-mle", [("tokens", tokens), ("model", try bench.model())], ["steps": 1])
    #expect(bench.warnings.count == 1 && bench.warnings[0].contains(#"rows 4 and 8 have one id, "3""#))
  }

  @Test("What is set and does nothing without a validation split is said")
  func withoutValidation() throws {
    let bench = StageBench()
    try bench.run(
      "train-mle", [("tokens", try bench.tokens([.train])), ("model", try bench.model())],
      ["steps": 1, "patience": 2, "evaluate_every": 1])
    #expect(bench.warnings.map { $0.contains("so patience never") } == [true, false])
    #expect(bench.warnings.last?.contains("so evaluate_every evaluates nothing") == true)
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
  @Test("A level offset changes no log-probability, and one that swallows the values is said")
  func levels() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens())
    let file = model.appending("config.json")
    let configuration = try #require(try FileContent.json(file).object)
    var found: [[[Float]]] = []
    for (level, warnings) in [(0, 0), (-7.5, 0), (1e10, 1), (-1e10, 2)] as [(Double, Int)] {
      var changed = configuration
      changed["level_offset"] = JSONValue(level)
      try FileContent.write(JSONValue.object(changed).text.utf8, to: file)
      let outputs = try bench.run("extract-reward", [("model", model), ("tokens", tokens)])
      let rewards = try RewardFiles.read(try #require(outputs["rewards"]))
      found.append(rewards.map(\.logProbabilities))
      #expect(
        rewards.allSatisfy { row in row.values.allSatisfy { abs(Double($0) + level - 3) < max(2, abs(level) / 1e6) } })
      #expect(bench.warnings.count == warnings)
    }
    #expect(found.allSatisfy { $0 == found[0] })
    #expect(bench.warnings.allSatisfy { $0.contains("leaves values to the nearest 1024.0 only") })
  }

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

  @Test("Ids that are there twice are refused with both rows; of samples id and number count")
  func duplicates() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens([.train]))
    let samples = bench.scratch.folder("samples")
    func line(_ id: String, _ sample: Int) -> String {
      #"{"id": "\#(id)", "sample": \#(sample), "text": "", "prompt_tokens": [3], "tokens": [4, 2]}"#
    }
    let file = samples.appending("samples.jsonl")
    try FileContent.write([line("a", 0), line("a", 1), line("b", 0)].joined(separator: "\n").utf8, to: file)
    #expect(bench.refusal("extract-reward", [("model", model), ("samples", samples)]) == nil)
    try FileContent.write([line("a", 0), line("a", 1), line("a", 0)].joined(separator: "\n").utf8, to: file)
    let refusal = try #require(bench.refusal("extract-reward", [("model", model), ("samples", samples)]))
    #expect(refusal.text.contains(#"rows 1 and 3 have one id, "a, sample 0""#))
    try FileContent.write(
      (0..<12).map { #"{"id": "\#($0 / 2)", "split": "train"}"# }.joined(separator: "\n").utf8,
      to: tokens.appending("ids.jsonl"))
    let other = try #require(bench.refusal("extract-reward", [("model", model), ("tokens", tokens)]))
    #expect(other.text.contains("rows 1 and 2 have one id") && other.text.contains("6 rows repeat"))
  }

  @Test("A split beside samples, which have none, is refused")
  func splitOfSamples() throws {
    let bench = StageBench()
    let refusal = try #require(
      bench.refusal(
        "extract-reward", [("model", try bench.model()), ("samples", bench.scratch.folder("s"))], ["split": "train"]))
    #expect(refusal.status == .invalid && refusal.text.contains("split: train"))
  }

  @Test("Rewards that are not finite are refused with row and token")
  func notFinite() throws {
    let bench = StageBench()
    let (model, tokens) = (try bench.model(), try bench.tokens())
    // All weights are 10¹⁵: finite, but their products are not.
    let file = model.appending("model.safetensors")
    var bytes = try FileContent.read(file)
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    for index in stride(from: 8 + length, to: bytes.count, by: 4) {
      bytes.replaceSubrange(index..<index + 4, with: [0xA9, 0x5F, 0x63, 0x58])
    }
    try FileContent.write(bytes, to: file)
    let refusal = try #require(bench.refusal("extract-reward", [("model", model), ("tokens", tokens)]))
    #expect(refusal.text.contains("not finite at token 0 of row validation-0"), "\(refusal.text)")
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

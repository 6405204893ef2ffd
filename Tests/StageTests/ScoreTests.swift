import CanonicalJSON
import Records
import StageCatalog
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Tokenization

@Suite struct ScoreTests {
  private struct Outcome {
    var scores: ScoreFile
    var scoreBytes: [UInt8]
    var examples: [JSONValue]
    var events: [StageEvent]
  }

  private final class Events: Sendable {
    private let list = Mutex<[StageEvent]>([])
    func append(_ event: StageEvent) { list.withLock { $0.append(event) } }
    var all: [StageEvent] { list.withLock { $0 } }
  }

  /// Runs the stage over samples, and over rewards and a tokenizer where there are some.
  private func run(
    _ rows: [SampleRow], settings: JSONObject? = nil, rewards: [RewardRow]? = nil, tokenizer: FilePath? = nil,
    _ parameters: JSONObject = ["resamples": 50]
  ) throws -> Outcome {
    try TemporaryFolder.with { folder in
      for name in ["samples", "rewards", "scores"] {
        try TemporaryFolder.write("", to: folder.appending(name).appending(".keep"))
      }
      try SampleFiles.write(rows, settings: settings, to: folder.appending("samples"))
      var inputs = ["samples": [StageInput(label: "samples", path: folder.appending("samples"))]]
      if let rewards {
        try RewardFiles.write(rewards, to: folder.appending("rewards"))
        inputs["rewards"] = [StageInput(label: "rewards", path: folder.appending("rewards"))]
      }
      if let tokenizer { inputs["tokenizer"] = [StageInput(label: "tokenizer", path: tokenizer)] }
      let stage = try #require(BuiltinStages.registry.stage(named: "score"))
      let events = Events()
      let context = StageContext(
        inputs: inputs, outputs: ["scores": folder.appending("scores")], work: folder, threads: 1,
        emit: { events.append($0) }, interrupted: { false })
      try stage.init(ParameterValues(parameters, for: stage.declaration)).run(context)
      let output = folder.appending("scores")
      return Outcome(
        scores: try ScoreFile(output), scoreBytes: try Fixture.bytes(output.appending("scores.json")),
        examples: try Fixture.lines(output.appending("examples.jsonl")).map { try JSONValue(parsing: $0) },
        events: events.all)
    }
  }

  private static let rows: [SampleRow] = (0..<24).map { row in
    SampleRow(
      id: "p\(row / 4)", sample: row % 4, text: row % 3 == 0 ? "a b c d" : "a \(row) c", tokens: [1, 2, 3, 0],
      logProbabilities: [-0.5, -0.25, -1, Float(row % 5) / -4], entropies: [1, 2, 3, 2], references: ["a b c d", "x"])
  }

  private static let rewards: [RewardRow] = rows.enumerated().map { number, row in
    let total = number % 3 == 0 ? 5 : number % 4
    return RewardRow(
      id: row.id, sample: row.sample, tokens: [1, 2, 3, 0],
      logProbabilities: [-0.5, -0.25, -1, Float(number % 5) / -4],
      values: [Float(number / 4), 1, 1, 1], rewards: [1, 1, 1, Float(total - 3)], return: Double(total))
  }

  @Test("samples alone give quality, diversity and what their tokens say")
  func samplesOnly() throws {
    let outcome = try run(Self.rows)
    let names = outcome.scores.metrics.map(\.name)
    for name in ["rouge1", "rougeLsum", "bleu", "chrf++", "self_bleu@4", "distinct_2", "exact_match", "entropy"] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(!names.contains { $0.hasSuffix("_stem") || $0.hasPrefix("spearman") || $0 == "accuracy" })
    #expect(outcome.scores["exact_match"]?.value == 1.0 / 3)
    #expect(outcome.scores["entropy"]?.value == 2)
    #expect(outcome.scores["length"]?.value == 4)
    for (name, metric) in outcome.scores.metrics {
      #expect(
        metric.low.map { $0 <= metric.value } == true && metric.high.map { $0 >= metric.value } == true, "\(name)")
    }
    #expect(outcome.examples.count == 24)
    #expect(outcome.examples[3]["exact_match"]?.number == 1)
    #expect(outcome.examples[3]["bleu_statistics"]?.array?.compactMap(\.integer) == [4, 4, 4, 3, 2, 1, 4, 3, 2, 1])
  }

  @Test("only id, sample and text are needed")
  func bare() throws {
    let outcome = try run([SampleRow(id: "p", sample: 0, text: "a b")])
    #expect(outcome.scores.metrics.map(\.name) == ["distinct_1", "distinct_2"])
  }

  @Test("settings of the samples and of the scoring stand in the scores")
  func settings() throws {
    let outcome = try run(Self.rows, settings: ["temperature": 0.7, "seed": 3])
    #expect(outcome.scores.settings["samples"]?["temperature"]?.number == 0.7)
    #expect(outcome.scores.settings["bleu"]?["tokenization"]?.string == "13a")
    #expect(outcome.scores.settings["interval"]?["resamples"]?.integer == 50)
    #expect(outcome.scores.settings["self_bleu"]?["samples"]?.integer == 4)
  }

  @Test("the same samples give the same bytes")
  func bytes() throws {
    let first = try run(Self.rows, rewards: Self.rewards)
    let second = try run(Self.rows, rewards: Self.rewards.reversed())
    #expect(first.scoreBytes == second.scoreBytes)
    #expect(first.examples == second.examples)
  }

  @Test("rewards are correlated with quality, beside what would predict it without them")
  func rewards() throws {
    let outcome = try run(Self.rows, rewards: Self.rewards)
    let spearman = try #require(outcome.scores["spearman_exact_match"])
    #expect(spearman.value > 0.8 && spearman.count == 24)
    for name in ["pearson_rouge1", "spearman_bleu_log_p", "spearman_bleu_v_0_between", "spearman_exact_match_within"] {
      #expect(outcome.scores[name] != nil, "\(name)")
    }
    #expect(outcome.examples[5]["return"]?.number == 1)
    #expect(outcome.examples[5]["v_0"]?.number == 1)
    #expect(outcome.examples[5]["log_p"]?.number == -1.75)
  }

  @Test("a sample without its reward is named")
  func missingReward() throws {
    let failure = #expect(throws: StageFailure.self) { try run(Self.rows, rewards: Array(Self.rewards.dropLast())) }
    #expect(failure?.message.contains("sample 3 of p5") == true)
  }

  @Test("a sample with two rewards is named")
  func twoRewards() throws {
    let failure = #expect(throws: RecordError.self) { try run(Self.rows, rewards: Self.rewards + [Self.rewards[5]]) }
    #expect(failure?.line == 25 && failure?.reason.contains("sample 1 of id p1 stands twice") == true)
  }

  @Test("rewards whose parts do not go together are refused with their row, in whatever part")
  func inconsistentRewards() throws {
    for (change, expected) in [
      ({ $0.rewards.removeLast() }, "has 4 tokens and 3 rewards"),
      ({ $0.values.append(0) }, "has 4 tokens and 5 values"),
      ({ $0.logProbabilities = [] }, "has 4 tokens and 0 logprobs"),
      ({ $0.return += 100 }, "has the return 105.0, and its rewards add up to 5.0"),
      ({ $0.return -= 0.1 }, "has the return 4.9, and its rewards add up to 5.0"),
    ] as [((inout RewardRow) -> Void, String)] {
      var rewards = Self.rewards
      change(&rewards[6])
      let failure = #expect(throws: RecordError.self) { try run(Self.rows, rewards: rewards) }
      #expect(failure?.line == 7 && failure?.reason == expected, "\(String(describing: failure))")
    }
    var rounded = Self.rewards
    rounded[6].return += 0.0005
    #expect(throws: Never.self) { try run(Self.rows, rewards: rounded) }
  }

  @Test("rewards are held against the texts of samples without tokens, where a tokenizer is there; else it is said")
  func rewardsOfTexts() throws {
    let tokenizer = Fixture.path("tokenization/gpt2")
    let tokens: [Int32] = [300, 301, 302, 0]
    func text(_ tokens: [Int32], _ change: (String) -> String = { $0 }) throws -> SampleRow {
      SampleRow(id: "p", sample: 0, text: change(try Self.decoded(tokens)), references: ["x"])
    }
    let reward = RewardRow(
      id: "p", sample: 0, tokens: tokens, logProbabilities: [-1, -1, -1, -1], values: [1, 1, 1, 1],
      rewards: [1, 1, 1, 1], return: 4)
    for change in [{ $0 }, { " \n" + $0 + " " }] as [(String) -> String] {
      let outcome = try run([try text(tokens, change)], rewards: [reward], tokenizer: tokenizer)
      #expect(
        !outcome.events.contains { if case .warning(let text) = $0 { text.contains("can't be held") } else { false } })
    }
    // The token that ended a text may be one that the tokenizer does not call special.
    var ended = reward
    ended.tokens = [300, 301, 302, 303]
    let outcome = try run([try text(ended.tokens)], rewards: [ended], tokenizer: tokenizer)
    #expect(
      !outcome.events.contains { if case .warning(let text) = $0 { text.contains("can't be held") } else { false } })
    let failure = #expect(throws: StageFailure.self) {
      try run([try text([300, 302, 301, 0])], rewards: [reward], tokenizer: tokenizer)
    }
    #expect(failure?.message.contains("the reward of sample 0 of p read otherwise than the sample's text") == true)
    // A text that was cut where its stop began lacks what its last tokens say.
    var stopped = try text([300, 301, 0])
    stopped.finish = .stop
    let cut = try run([stopped], rewards: [reward], tokenizer: tokenizer)
    #expect(
      cut.events.contains(
        .warning("1 of 1 rewards can't be held against their samples, which have a text and no tokens")))
    let without = try run([try text([300, 302, 301, 0])], rewards: [reward])
    #expect(
      without.events.contains(
        .warning(
          "1 of 1 rewards can't be held against their samples, which have a text and no tokens; connect a tokenizer to port tokenizer"
        )))
  }

  /// The text of tokens of the fixture's byte-level vocabulary.
  private static func decoded(_ tokens: [Int32]) throws -> String {
    let json = try JSONValue(parsing: Fixture.bytes(Fixture.path("tokenization/gpt2/tokenizer.json")))
    let pieces = tokens.dropLast().map { token in
      json["model"]?["vocab"]?.object?.members.first { $0.value.integer == Int(token) }?.name ?? ""
    }
    return pieces.joined().replacing("\u{120}", with: " ")
  }

  @Test("scoring tells how far it is, and ends when it is asked to")
  func interruption() throws {
    let bench = StageBench()
    let folder = bench.scratch.folder("samples")
    try SampleFiles.write((0..<600).map { SampleRow(id: "p\($0)", sample: 0, text: "x") }, settings: nil, to: folder)
    try bench.run("score", [("samples", folder)], ["resamples": 0])
    #expect(
      bench.events.filter { if case .progress = $0 { true } else { false } }
        == [256, 512].map {
          .progress(done: $0, total: 600, unit: "prompts", rate: nil, note: nil)
        })
    let failure = #expect(throws: StageFailure.self) {
      try bench.run("score", [("samples", folder)], ["resamples": 0], isInterrupted: { true })
    }
    #expect(failure?.status == .interrupted)
  }

  @Test("where a tokenizer is connected, texts that read otherwise than the tokens beside them are counted and said")
  func foreignTexts() throws {
    let tokenizer = Fixture.path("tokenization/gpt2")
    let decoder = try Tokenizer(contentsOf: tokenizer)
    let tokens: [Int32] = [300, 302, 301]
    let text = decoder.decode(tokens.map { TokenID($0) }, skipSpecialTokens: true)
    func told(_ rows: [SampleRow]) throws -> [String] {
      try run(rows, tokenizer: tokenizer).events.compactMap {
        if case .warning(let warning) = $0, warning.contains("read otherwise") { warning } else { nil }
      }
    }
    func row(_ id: String, _ text: String, _ tokens: [Int32], _ finish: SampleRow.Finish = .length) -> SampleRow {
      SampleRow(id: id, sample: 0, text: text, tokens: tokens, finish: finish, references: ["r"])
    }
    let sound = try told([row("a", text, tokens), row("b", " " + text + " ", tokens), row("c", text, tokens + [0])])
    #expect(sound == [])
    let stopped = try told([row("a", "cut", tokens, .stop)])
    #expect(stopped == [])
    let foreign = try told([row("a", text, tokens), row("b", "r", tokens), row("c", text, tokens + [999_999])])
    #expect(foreign.count == 1 && foreign.first?.hasPrefix("2 of 3 texts read otherwise than the tokens") == true)
  }

  @Test("samples that hold tokens only are decoded by the tokenizer")
  func decoded() throws {
    let tokenizer = Fixture.path("tokenization/gpt2")
    let rows = [SampleRow(id: "p", sample: 0, text: "", tokens: [5, 6, 7], references: ["x"])]
    let outcome = try run(rows, tokenizer: tokenizer)
    #expect((outcome.scores["distinct_1"]?.count ?? 0) == 1)
    let without = try run(rows)
    #expect(without.scores["distinct_1"] == nil)
    #expect(without.events.contains { if case .warning(let text) = $0 { text.contains("tokenizer") } else { false } })
    let failure = #expect(throws: StageFailure.self) { try run([SampleRow(id: "p", sample: 0, tokens: [5])]) }
    #expect(failure?.description.contains("id p") == true)
  }

  @Test("rewards of other samples are refused: their tokens are not those of the samples")
  func otherRewards() throws {
    for tokens: [Int32] in [[1, 2, 4, 0], [1, 2, 0]] {
      var rewards = Self.rewards
      rewards[9] = RewardRow(
        id: rewards[9].id, sample: rewards[9].sample, tokens: tokens, logProbabilities: tokens.map { _ in -1 },
        values: tokens.map { _ in 1 }, rewards: tokens.map { _ in 1 }, return: Double(tokens.count))
      let failure = #expect(throws: StageFailure.self) { try run(Self.rows, rewards: rewards) }
      #expect(
        failure?.message.contains("the reward of sample 1 of p2 is of other tokens than the sample has") == true)
    }
  }

  @Test("rewards of samples that are not scored are counted")
  func moreRewards() throws {
    let outcome = try run(Array(Self.rows.prefix(20)), rewards: Self.rewards)
    #expect(outcome.events.contains(.warning("4 rewards are of samples that are not scored")))
  }

  @Test("a sample that stands twice is refused, whatever it says")
  func sampleTwice() throws {
    let failure = #expect(throws: StageFailure.self) { try run(Self.rows + [Self.rows[6]]) }
    #expect(failure?.message.contains("sample 2 of id p1 stands twice, in rows 7 and 25") == true)
    let bare = [SampleRow(id: "a", sample: 0, text: "x"), SampleRow(id: "a", sample: 0, text: "y")]
    #expect(throws: StageFailure.self) { try run(bare) }
  }

  @Test("one id has one prompt and one list of references")
  func oneIdentity() throws {
    let first = SampleRow(id: "a", sample: 0, prompt: "p", text: "x", promptTokens: [1], references: ["r"])
    var others: [(String, SampleRow)] = []
    for what in ["prompt", "prompt_tokens", "references"] {
      var row = first
      row.sample = 1
      switch what {
      case "prompt": row.prompt = "q"
      case "prompt_tokens": row.promptTokens = [2]
      default: row.references = ["r", "s"]
      }
      others.append((what, row))
    }
    for (what, row) in others {
      let failure = #expect(throws: StageFailure.self) { try run([first, row]) }
      #expect(failure?.message.contains("id a has other \(what) in row 2 than in row 1") == true)
    }
    // Two ways to write an accent are two ids.
    let accents = ["\u{E9}", "e\u{301}"].map { SampleRow(id: $0, sample: 0, prompt: $0, text: "x") }
    #expect(throws: Never.self) { try run(accents) }
  }

  @Test("numbers that are not finite are refused with their row")
  func notFinite() throws {
    var rows = Self.rows
    rows[4].entropies?[2] = .greatestFiniteMagnitude
    rows[5].logProbabilities?[1] = .greatestFiniteMagnitude
    #expect(throws: Never.self) { try run(rows, ["metrics": ["entropy"], "resamples": 0]) }
    let bench = StageBench()
    let folder = bench.scratch.folder("samples")
    let text = #"{"id":"a","text":"x","tokens":[1,2],"logprobs":[-1,1e39]}"#
    try FileContent.write(text.utf8, to: folder.appending("samples.jsonl"))
    let refusal = bench.refusal("score", [("samples", folder)])
    #expect(refusal?.text.contains("row 1 (id a): number 2 of logprobs is not finite") == true)
  }

  @Test("tokens that the tokenizer does not have are refused, not passed over")
  func strangeTokens() throws {
    let rows = [SampleRow(id: "p", sample: 0, tokens: [5, 99_999_999], references: ["x"])]
    let failure = #expect(throws: StageFailure.self) { try run(rows, tokenizer: Fixture.path("tokenization/gpt2")) }
    #expect(failure?.message.contains("row 1 (id p) holds token 99999999") == true)
  }

  @Test("stemming beside metrics adds the stems of the ROUGE among them, and is refused where there is none")
  func stemming() throws {
    let outcome = try run(Self.rows, ["metrics": ["rouge1", "bleu"], "stemming": true, "resamples": 0])
    #expect(outcome.scores.metrics.map(\.name) == ["rouge1", "rouge1_stem", "bleu"])
    let error = #expect(throws: ParameterError.self) {
      try run(Self.rows, ["metrics": ["bleu"], "stemming": true])
    }
    #expect(error?.parameter == "stemming")
  }

  @Test("a parameter that no metric asked for reads is told")
  func unused() throws {
    let outcome = try run(
      Self.rows,
      ["metrics": ["bleu"], "answer": "[0-9]+", "answer_match": "last", "self_bleu_k": 2, "resamples": 0])
    for name in ["answer", "answer_match", "self_bleu_k"] {
      #expect(outcome.events.contains(.warning("\(name) has no effect: no metric that is asked for reads it")))
    }
  }

  @Test("answers are found by the expression, the first match or the last")
  func answers() throws {
    let rows = [SampleRow(id: "a", sample: 0, text: "3 + 4 = 7", references: ["so 7"])]
    for (choice, value) in [("first", 0.0), ("last", 1)] {
      let parameters: JSONObject = [
        "metrics": ["accuracy"], "answer": "[0-9]+", "answer_match": .string(choice), "resamples": 0,
      ]
      let outcome = try run(rows, parameters)
      #expect(outcome.scores["accuracy"]?.value == value)
      #expect(outcome.scores.settings["answer"]?["pattern"]?.string == "[0-9]+")
      #expect(outcome.scores.settings["answer"]?["match"]?.string == choice)
    }
  }

  @Test("an unknown metric and a broken expression are found before anything runs")
  func parameters() throws {
    let error = #expect(throws: ParameterError.self) { try run(Self.rows, ["metrics": ["rougel"]]) }
    #expect(error?.parameter == "metrics" && error?.description.contains("rougeL") == true)
    let broken = #expect(throws: ParameterError.self) { try run(Self.rows, ["answer": "(("]) }
    #expect(broken?.parameter == "answer")
    let lookahead = #expect(throws: ParameterError.self) { try run(Self.rows, ["answer": "(?=a)"]) }
    #expect(lookahead?.description.contains("invalid perl operator") == true)
    let several = #expect(throws: ParameterError.self) { try run(Self.rows, ["metrics": ["rougel", "bluu"]]) }
    #expect(several?.description.contains("rougeL") == true && several?.description.contains("bluu") == true)
    #expect(throws: ParameterError.self) { try run(Self.rows, ["self_bleu_k": 1]) }
  }
}

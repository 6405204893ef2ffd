import CanonicalJSON
import CheckpointFormat
import Glibc
import Imitation
import Records
import SystemPackage
import Tensors
import TestSupport
import Testing
import Training
import Transformers

/// Values that PyTorch gives, on data that lies beside the project.
@Suite(.enabled(if: Fixture.shared("golden/models") != nil, "skipped: no shared golden data beside the project"))
struct GoldenTests {
  static let objectives: [(name: String, objective: Objective)] = [
    ("mle", .maximumLikelihood()), ("iq_l0.1_g1.0", .inverseQLearning(lambda: 0.1, gamma: 1)),
    ("iq_l0.5_g0.9", .inverseQLearning(lambda: 0.5, gamma: 0.9)),
  ]

  static func golden(_ name: String) throws -> FilePath {
    try #require(Fixture.shared("golden")).pushing(FilePath(name))
  }

  static func close(_ found: Double, _ expected: Double, within tolerance: Double) -> Bool {
    abs(found - expected) <= tolerance * max(1, abs(expected))
  }

  @Test(
    "Losses and the gradient's norm at every parameter are PyTorch's",
    arguments: ["llama-gqa", "llama-tied", "llama3-rope", "llama-headdim"])
  func gradients(name: String) throws {
    let folder = try Self.golden("models/\(name)")
    let expected = try FileContent.json(folder.appending("expected.json"))
    let model = try ModelFolder.load(folder.appending("hf"), on: Device(threads: 2), trained: true)
    let rows = try TokenRows(.train, in: folder.appending("tokens"))
    let batch = RaggedBatch(rows, 0..<rows.count, endTokens: model.endTokens)
    #expect(batch.predictedTokens == expected["completion_tokens"]?.integer)
    for (key, choice) in Self.objectives {
      let objective = ModelObjective(choice, vocabulary: model.vocabularySize)
      model.clearGradients()
      let statistics = model.accumulateGradients(
        of: batch, objective: objective, scale: Float(1 / Double(batch.predictedTokens)))
      let loss = objective.sums(of: statistics).perToken(\.loss)
      #expect(Self.close(loss, try #require(expected["loss"]?[key]?.number), within: 1e-5), "\(key)")
      let norms = try #require(expected["grad_norm"]?[key]?.object)
      #expect(norms.count == model.parameters.entries.count)
      for entry in model.parameters.entries {
        let gradient = try #require(model.parameters.gradient(entry)).elements
        let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(
          Self.close(norm, try #require(norms[entry.name]?.number), within: 1e-4), "\(key) \(entry.name): \(norm)")
      }
    }
  }

  @Test("Rewards and returns are PyTorch's", arguments: ["llama-gqa", "llama-tied", "llama3-rope", "llama-headdim"])
  func rewards(name: String) throws {
    let folder = try Self.golden("models/\(name)")
    let rows = try #require(try FileContent.json(folder.appending("expected.json"))["rows"]?.array)
    let model = try ModelFolder.load(folder.appending("hf"), on: Device(threads: 2), trained: false)
    for (text, gamma) in [("1.0", 1.0), ("0.9", 0.9)] {
      var batch = RaggedBatch()
      for row in rows {
        let (prompt, tokens) = (Self.tokens(row, "prompt_tokens"), Self.tokens(row, "tokens"))
        batch.append(
          prompt + tokens, promptLength: prompt.count,
          isTerminal: tokens.last.map(model.endTokens.contains) ?? true)
      }
      for (row, reward) in zip(rows, model.rewards(of: batch, gamma: gamma)) {
        for (found, member) in [
          (reward.logProbabilities, "logprobs"), (reward.values, "values"), (reward.rewards, "rewards_g\(text)"),
        ] {
          let wanted = try #require(row[member]?.array).compactMap(\.number)
          #expect(zip(found, wanted).allSatisfy { Self.close(Double($0), $1, within: 1e-4) }, "\(member)")
          #expect(found.count == wanted.count)
        }
        #expect(Self.close(reward.return, try #require(row["return_g\(text)"]?.number), within: 1e-4))
      }
    }
  }

  private static func tokens(_ row: JSONValue, _ member: String) -> [Int32] {
    (row[member]?.array ?? []).compactMap { $0.integer.map(Int32.init) }
  }

  static let runs: [(name: String, objective: Objective, shape: LearningRateSchedule.Shape, warmUp: Int)] = [
    ("mle/constant", .maximumLikelihood(), .constant, 0),
    ("mle/warmup-cosine", .maximumLikelihood(), .cosine, 5),
    ("iq_l0.1_g1.0/constant", .inverseQLearning(lambda: 0.1, gamma: 1), .constant, 0),
    ("iq_l0.1_g1.0/warmup-cosine", .inverseQLearning(lambda: 0.1, gamma: 1), .cosine, 5),
  ]

  @Test("Twenty AdamW steps follow PyTorch's in loss, gradient norm and learning rate", arguments: runs.indices)
  func training(index: Int) throws {
    let (name, objective, shape, warmUp) = Self.runs[index]
    let folder = try Self.golden("train/llama-gqa")
    let expected = try FileContent.json(folder.appending("expected.json"))["runs"]?[name]?["steps"]?.array
    var settings = TrainingSettings(
      objective: objective, length: .steps(20), batch: BatchSettings(size: .rows(8), shuffle: false))
    settings.schedule = shape
    settings.warmUp = warmUp
    settings.optimiser.weightDecay = 0.1
    let bench = Workbench()
    let model = try ModelFolder.load(Self.golden("models/llama-gqa/hf"), on: Device(threads: 2), trained: true)
    try bench.run(model, rows: TokenRows(.train, in: folder.appending("tokens")), settings: settings)
    let curve = try bench.curve()
    #expect(curve.count == 20)
    for (row, step) in zip(curve, try #require(expected)) {
      #expect(Self.close(row.loss, try #require(step["loss"]?.number), within: 1e-5))
      #expect(Self.close(try #require(row.gradientNorm), try #require(step["grad_norm"]?.number), within: 1e-5))
      #expect(abs(try #require(row.learningRate) - (try #require(step["lr"]?.number))) < 1e-12)
      #expect(row.tokens == step["tokens"]?.integer)
    }
  }

  @Test(
    "A real pretrained model gives its known loss and logits",
    .enabled(if: Fixture.shared("data/stories260k-hf") != nil, "skipped: no shared data beside the project"))
  func stories() throws {
    let folder = try #require(Fixture.shared("data/stories260k-hf"))
    let golden = try #require(try FileContent.json(folder.appending("golden.json"))["teacher_forced"])
    let ids = Self.tokens(golden, "ids")
    let model = try ModelFolder.load(folder, on: Device(threads: 2), trained: false)
    var batch = RaggedBatch()
    batch.append(ids, promptLength: 1, isTerminal: false)
    let statistics = model.evaluate(batch)
    let sums = ModelObjective(.maximumLikelihood(), vocabulary: model.vocabularySize).sums(of: statistics)
    #expect(Self.close(sums.perToken(\.mle), try #require(golden["mean_nll_nats_per_token"]?.number), within: 1e-5))
    let last = model.logits(of: batch).elements.suffix(model.vocabularySize)
    let wanted = try #require(golden["last_position_logits"]?.array).compactMap(\.number)
    #expect(zip(last, wanted).allSatisfy { Self.close(Double($0), $1, within: 1e-4) })
  }
}

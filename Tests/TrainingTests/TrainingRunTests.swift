import Glibc
import Imitation
import Records
import SystemPackage
import Tensors
import TestSupport
import Testing
import Training
import Transformers

@Suite struct TrainingRunTests {
  /// The curve and the parameters after so many steps.
  static func train(
    _ settings: TrainingSettings, rows: TokenRows = Workbench.rows(18), validation: TokenRows? = nil,
    model: LlamaModel = Workbench.model()
  ) throws -> (curve: [CurveRow], parameters: [Float], outcome: TrainingOutcome) {
    let bench = Workbench()
    let outcome = try bench.run(model, rows: rows, validation: validation, settings: settings)
    return (try bench.curve(), model.parameters.values.elements, outcome)
  }

  @Test("The first gradient is the same however a step is cut into batches (practice rows 1, 2, 4)")
  func accumulation() throws {
    let rows = Workbench.rows(8, cut: true, longest: 40)
    for objective in Workbench.objectives {
      var norms: [Double] = []
      var losses: [Double] = []
      for (size, accumulate) in [(8, 1), (4, 2), (1, 8), (3, 3)] {
        var settings = Workbench.settings(objective, steps: 1, rows: size, accumulate: accumulate)
        settings.batch.shuffle = false
        // Three batches of three would take a ninth row: an epoch's last step is partial and still applied whole.
        if size == 3 { settings.batch.shuffle = true }
        let first = try #require(try Self.train(settings, rows: rows).curve.first)
        norms.append(try #require(first.gradientNorm))
        losses.append(first.loss)
      }
      for index in norms.indices {
        #expect(abs(norms[index] - norms[0]) < 1e-6 * norms[0], "\(objective)")
        #expect(abs(losses[index] - losses[0]) < 1e-6 * losses[0], "\(objective)")
      }
    }
  }

  @Test("Every batch of a step drops other elements; another seed drops others, the same seed the same")
  func dropout() throws {
    let rows = Workbench.rows(1, salt: 6)
    func loss(accumulate: Int, dropout: Double = 0.4, seed: UInt64 = 3) throws -> Double {
      var settings = Workbench.settings(steps: 1, rows: 1, accumulate: accumulate)
      settings.batch.shuffle = false
      (settings.dropout, settings.seed) = (dropout, seed)
      return try #require(try Self.train(settings, rows: rows).curve.first).loss
    }
    let (once, twice) = (try loss(accumulate: 1), try loss(accumulate: 2))
    #expect(abs(once - twice) > 1e-3)
    #expect(try loss(accumulate: 1) == once)
    #expect(try abs(loss(accumulate: 1, seed: 4) - once) > 1e-3)
    // The row alone or twice has one loss without dropout.
    #expect(try abs(loss(accumulate: 2, dropout: 0) - loss(accumulate: 1, dropout: 0)) < 1e-6)
  }

  @Test("Doubling every sequence of a batch changes neither loss nor gradient (practice row 3)")
  func doubling() throws {
    var doubled = TokenRows()
    let rows = Workbench.rows(6, cut: true)
    for row in (0..<12).map({ $0 % 6 }) {
      doubled.append(id: "\(row)", prompt: rows.prompt(row), completion: rows.completion(row))
    }
    for objective in Workbench.objectives {
      let once = try #require(try Self.train(Workbench.settings(objective, steps: 1, rows: 6), rows: rows).curve.first)
      let twice = try #require(
        try Self.train(Workbench.settings(objective, steps: 1, rows: 12), rows: doubled).curve.first)
      #expect(abs(once.loss - twice.loss) < 1e-6 * abs(once.loss))
      let norms = (try #require(once.gradientNorm), try #require(twice.gradientNorm))
      #expect(abs(norms.0 - norms.1) < 1e-5 * norms.0)
    }
  }

  @Test("IQLearn at λ = 0 trains to the bits of maximum likelihood (practice row 3)")
  func lambdaZero() throws {
    let rows = Workbench.rows(18, cut: true)
    let plain = try Self.train(Workbench.settings(), rows: rows)
    for gradient in ValueGradient.allCases {
      let zero = try Self.train(
        Workbench.settings(.inverseQLearning(lambda: 0, gamma: 1, gradient: gradient)), rows: rows)
      #expect(zero.parameters.map(\.bitPattern) == plain.parameters.map(\.bitPattern))
      #expect(zero.curve == plain.curve)
    }
  }

  @Test("One, two and four threads give the same bits (practice row 24)")
  func threads() throws {
    let settings = Workbench.settings(.inverseQLearning(lambda: 0.1, gamma: 1))
    let results = try [1, 2, 4].map { try Self.train(settings, model: Workbench.model(threads: $0)).parameters }
    #expect(results.allSatisfy { $0.map(\.bitPattern) == results[0].map(\.bitPattern) })
  }

  @Test("The curve's value at a step is the loss of the model before it (practice row 40), over all completion tokens")
  func curve() throws {
    let rows = Workbench.rows(18, cut: true)
    var settings = Workbench.settings(.inverseQLearning(lambda: 0.2, gamma: 0.9), steps: 3, rows: 18)
    settings.keep = .last
    let model = Workbench.model()
    let curve = try Self.train(settings, rows: rows, model: model).curve
    #expect(curve.allSatisfy { $0.tokens == rows.completionTokenCount })
    let fresh = Workbench.model()
    let objective = ModelObjective(settings.objective, vocabulary: fresh.vocabularySize)
    let batch = RaggedBatch(rows, 0..<18, endTokens: fresh.endTokens)
    let sums = objective.sums(of: fresh.evaluate(batch, statistics: objective.statistics))
    #expect(abs(curve[0].loss - sums.perToken(\.loss)) < 1e-6)
    #expect(abs(curve[0].loss - (curve[0].mle + 0.2 * curve[0].td)) < 1e-9)
    #expect(curve[2].loss < curve[0].loss)
  }

  @Test("Evaluating more often or in other batches leaves the model as it is (practice rows 13, 32)")
  func evaluation() throws {
    let validation = Workbench.rows(7, salt: 5, split: "validation")
    var results: [[UInt32]] = []
    var losses: [Double] = []
    for every in [1, 5, 100] {
      var settings = Workbench.settings()
      settings.keep = .last
      settings.evaluateEvery = every
      let result = try Self.train(settings, validation: validation)
      results.append(result.parameters.map(\.bitPattern))
      losses.append(try #require(result.outcome.lastEvaluation).mle)
    }
    #expect(results.allSatisfy { $0 == results[0] } && losses.allSatisfy { $0 == losses[0] })
    let first = try [2, 18].map { size in
      let settings = Workbench.settings(steps: 2, rows: size)
      return try #require(try Self.train(settings, validation: validation).outcome.firstEvaluation).mle
    }
    #expect(first[0] == first[1])
  }

  @Test("The best parameters are kept, and patience ends a run that only gets worse (practice row 41)")
  func best() throws {
    // Validation is of other words than training, so learning makes it worse sooner or later.
    let validation = Workbench.rows(9, salt: 11, split: "validation")
    var settings = Workbench.settings(steps: 200, rows: 18)
    settings.evaluateEvery = 2
    settings.patience = 4
    settings.learningRate = 0.03
    let model = Workbench.model()
    let result = try Self.train(settings, validation: validation, model: model)
    let kept = try #require(result.outcome.kept)
    #expect(result.outcome.stoppedEarly && result.outcome.steps == kept.step + 8)
    let objective = ModelObjective(.maximumLikelihood(), vocabulary: model.vocabularySize)
    let batch = RaggedBatch(validation, 0..<9, endTokens: model.endTokens)
    #expect(abs(objective.sums(of: model.evaluate(batch)).perToken(\.mle) - kept.mle) < 1e-9)
    settings.keep = .last
    let last = try Self.train(settings, validation: validation)
    #expect(last.outcome.kept == nil && last.parameters != result.parameters)
    #expect(last.outcome.steps == result.outcome.steps)
  }

  @Test("A loss that is not finite ends the run with its step, and checkpoints before it stay")
  func notFinite() throws {
    let poisoned = Workbench.model()
    poisoned.parameters.values.pointer[5] = .nan
    let error = #expect(throws: TrainingError.self) { try Self.train(Workbench.settings(), model: poisoned) }
    guard case .notFinite(let what, step: 0)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what.hasPrefix("loss of row train-"))
    let bench = Workbench()
    var settings = Workbench.settings(steps: 40)
    settings.learningRate = 1e30
    settings.schedule = .constant
    settings.warmUp = 0
    settings.optimiser.clipNorm = nil
    settings.checkpointEvery = 1
    #expect(throws: TrainingError.self) { try bench.run(Workbench.model(), settings: settings) }
    #expect(!FileContent.names(in: bench.checkpoints).isEmpty)
  }

  @Test("A full disk ends the run with the system's error, and checkpoints before it stay")
  func fullDisk() throws {
    let bench = Workbench()
    #expect(throws: TrainingError.self) {
      try bench.run(Workbench.model(), settings: Workbench.settings(), monitor: Watcher(interruptedAtLook: 3))
    }
    let curves = bench.scratch.path.appending("curves").appending("curves.jsonl")
    unlink(curves.string)
    symlink("/dev/full", curves.string)
    #expect(throws: Errno.noSpace) { try bench.run(Workbench.model(), settings: Workbench.settings()) }
    #expect(FileContent.names(in: bench.checkpoints).count == 1)
  }

  @Test("Norms don't decay, matrices do")
  func decay() throws {
    var settings = Workbench.settings(steps: 1)
    settings.optimiser.weightDecay = 1
    let decayed = Workbench.model()
    _ = try Self.train(settings, model: decayed)
    settings.optimiser.weightDecay = 0
    let plain = Workbench.model()
    _ = try Self.train(settings, model: plain)
    for entry in plain.parameters.entries {
      let same = plain.parameters.value(entry).elements == decayed.parameters.value(entry).elements
      #expect(same == (entry.shape.rank == 1), "\(entry.name)")
    }
  }

  @Test("The seed changes dropout and order, and the same seed nothing (practice row 23)")
  func seeds() throws {
    var settings = Workbench.settings()
    settings.dropout = 0.2
    let first = try Self.train(settings).parameters
    #expect(try Self.train(settings).parameters == first)
    settings.seed = 1
    #expect(try Self.train(settings).parameters != first)
    settings.seed = 0
    settings.batch.seed = 8
    #expect(try Self.train(settings).parameters != first)
  }

  @Test("A row that is too long, has an unknown token or no completion is refused by its id (practice rows 7, 15, 16)")
  func unfitRows() throws {
    func refusal(_ prompt: [Int32], _ completion: [Int32]) -> UnfitRow? {
      var rows = Workbench.rows(3)
      rows.append(id: "bad", prompt: prompt, completion: completion)
      do {
        _ = try Self.train(Workbench.settings(steps: 1), rows: rows, model: Workbench.model(context: 32))
        return nil
      } catch { return error as? UnfitRow }
    }
    #expect(
      refusal(Array(repeating: 3, count: 30), [4, 5, 2]) == UnfitRow(id: "bad", .tooLong(tokens: 33, context: 32)))
    #expect(refusal(Array(repeating: 3, count: 30), [4, 2]) == nil)
    #expect(refusal([3], [23, 2]) == UnfitRow(id: "bad", .unknownToken(23, vocabulary: 23)))
    #expect(refusal([3], []) == UnfitRow(id: "bad", .emptyCompletion))
    #expect(refusal([3], [2]) == nil)
    #expect(throws: TrainingError.noRows) { try Self.train(Workbench.settings(), rows: TokenRows()) }
  }

  @Test("An epoch of training makes as many updates as it has batches")
  func epochs() throws {
    var settings = Workbench.settings()
    settings.length = .epochs(2)
    #expect(try Self.train(settings).outcome.steps == 10)
  }

  @Test("Validation's row whose loss is not finite is named")
  func notFiniteValidation() throws {
    let model = Workbench.model()
    // Token 22 stands in the validation split alone, in its second row.
    let table = try #require(model.parameters["model.embed_tokens.weight"])
    for index in 22 * 16..<23 * 16 { table.buffer[index] = .infinity }
    var validation = TokenRows()
    validation.append(id: "fine", prompt: [3], completion: [4, 2])
    validation.append(id: "bad", prompt: [22], completion: [4, 2])
    let error = #expect(throws: TrainingError.self) {
      try Self.train(Workbench.settings(), rows: Workbench.rows(4), validation: validation, model: model)
    }
    guard case .notFinite(let what, step: 0)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what == "loss of row fine" || what == "loss of row bad")
  }

  @Test("Parameters that are not finite after the last update fail the run, with the tensor's name")
  func notFiniteAfterTheLastUpdate() throws {
    var settings = Workbench.settings(steps: 1)
    settings.learningRate = 1e39
    settings.schedule = .constant
    settings.keep = .last
    let error = #expect(throws: TrainingError.self) { try Self.train(settings) }
    #expect(
      error?.description.contains("parameters of model.") == true && error?.description.contains("step 1") == true)
  }

  @Test("A second moment that overflows, which would freeze its parameter unseen, fails the run")
  func overflowingMoment() throws {
    let model = Workbench.model()
    var settings = Workbench.settings(.inverseQLearning(lambda: 1e25, gamma: 1), steps: 1)
    settings.optimiser.clipNorm = nil
    settings.learningRate = 0
    let error = #expect(throws: TrainingError.self) { try Self.train(settings, model: model) }
    #expect(error?.description.contains("second moment of model.") == true, "\(String(describing: error))")
  }

  @Test("What came before the first update is never kept, whatever comes after, and the first evaluated is said")
  func neverTheStart() throws {
    // Training only harms: the model begins where validation is best.
    let validation = Workbench.rows(9, salt: 11, split: "validation")
    let model = Workbench.model()
    var settings = Workbench.settings(steps: 40, rows: 9)
    settings.learningRate = 0.01
    _ = try Self.train(settings, rows: validation, model: model)
    let start = model.parameters.values.elements
    settings = Workbench.settings(steps: 6, rows: 18)
    settings.learningRate = 2e-3
    settings.evaluateEvery = 1
    let result = try Self.train(settings, rows: Workbench.rows(18, salt: 4), validation: validation, model: model)
    let kept = try #require(result.outcome.kept)
    #expect(kept.step >= 1 && result.outcome.keptStep == kept.step && result.parameters != start)
    #expect(try kept.loss > #require(result.outcome.firstEvaluation).loss)
    #expect(kept.step == 1 && result.outcome.keptIsFirst)
    // The only evaluation of a training is its last, too: there was nothing to choose.
    settings.evaluateEvery = 6
    let once = try Self.train(settings, rows: Workbench.rows(18, salt: 4), validation: validation)
    #expect(once.outcome.kept?.step == 6 && !once.outcome.keptIsFirst)
  }

  @Test("Best means the lowest validation loss with λ at its final value, not the lowest mle")
  func bestByLoss() throws {
    let bench = Workbench()
    var settings = Workbench.settings(.inverseQLearning(lambda: 2, gamma: 1), steps: 60, rows: 18)
    settings.lambdaWarmUp = 50
    settings.evaluateEvery = 2
    let validation = Workbench.rows(9, salt: 11, split: "validation")
    let outcome = try bench.run(Workbench.model(), validation: validation, settings: settings)
    let curve = try bench.curve(.validation)
    for row in curve { #expect(abs(row.loss - (row.mle + 2 * row.td)) < 1e-9 * max(1, row.loss)) }
    let after = curve.filter { $0.step > 0 }
    let byLoss = try #require(after.min { $0.loss < $1.loss }), byMLE = try #require(after.min { $0.mle < $1.mle })
    #expect(outcome.kept?.step == byLoss.step)
    #expect(byLoss.step != byMLE.step, "the two rules choose alike here, so this shows nothing")
  }

  @Test("A warm-up longer than the training is refused, of steps and of epochs alike")
  func warmUp() throws {
    for length in [TrainingLength.steps(5), .epochs(1)] {
      for name in ["warmup_steps", "warmup_lambda"] {
        var settings = Workbench.settings(.inverseQLearning(lambda: 0.1, gamma: 1), rows: 4)
        settings.length = length
        if name == "warmup_steps" { settings.warmUp = 6 } else { settings.lambdaWarmUp = 6 }
        #expect(throws: TrainingError.warmUpTooLong(name, 6, steps: 5)) { try Self.train(settings) }
      }
    }
  }

  @Test("A run says how many rows and tokens its updates saw, before a resumption too")
  func seen() throws {
    let rows = Workbench.rows(18)
    var settings = Workbench.settings(rows: 5)
    settings.length = .epochs(3)
    let outcome = try Self.train(settings, rows: rows).outcome
    #expect(outcome.rows == 3 * 18 && outcome.tokens == 3 * rows.tokens.count && outcome.steps == 12)
    let bench = Workbench()
    _ = try? bench.run(Workbench.model(), rows: rows, settings: settings, monitor: Watcher(interruptedAtLook: 6))
    let resumed = try bench.run(Workbench.model(), rows: rows, settings: settings)
    #expect(resumed.rows == outcome.rows && resumed.tokens == outcome.tokens)
  }
}

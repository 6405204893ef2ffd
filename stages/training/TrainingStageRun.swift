import CanonicalJSON
import CheckpointFormat
public import Imitation
import Records
public import StageKit
import SystemPackage
import Tensors
import Training
import Transformers

/// The run of a stage that trains: ports `tokens` and `model` in, `model` and `curves` out.
public struct TrainingStageRun: Sendable {
  /// Rows that the level is measured on.
  static let calibrationRows = 4096

  /// Ports that artifacts enter by.
  public static let inputs = [
    PortDeclaration(
      "tokens", .tokens, doc: "Rows to learn from; the split validation is what keep and patience look at."),
    PortDeclaration("model", .model, doc: "The model to start from."),
  ]
  /// Ports that artifacts leave by.
  public static let outputs = [
    PortDeclaration("model", .model, doc: "The trained model, with the files of its tokenizer."),
    PortDeclaration("curves", .curves, doc: "Loss, its parts and the gradient's norm at every step."),
  ]

  private let stage: StageDeclaration
  private let values: ParameterValues
  private let parameters: TrainingParameters
  private let objective: Objective
  private let lambdaWarmUp: Int
  private let calibratesLevel: Bool

  /// A run.
  ///
  /// - Parameters:
  ///   - values: All parameters of the stage.
  ///   - stage: The stage, for what is written of the training.
  ///   - objective: What is minimised.
  ///   - lambdaWarmUp: Over how many steps λ rises.
  ///   - calibratesLevel: Whether the mean value of the model is subtracted from its logits before the first step.
  /// - Throws: `ParameterError` where parameters exclude each other.
  public init(
    _ values: ParameterValues, of stage: StageDeclaration, objective: Objective, lambdaWarmUp: Int = 0,
    calibratesLevel: Bool = false
  ) throws(ParameterError) {
    self.stage = stage
    self.values = values
    parameters = try TrainingParameters(values)
    try parameters.checkWarmUp("warmup_lambda", lambdaWarmUp)
    self.objective = objective
    self.lambdaWarmUp = lambdaWarmUp
    self.calibratesLevel = calibratesLevel
  }

  /// Trains and writes model and curves.
  ///
  /// - Parameter context: What the stage runs with.
  /// - Throws: `StageFailure`, or an error that names file, row or tensor.
  public func run(_ context: StageContext) throws {
    let tokens = context.input("tokens").path
    let splits = TokenRows.splits(in: tokens)
    guard splits.contains(.train) else { throw StageFailure("\(tokens) has no train split") }
    let rows = try TokenRows(.train, in: tokens)
    let validation = splits.contains(.validation) ? try TokenRows(.validation, in: tokens) : nil
    if validation?.count ?? 0 == 0 {
      let lack = validation == nil ? "has no validation split" : "has no row in its validation split"
      for (name, effect) in parameters.needingValidation {
        context.report(.warning("\(tokens) \(lack), so \(name) \(effect)"))
      }
    }
    for (split, rows) in [(Split.train, rows), (.validation, validation ?? TokenRows())] {
      if let repeated = RepeatedID(in: rows.ids) {
        context.report(.warning("\(TokenRows.file(of: split, in: tokens)): \(repeated); training takes both"))
      }
    }
    if parameters.hasVoidSeed {
      context.report(.warning("seed has no effect: nothing is shuffled, and dropout is 0"))
    }
    for name in ineffectiveAtZero {
      context.report(.warning("\(name) has no effect: lambda is 0"))
    }
    let source = context.input("model").path
    let facts = try ModelFacts(of: source)
    for note in facts.notes { context.report(.warning(note)) }
    var configuration = facts.configuration
    let learned = LearnedEndToken(of: rows, configuration.endTokens, tokenizer: facts.tokenizerEnd)
    if let note = learned.note { context.report(.warning(note)) }
    configuration.endTokens = learned.endTokens
    let device = try Device.ready(threads: context.threads)
    var model = try ModelFolder.load(source, configuration, on: device, trained: true)
    // Two moments, the best parameters so far, and the gradients of micro-batches that wait for others.
    try Device.requireMemory(
      4 * (3 + parameters.waitingGradients) * model.parameters.count, beside: 8 * model.parameters.count,
      for: "the optimiser's state")
    try rows.check(context: model.contextLength, vocabulary: model.vocabularySize)
    try reportTerminals(of: rows, endTokens: model.endTokens, context)
    if calibratesLevel {
      let level = model.meanLevel(of: rows, first: Self.calibrationRows)
      guard abs(level) <= LlamaConfiguration.largestLevelOffset else {
        throw StageFailure(
          "the mean value of the model in \(source) over the first \(Self.calibrationRows) rows is \(level)",
          remedy: "its logits are not finite, or no logits any more; take a model from before they were so")
      }
      model = model.lowered(to: level)
      context.report(.measure(name: "level_offset", value: Double(model.levelOffset)))
    }
    let run = try TrainingRun(
      model, rows: rows, validation: validation,
      settings: parameters.settings(objective, lambdaWarmUp: lambdaWarmUp),
      checkpoints: CheckpointPlace(
        folder: context.work.appending("checkpoints"), action: context.action, digest: ContentDigest.sha256),
      curves: context.output("curves"), monitor: ContextMonitor(context: context))
    if run.evaluationInterval != nil, let remark = parameters.evaluationRemark(steps: run.steps) {
      context.report(.warning(remark))
    }
    let outcome: TrainingOutcome
    do {
      outcome = try run.run()
    } catch TrainingError.interrupted {
      throw context.interruption
    }
    let output = context.output("model")
    try ModelFolder.write(model, to: output)
    try TokenizerFiles.copy(from: source, to: output)
    let record = TrainingRecord(
      stage: stage.name,
      parameters: parameters.resolved(
        values.affectingResult(of: stage), evaluationInterval: run.evaluationInterval),
      outcome: outcome,
      ended: rows.terminalShare(endTokens: model.endTokens), modelParameters: model.parameters.count, rows: rows,
      digest: try ContentDigest.sha256(of: TokenRows.file(of: .train, in: tokens)),
      predecessors: TrainingFile.readIfSound(from: source) { context.report(.warning($0)) }.map { [$0] } ?? [])
    for folder in [output, context.output("curves")] { try record.write(to: folder) }
    report(outcome, isEvaluated: run.evaluationInterval != nil, context)
  }

  /// What is set of IQLearn and does nothing where its term has no weight.
  private var ineffectiveAtZero: [String] {
    guard case .inverseQLearning(0, _, let gradient) = objective else { return [] }
    return [("warmup_lambda", lambdaWarmUp > 0), ("gradient", gradient != .full)].filter(\.1).map(\.0)
  }

  /// The end token is the only anchor of the logits' level: IQLearn without it learns nothing readable.
  private func reportTerminals(of rows: TokenRows, endTokens: [Int32], _ context: StageContext) throws {
    guard objective.lambda > 0 else { return }
    let share = rows.terminalShare(endTokens: endTokens)
    context.report(.measure(name: "terminal_share", value: share))
    if share == 0 {
      throw StageFailure(
        "no completion of the train split ends with an end token of the model (\(endTokens)), so nothing anchors values",
        remedy: "tokenize with the model's tokenizer, or raise max_length")
    }
    if share < 1 {
      let percent = (share * 1000).rounded(.down) / 10
      context.report(.warning("\(percent) % of the train rows end with an end token; the others count as cut off"))
    }
  }

  private func report(_ outcome: TrainingOutcome, isEvaluated: Bool, _ context: StageContext) {
    var parts = ["\(outcome.steps) steps" + (outcome.stoppedEarly ? " (stopped early)" : "")]
    if let first = outcome.firstEvaluation, let end = outcome.kept ?? outcome.lastEvaluation {
      parts.append("validation loss \(Decimals.two(first.loss)) → \(Decimals.two(end.loss))")
      context.report(.measure(name: "validation_loss", value: end.loss))
      context.report(.measure(name: "validation_mle", value: end.mle))
    } else if let loss = outcome.lastLoss {
      parts.append("loss \(Decimals.two(loss))")
    }
    let isLastForWant = parameters.keepsBest && !isEvaluated
    parts.append("step \(outcome.keptStep) kept" + (isLastForWant ? ", the last, for want of validation rows" : ""))
    if outcome.keptIsFirst {
      context.report(
        .warning(
          "step \(outcome.keptStep) of \(outcome.steps) is kept, the first that was evaluated: no evaluation after it was "
            + "better; lower learning_rate, evaluate more often, or set keep: last"))
    }
    if let rate = outcome.tokensPerSecond {
      parts.append("\(Decimals.grouped(rate)) tokens/s")
      context.report(.measure(name: "tokens_per_second", value: rate))
    }
    context.report(.summary(parts.joined(separator: " · ")))
  }
}

extension LlamaModel {
  /// The same model with another level subtracted from its logits.
  fileprivate func lowered(to level: Float) -> LlamaModel {
    var configuration = configuration
    configuration.levelOffset = level
    let model = LlamaModel(configuration, on: device, trained: true)
    model.parameters.values.assign(parameters.values)
    return model
  }
}

/// Tells the engine how far a run is.
private struct ContextMonitor: TrainingMonitor {
  let context: StageContext

  func report(_ progress: TrainingProgress) {
    let loss = progress.loss.map { "loss " + Decimals.two($0) }
    let rate = progress.tokensPerSecond.map { "\(Decimals.grouped($0)) tokens/s" }
    context.report(
      .progress(
        done: progress.step, total: progress.steps, unit: "steps", rate: progress.stepsPerSecond,
        note: [loss, rate].compactMap(\.self).joined(separator: ", ")))
  }

  func warn(_ text: String) { context.report(.warning(text)) }

  var isInterrupted: Bool { context.isInterrupted }
}

/// Numbers as lines for people show them.
enum Decimals {
  /// Two decimals.
  static func two(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let hundredths = Int((abs(value) * 100).rounded())
    let rest = hundredths % 100
    return (value < 0 ? "-" : "") + "\(hundredths / 100)." + (rest < 10 ? "0" : "") + "\(rest)"
  }

  /// An integer with a comma between thousands.
  static func grouped(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let digits = Array(String(Int(value.rounded())))
    return digits.indices.map { index in
      let after = digits.count - index
      return String(digits[index]) + (after > 1 && after % 3 == 1 ? "," : "")
    }.joined()
  }
}

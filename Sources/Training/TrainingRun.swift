import Autodiff
import Glibc
import Imitation
public import Records
public import SystemPackage
import Tensors
public import Transformers

/// A model that learns from token rows: AdamW over ragged batches, with validation, checkpoints and curves.
///
/// A run that is killed and started anew with the same arguments goes on from its last checkpoint and ends with the
/// same bits; so does one with another number of threads.
public struct TrainingRun {
  private let model: any LanguageModel
  private let rows: TokenRows
  private let validation: TokenRows?
  private let settings: TrainingSettings
  private let monitor: any TrainingMonitor
  private let checkpoints: CheckpointFolder
  private let curves: FilePath
  private let lengths: [Int]
  /// Updates that the run makes unless patience runs out.
  public let steps: Int

  /// A run.
  ///
  /// - Parameters:
  ///   - model: The model, with room for gradients; `run` leaves its last or best parameters in it.
  ///   - rows: What it learns from.
  ///   - validation: What early stopping looks at, if there is anything.
  ///   - settings: All numbers.
  ///   - checkpoints: Where checkpoints lie, and what they are bound to.
  ///   - curves: An existing folder for `curves.jsonl` and the event file.
  ///   - monitor: Who watches.
  /// - Throws: `TrainingError.noRows`, `TrainingError.warmUpTooLong`, or `UnfitRow` naming a row that the model can't learn
  ///   from.
  public init(
    _ model: any LanguageModel, rows: TokenRows, validation: TokenRows?, settings: TrainingSettings,
    checkpoints: CheckpointPlace, curves: FilePath, monitor: any TrainingMonitor
  ) throws {
    guard rows.count > 0 else { throw TrainingError.noRows }
    try rows.check(context: model.contextLength, vocabulary: model.vocabularySize)
    self.validation = validation.flatMap { $0.count > 0 ? $0 : nil }
    try self.validation?.check(context: model.contextLength, vocabulary: model.vocabularySize)
    self.model = model
    self.rows = rows
    self.settings = settings
    self.monitor = monitor
    self.checkpoints = CheckpointFolder(place: checkpoints)
    self.curves = curves
    lengths = (0..<rows.count).map { rows.offsets[$0 + 1] - rows.offsets[$0] }
    steps = RowOrder.steps(settings.length, lengths: lengths, settings: settings.batch)
    for (name, count) in [("warmup_steps", settings.warmUp), ("warmup_lambda", settings.lambdaWarmUp)]
    where count > steps {
      throw TrainingError.warmUpTooLong(name, count, steps: steps)
    }
  }

  /// Trains to the end.
  ///
  /// - Returns: What it came to; the model holds the parameters.
  /// - Throws: `TrainingError`, or `Errno` where a file can't be written.
  public func run() throws -> TrainingOutcome {
    var state = TrainingState(
      parameters: model.parameters.values, keepsBest: settings.keep == .best && validation != nil,
      in: model.device.buffers)
    let log = try CurveLog(
      in: curves, resuming: checkpoints.restore(into: &state, steps: steps) { monitor.warn($0) })
    var order = RowOrder(lengths: lengths, settings: settings.batch)
    var seen = (rows: 0, tokens: 0)
    func next() -> [[Int]] {
      let batches = order.next()
      for row in batches.joined() { seen = (seen.rows + 1, seen.tokens + lengths[row]) }
      return batches
    }
    for _ in 0..<state.step { _ = next() }
    var pace = Pace(firstStep: state.step, steps: steps)
    var stopped = false
    monitor.report(pace.progress)
    while true {
      if isEvaluated(state.step) { try evaluate(&state, log) }
      if state.step == steps { break }
      if let patience = settings.patience, state.evaluationsSinceBest >= patience {
        stopped = true
        break
      }
      let (row, tokens) = try train(next(), state)
      try log.append(row)
      state.step += 1
      if pace.advance(by: tokens, loss: row.loss) { monitor.report(pace.progress) }
      if monitor.isInterrupted { try interrupt(state, log) }
      if state.step % settings.checkpointEvery == 0, state.step < steps {
        try save(state, log)
      }
    }
    monitor.report(pace.progress)
    try requireFinite(state)
    if let best = state.bestParameters, state.best != nil { model.parameters.values.assign(best) }
    let kept = state.bestParameters == nil ? nil : state.best
    return TrainingOutcome(
      steps: state.step, rows: seen.rows, tokens: seen.tokens, keptStep: kept?.step ?? state.step, kept: kept,
      keptIsFirst: kept.map { $0.step == min(evaluationInterval ?? steps, steps) && $0.step < state.step } ?? false,
      firstEvaluation: state.first, lastEvaluation: state.last, lastLoss: pace.progress.loss,
      tokensPerSecond: pace.progress.tokensPerSecond, stoppedEarly: stopped)
  }

  private func interrupt(_ state: TrainingState, _ log: CurveLog) throws -> Never {
    try save(state, log)
    throw TrainingError.interrupted(step: state.step)
  }

  private func save(_ state: TrainingState, _ log: CurveLog) throws {
    try requireFinite(state)
    try checkpoints.save(state, curves: log.content)
  }

  /// Looks at all that an update leaves: what is not finite is found here, before it is kept.
  private func requireFinite(_ state: TrainingState) throws {
    for (what, tensor) in [
      ("parameters", state.parameters), ("first moment", state.firstMoment), ("second moment", state.secondMoment),
    ] {
      if let name = model.parameters.firstNotFinite(in: tensor) {
        throw TrainingError.notFinite("\(what) of \(name)", step: state.step)
      }
    }
  }

  // MARK: One step

  /// Forward, back and update over the micro-batches of one step.
  private func train(_ batches: [[Int]], _ state: TrainingState) throws -> (row: CurveRow, tokens: Int) {
    let step = state.step
    let objective = ModelObjective(
      settings.objective.warmedUp(step: step, over: settings.lambdaWarmUp), vocabulary: model.vocabularySize)
    let count = batches.joined().reduce(0) { $0 + rows.completion($1).count }
    let scale = Float(1 / Double(count))
    var allSums = BalancedSum<ObjectiveSums> { left, right in
      var sums = left
      sums.add(right)
      return sums
    }
    var allGradients = BalancedSum<Tensor> { [device = model.device] left, right in
      device.add(left, right, into: left)
      return left
    }
    var tokens = 0
    for (index, batch) in batches.enumerated() {
      model.clearGradients()
      let ragged = RaggedBatch(rows, batch, endTokens: model.endTokens)
      let dropout = DropoutSettings(
        probability: Float(settings.dropout), seed: settings.seed, step: step * settings.batch.accumulate + index)
      let statistics = model.accumulateGradients(
        of: ragged, objective: objective, scale: scale, dropout: settings.dropout > 0 ? dropout : nil)
      let sums = objective.sums(of: statistics)
      try requireFinite(sums, objective, statistics, of: rows, batch, step: step)
      allSums.append(sums)
      tokens += batch.reduce(0) { $0 + lengths[$1] }
      // One micro-batch is its own sum.
      if batches.count > 1, let gradients = model.parameters.gradients {
        let own = model.device.empty(gradients.shape)
        model.device.copy(gradients, into: own)
        allGradients.append(own)
      }
    }
    if let sum = allGradients.total(), let gradients = model.parameters.gradients {
      model.device.copy(sum, into: gradients)
    }
    let sums = allSums.total() ?? ObjectiveSums()
    let rate = LearningRateSchedule(
      settings.schedule, peak: settings.learningRate, warmUp: settings.warmUp, steps: steps
    ).rate(at: step)
    let norm = try update(state, rate: rate)
    var row = CurveRow(sums, objective: objective.objective, step: step, split: .train)
    row.gradientNorm = norm
    row.learningRate = rate
    return (row, tokens)
  }

  /// Names the row whose loss is not finite.
  private func requireFinite(
    _ sums: ObjectiveSums, _ objective: ModelObjective, _ statistics: RowStatistics, of rows: TokenRows, _ batch: [Int],
    step: Int
  ) throws {
    if sums.loss.isFinite { return }
    let row = objective.firstNotFinite(in: statistics).map { " of row \(rows.ids[batch[$0]])" }
    throw TrainingError.notFinite("loss\(row ?? "")", step: step)
  }

  /// Clips the gradients and makes one AdamW update; returns their norm before clipping.
  private func update(_ state: TrainingState, rate: Double) throws -> Double {
    let (parameters, device) = (model.parameters, model.device)
    guard let gradients = parameters.gradients else { preconditionFailure("the model has no room for gradients") }
    let norm = device.sumOfSquares(gradients).squareRoot()
    guard norm.isFinite else {
      let name = parameters.firstNotFinite(in: gradients).map { " at \($0)" } ?? ""
      throw TrainingError.notFinite("gradient norm\(name)", step: state.step)
    }
    let optimiser = settings.optimiser
    let scale = optimiser.clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    for (range, decays) in Self.decayRanges(parameters) {
      func part(_ tensor: Tensor) -> Tensor { tensor.view(from: range.lowerBound, shape: [range.count]) }
      device.adamW(
        part(state.parameters), gradients: part(gradients), firstMoment: part(state.firstMoment),
        secondMoment: part(state.secondMoment),
        AdamWStep(
          learningRate: rate, beta1: optimiser.beta1, beta2: optimiser.beta2, epsilon: optimiser.epsilon,
          weightDecay: decays ? optimiser.weightDecay : 0, step: state.step + 1, gradientScale: scale))
    }
    return norm
  }

  /// The flat buffer cut where parameters that decay, those of rank 2 and more, and others meet.
  private static func decayRanges(_ parameters: ModelParameters) -> [(range: Range<Int>, decays: Bool)] {
    var ranges: [(range: Range<Int>, decays: Bool)] = []
    for entry in parameters.entries {
      let decays = entry.shape.rank >= 2
      if let last = ranges.last, last.decays == decays {
        ranges[ranges.count - 1].range = last.range.lowerBound..<entry.range.upperBound
      } else {
        ranges.append((entry.range, decays))
      }
    }
    return ranges
  }

  // MARK: Validation

  private func isEvaluated(_ step: Int) -> Bool {
    guard let evaluationInterval else { return false }
    return step == steps || step % evaluationInterval == 0
  }

  /// Steps between evaluations; nil where there is no validation row.
  public var evaluationInterval: Int? {
    validation == nil ? nil : settings.evaluateEvery ?? max(1, (steps + 9) / 10)
  }

  /// Measures the whole validation split, in file order and in groups that don't depend on training's batches.
  private func evaluate(_ state: inout TrainingState, _ log: CurveLog) throws {
    guard let validation else { return }
    let objective = ModelObjective(settings.objective, vocabulary: model.vocabularySize)
    var sums = ObjectiveSums()
    for group in validation.groups(ofTokens: 4096) {
      if monitor.isInterrupted { try interrupt(state, log) }
      let batch = RaggedBatch(validation, group, endTokens: model.endTokens)
      let statistics = model.evaluate(batch, statistics: objective.statistics)
      let own = objective.sums(of: statistics)
      try requireFinite(own, objective, statistics, of: validation, Array(group), step: state.step)
      sums.add(own)
    }
    let row = CurveRow(sums, objective: settings.objective, step: state.step, split: .validation)
    try log.append(row)
    if let name = model.parameters.firstNotFinite(in: state.parameters) {
      throw TrainingError.notFinite("parameters of \(name)", step: state.step)
    }
    state.evaluated(Evaluation(step: state.step, loss: row.loss, mle: row.mle))
  }
}

extension CurveRow {
  /// A point of the curve from its sums.
  fileprivate init(_ sums: ObjectiveSums, objective: Objective, step: Int, split: Split) {
    var extra = [
      ("mean_v", sums.perToken(\.value)), ("mean_v0", sums.firstValue / Double(max(sums.completions, 1))),
      ("mean_r", sums.perToken(\.reward)), ("mean_r_end", sums.endReward / Double(max(sums.terminals, 1))),
    ]
    if objective.lambda > 0 {
      extra += [("lambda", objective.lambda), ("flipped", Double(sums.flipped) / Double(max(sums.tokens, 1)))]
    }
    self.init(
      step: step, split: split, loss: sums.perToken(\.loss), mle: sums.perToken(\.mle), td: sums.perToken(\.td),
      entropy: sums.perToken(\.entropy), tokens: sums.tokens, extra: extra)
  }
}

/// How fast a run goes, by the clock; nothing of this reaches an artifact.
private struct Pace {
  var progress: TrainingProgress
  private let start = ContinuousClock.now
  private var reported = ContinuousClock.now
  private let firstStep: Int
  private var tokens = 0

  init(firstStep: Int, steps: Int) {
    self.firstStep = firstStep
    progress = TrainingProgress(step: firstStep, steps: steps)
  }

  /// Counts a step; true a few times a second, when it is time to report.
  mutating func advance(by count: Int, loss: Double) -> Bool {
    tokens += count
    let now = ContinuousClock.now
    progress.step += 1
    progress.loss = loss
    let seconds = max((now - start) / .seconds(1), 1e-9)
    progress.tokensPerSecond = Double(tokens) / seconds
    progress.stepsPerSecond = Double(progress.step - firstStep) / seconds
    guard now - reported >= .milliseconds(250) else { return false }
    reported = now
    return true
  }
}

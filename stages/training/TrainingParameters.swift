import CanonicalJSON
import Imitation
public import StageKit
import Training

/// The parameters that all stages that train have.
public struct TrainingParameters: Sendable {
  enum Schedule: String, ChoiceParameter { case constant, linear, cosine }
  enum Kept: String, ChoiceParameter { case best, last }

  static let steps = Parameter<Int?>(
    "steps", in: 1...1_000_000_000, unit: "steps", doc: "Updates to make; this or epochs.")
  static let epochs = Parameter<Int?>(
    "epochs", in: 1...1_000_000, unit: "epochs", doc: "Visits to every row; this or steps; 1 where neither is given.")
  static let batchRows = Parameter<Int?>(
    "batch_rows", in: 1...1_000_000, unit: "rows",
    doc: "Rows of a batch; this or batch_tokens; 64 where neither is given.")
  static let batchTokens = Parameter<Int?>(
    "batch_tokens", in: 1...1_000_000_000, unit: "tokens",
    doc: "Tokens that a batch holds at most, prompts included; a longer row is a batch of its own.")
  static let accumulate = Parameter(
    "accumulate", default: 1, in: 1...1_000_000, unit: "batches",
    doc: "Batches that one update sums over; the loss is divided by the tokens of all of them.")
  static let learningRate = Parameter(
    "learning_rate", default: 1e-3, in: 0...1000, doc: "Highest learning rate of AdamW.")
  static let schedule = Parameter(
    "schedule", default: Schedule.cosine,
    doc: "Course of the rate after warm-up; linear and cosine end at a tenth of it.")
  static let warmUp = Parameter(
    "warmup_steps", default: 0, in: 0...1_000_000_000, unit: "steps", doc: "Steps over which the rate rises.")
  static let weightDecay = Parameter(
    "weight_decay", default: 0.0, in: 0...1000, doc: "Decoupled decay of parameters of rank 2 and more.")
  static let beta1 = Parameter("beta1", default: 0.9, in: 0...0.999999, doc: "Decay of AdamW's first moment.")
  static let beta2 = Parameter("beta2", default: 0.95, in: 0...0.999999, doc: "Decay of AdamW's second moment.")
  static let epsilon = Parameter(
    "epsilon", default: 1e-8, in: 0...1, doc: "Number that AdamW adds to the root of the second moment.")
  static let clipNorm = Parameter(
    "clip_norm", default: 1.0, in: 0...1_000_000_000,
    doc: "Norm to which gradients are clipped; 0 leaves them as they are.")
  static let dropout = Parameter(
    "dropout", default: 0.0, in: 0...0.99, doc: "Share of hidden elements that are set to 0 in training.")
  static let shuffle = Parameter(
    "shuffle", default: true,
    doc: "Whether every epoch has an order of its own; else rows come in file order and wrap.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of the order of rows and of dropout.")
  static let evaluateEvery = Parameter<Int?>(
    "evaluate_every", in: 1...1_000_000_000, unit: "steps",
    doc: "Steps between evaluations of the whole validation split; ten in a run where it is not given.")
  static let patience = Parameter<Int?>(
    "patience", in: 1...1_000_000, unit: "evaluations",
    doc: "Evaluations without a lower loss after which training ends; null never ends early.")
  static let keep = Parameter(
    "keep", default: Kept.best,
    doc:
      "Parameters to end with: of the lowest validation loss after an update, or the last; without validation the last."
  )
  static let checkpointEvery = Parameter(
    "checkpoint_every", default: 100, in: 1...1_000_000_000, unit: "steps", doc: "Steps between checkpoints.",
    affectsResult: false)

  /// The declarations, in the order of the documentation.
  public static let declarations: [ParameterDeclaration] = [
    steps.declaration, epochs.declaration, batchRows.declaration, batchTokens.declaration, accumulate.declaration,
    learningRate.declaration, schedule.declaration, warmUp.declaration, weightDecay.declaration, beta1.declaration,
    beta2.declaration, epsilon.declaration, clipNorm.declaration, dropout.declaration, shuffle.declaration,
    seed.declaration, evaluateEvery.declaration, patience.declaration, keep.declaration, checkpointEvery.declaration,
  ]

  /// Names from TRL, transformers, Axolotl and torchtune.
  public static let aliases: [String: String] = [
    "max_steps": "steps", "num_steps": "steps", "num_train_epochs": "epochs", "num_epochs": "epochs",
    "per_device_train_batch_size": "batch_rows", "micro_batch_size": "batch_rows", "batch_size": "batch_rows",
    "max_tokens_per_batch": "batch_tokens", "gradient_accumulation_steps": "accumulate",
    "grad_accumulation_steps": "accumulate", "lr": "learning_rate", "lr_scheduler_type": "schedule",
    "lr_scheduler": "schedule", "num_warmup_steps": "warmup_steps", "adam_beta1": "beta1", "adam_beta2": "beta2",
    "adam_epsilon": "epsilon", "eps": "epsilon", "max_grad_norm": "clip_norm", "gradient_clip": "clip_norm",
    "data_seed": "seed", "eval_steps": "evaluate_every", "eval_every": "evaluate_every",
    "early_stopping_patience": "patience", "load_best_model_at_end": "keep", "save_steps": "checkpoint_every",
  ]

  private let length: TrainingLength
  private let batch: BatchSettings
  private let parameters: ParameterValues

  /// Reads the common parameters of a stage.
  /// - Throws: `ParameterError` where two exclude each other.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    self.parameters = parameters
    let (steps, epochs) = (parameters[Self.steps], parameters[Self.epochs])
    if let steps, let epochs {
      throw ParameterError(
        parameter: "epochs", found: "\(epochs) epochs beside \(steps) steps", expected: "either steps or epochs")
    }
    length = steps.map { .steps($0) } ?? .epochs(epochs ?? 1)
    let (rows, tokens) = (parameters[Self.batchRows], parameters[Self.batchTokens])
    if let rows, let tokens {
      throw ParameterError(
        parameter: "batch_tokens", found: "\(tokens) tokens beside \(rows) rows",
        expected: "either batch_rows or batch_tokens")
    }
    batch = BatchSettings(
      size: tokens.map { .tokens($0) } ?? .rows(rows ?? 64), accumulate: parameters[Self.accumulate],
      shuffle: parameters[Self.shuffle], seed: UInt64(parameters[Self.seed]))
    try checkWarmUp(Self.warmUp.declaration.name, parameters[Self.warmUp])
  }
}

extension TrainingParameters {
  /// How many gradients of micro-batches are held at a time beside the model's own.
  var waitingGradients: Int {
    let count = parameters[Self.accumulate]
    return count == 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount + 1
  }

  /// Parameters that are set and do nothing without a validation split, with what becomes of each.
  var needingValidation: [(name: String, effect: String)] {
    [
      ("patience", parameters[Self.patience] != nil, "never ends the training"),
      ("evaluate_every", parameters[Self.evaluateEvery] != nil, "evaluates nothing"),
    ].filter(\.1).map { ($0.0, $0.2) }
  }

  /// Whether a seed was chosen where nothing is drawn.
  var hasVoidSeed: Bool { parameters[Self.seed] != 0 && !parameters[Self.shuffle] && parameters[Self.dropout] == 0 }

  /// Parameters as a run has them: what the user left open with the value that it came to.
  ///
  /// - Parameters:
  ///   - values: Those that the record states.
  ///   - evaluationInterval: Steps between evaluations; nil where there are none.
  /// - Returns: The same names in the same order.
  func resolved(_ values: JSONObject, evaluationInterval: Int?) -> JSONObject {
    var resolved = values
    func set<Value>(_ parameter: Parameter<Value>, _ value: Int) {
      resolved[parameter.declaration.name] = JSONValue(value)
    }
    if case .epochs(let epochs) = length { set(Self.epochs, epochs) }
    if case .rows(let rows) = batch.size { set(Self.batchRows, rows) }
    if let evaluationInterval { set(Self.evaluateEvery, evaluationInterval) }
    return resolved
  }

  /// Whether the best evaluation is what the training is to end with.
  var keepsBest: Bool { parameters[Self.keep] == .best }

  /// What is to be said of `evaluate_every` where it is more than all steps; nil where it is not.
  func evaluationRemark(steps: Int) -> String? {
    guard let interval = parameters[Self.evaluateEvery], interval > steps else { return nil }
    return
      "\(Self.evaluateEvery.declaration.name) is \(interval), the training makes \(steps) updates; validation is looked "
      + "at before the first and after the last one only"
  }

  /// Refuses a warm-up that the training would end before; of epochs the run knows how many steps they come to.
  func checkWarmUp(_ name: String, _ count: Int) throws(ParameterError) {
    guard case .steps(let steps) = length, count > steps else { return }
    throw ParameterError(parameter: name, found: "\(count)", expected: "no more than the \(steps) steps")
  }

  /// The settings of a run with this objective.
  func settings(_ objective: Objective, lambdaWarmUp: Int) -> TrainingSettings {
    var settings = TrainingSettings(objective: objective, length: length, batch: batch)
    settings.lambdaWarmUp = lambdaWarmUp
    settings.schedule =
      switch parameters[Self.schedule] {
      case .constant: .constant
      case .linear: .linear
      case .cosine: .cosine
      }
    settings.learningRate = parameters[Self.learningRate]
    settings.warmUp = parameters[Self.warmUp]
    settings.optimiser.beta1 = parameters[Self.beta1]
    settings.optimiser.beta2 = parameters[Self.beta2]
    settings.optimiser.epsilon = parameters[Self.epsilon]
    settings.optimiser.weightDecay = parameters[Self.weightDecay]
    let clipNorm = parameters[Self.clipNorm]
    settings.optimiser.clipNorm = clipNorm > 0 ? clipNorm : nil
    settings.dropout = parameters[Self.dropout]
    settings.seed = UInt64(parameters[Self.seed])
    settings.evaluateEvery = parameters[Self.evaluateEvery]
    settings.patience = parameters[Self.patience]
    settings.keep = parameters[Self.keep] == .best ? .best : .last
    settings.checkpointEvery = parameters[Self.checkpointEvery]
    return settings
  }
}

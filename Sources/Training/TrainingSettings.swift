public import Imitation

/// The numbers of AdamW with decoupled decay, and of clipping.
public struct OptimiserSettings: Sendable, Hashable {
  /// The decay of the first moment.
  public var beta1 = 0.9
  /// The decay of the second moment.
  public var beta2 = 0.95
  /// What is added to the root of the second moment.
  public var epsilon = 1e-8
  /// The decay of parameters of rank 2 and more; norms do not decay.
  public var weightDecay = 0.0
  /// Gradients are scaled by min(1, c / (norm + 10⁻⁶)); nil leaves them.
  public var clipNorm: Double? = 1

  /// Settings with the defaults.
  public init() {}
}

/// Which parameters a run ends with.
public enum KeptModel: String, Sendable, Hashable, CaseIterable {
  /// Those of the evaluation with the lowest validation loss, λ at its final value, among those after the first update;
  /// the last ones where there is no validation split.
  case best
  /// Those of the last step.
  case last
}

/// All that decides a run beside the model and the rows.
public struct TrainingSettings: Sendable, Hashable {
  /// What is minimised.
  public var objective: Objective
  /// Over how many steps λ rises to its value.
  public var lambdaWarmUp = 0
  /// How long training goes on.
  public var length: TrainingLength
  /// How rows come together in steps.
  public var batch: BatchSettings
  /// What follows the warm-up of the learning rate.
  public var schedule = LearningRateSchedule.Shape.cosine
  /// The highest learning rate.
  public var learningRate = 1e-3
  /// Over how many steps the learning rate rises.
  public var warmUp = 0
  /// AdamW and clipping.
  public var optimiser = OptimiserSettings()
  /// The share of elements that dropout sets to 0.
  public var dropout = 0.0
  /// The seed of dropout.
  public var seed: UInt64 = 0
  /// After how many steps the validation split is evaluated; nil for ten times a run.
  ///
  /// Before the first step and after the last it always is.
  public var evaluateEvery: Int?
  /// After how many evaluations without a better one training ends; nil for never.
  public var patience: Int?
  /// Which parameters the run ends with.
  public var keep = KeptModel.best
  /// After how many steps a checkpoint is written; the result does not depend on it.
  public var checkpointEvery = 100

  /// Settings with defaults for the rest.
  public init(objective: Objective, length: TrainingLength, batch: BatchSettings) {
    self.objective = objective
    self.length = length
    self.batch = batch
  }
}

/// How far a run is.
public struct TrainingProgress: Sendable, Hashable {
  /// Steps done.
  public var step: Int
  /// Steps in all.
  public var steps: Int
  /// Tokens read a second, prompts included, since the run began or was resumed; nil before the first step.
  public var tokensPerSecond: Double?
  /// Steps a second, likewise.
  public var stepsPerSecond: Double?
  /// The loss of the last step's batch.
  public var loss: Double?
}

/// Who watches a run.
public protocol TrainingMonitor: Sendable {
  /// Takes note of how far it is; called a few times a second.
  func report(_ progress: TrainingProgress)
  /// Takes note of something that the user should know.
  func warn(_ text: String)
  /// Whether the run should write a checkpoint and end.
  var isInterrupted: Bool { get }
}

/// Why a run ended early.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The monitor asked for it; a checkpoint of this step is written.
  case interrupted(step: Int)
  /// A quantity became infinite or no number at this step.
  case notFinite(String, step: Int)
  /// There is no row to learn from.
  case noRows
  /// A warm-up, by the name of its parameter, that is longer than the training.
  case warmUpTooLong(String, Int, steps: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .interrupted(let step): "interrupted after \(step) steps; a checkpoint is written"
    case .notFinite(let name, let step):
      "the \(name) is not finite at step \(step), the last checkpoint is kept; lower learning_rate, or set clip_norm or "
        + "warmup_steps"
    case .noRows: "the train split has no rows"
    case .warmUpTooLong(let name, let count, let steps):
      "\(name) is \(count), the training makes \(steps) updates, so it would end before the warm-up does; lower \(name)"
    }
  }
}

/// What a run came to.
public struct TrainingOutcome: Sendable, Hashable {
  /// Updates that were made, those before a resumption included.
  public var steps: Int
  /// Rows that all updates learned from, visits counted, those before a resumption included.
  public var rows: Int
  /// Their tokens, prompts included.
  public var tokens: Int
  /// Updates after which the parameters were as they are kept.
  public var keptStep: Int
  /// The evaluation whose parameters were kept, where the best were asked for.
  public var kept: Evaluation?
  /// Whether it is the first after an update, although training went on: nothing better came of it.
  public var keptIsFirst: Bool
  /// The evaluation before the first step.
  public var firstEvaluation: Evaluation?
  /// The last evaluation.
  public var lastEvaluation: Evaluation?
  /// The loss of the last step's batch; nil if no step was made since the run began or was resumed.
  public var lastLoss: Double?
  /// Tokens read a second since the run began or was resumed; nil if no step was made.
  public var tokensPerSecond: Double?
  /// Whether patience ran out.
  public var stoppedEarly: Bool
}

/// The validation split as it was measured once.
public struct Evaluation: Sendable, Hashable {
  /// Updates made before.
  public var step: Int
  /// What is minimised, λ at its final value, nats a completion token.
  public var loss: Double
  /// Mean −log π over all completion tokens, nats.
  public var mle: Double
}

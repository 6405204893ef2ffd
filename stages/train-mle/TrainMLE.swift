import Imitation
public import StageKit
import TrainingStages

/// Maximum likelihood, with an optional entropy bonus or smoothed labels.
public struct TrainMLE: Stage {
  static let entropy = Parameter(
    "entropy", default: 0.0, in: 0...1000, unit: "nats per nat",
    doc: "Weight η of the entropy bonus: the loss is −log π − η H.")
  static let labelSmoothing = Parameter(
    "label_smoothing", default: 0.0, in: 0...0.999,
    doc: "Share ε of the target that is spread over the vocabulary.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "train-mle", revision: 2, summary: "Trains a model to imitate completions by maximum likelihood.",
    inputs: TrainingStageRun.inputs, outputs: TrainingStageRun.outputs,
    parameters: TrainingParameters.declarations + [entropy.declaration, labelSmoothing.declaration],
    aliases: TrainingParameters.aliases.merging(
      ["entropy_bonus": "entropy", "label_smoothing_factor": "label_smoothing"], uniquingKeysWith: { $1 }))

  private let training: TrainingStageRun

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` where two exclude each other.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    training = try TrainingStageRun(
      parameters, of: Self.declaration,
      objective: .maximumLikelihood(
        entropyBonus: parameters[Self.entropy], labelSmoothing: parameters[Self.labelSmoothing]))
  }

  /// Trains and writes model and curves.
  /// - Throws: `StageFailure`, or an error that names file, row or tensor.
  public func run(_ context: StageContext) throws { try training.run(context) }
}

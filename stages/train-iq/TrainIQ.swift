import CanonicalJSON
import Imitation
public import StageKit
import TrainingStages

/// Offline inverse soft-Q-learning (IQLearn): maximum likelihood plus λ times the squared temporal difference.
public struct TrainIQ: Stage {
  enum Gradient: String, ChoiceParameter { case full, semi }

  static let lambda = Parameter(
    "lambda", default: 0.1, in: 0...1000, doc: "Weight λ of r² in the loss λ r² − log π; 0 is maximum likelihood.")
  static let gamma = Parameter(
    "gamma", default: 1.0, in: 0...1, doc: "Discount γ of the next state's value in r = q − γ v′.")
  static let gradient = Parameter(
    "gradient", default: Gradient.full, doc: "Whether r² is differentiated through v′ (full) or not (semi).")
  static let warmUpLambda = Parameter(
    "warmup_lambda", default: 0, in: 0...1_000_000_000, unit: "steps", doc: "Steps over which λ rises to its value.")
  static let calibrateLevel = Parameter(
    "calibrate_level", default: false,
    doc: "Whether the mean value v over the first 4096 rows is subtracted from all logits before the first step.")
  static let mix = Parameter(
    "mix", default: 0.0, in: 0...1, doc: "Share of the model's own samples in the value term; only 0 as yet.")
  static let lambdaPolicy = Parameter(
    "lambda_policy", default: 0.0, in: 0...1000, doc: "Weight of r² on the model's own samples; only 0 as yet.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "train-iq", revision: 2,
    summary: "Trains a model to imitate completions by offline inverse soft-Q-learning, which leaves a reward behind.",
    inputs: TrainingStageRun.inputs, outputs: TrainingStageRun.outputs,
    parameters: TrainingParameters.declarations + [
      lambda.declaration, gamma.declaration, gradient.declaration, warmUpLambda.declaration,
      calibrateLevel.declaration, mix.declaration, lambdaPolicy.declaration,
    ],
    aliases: TrainingParameters.aliases.merging(
      ["alpha": "lambda", "discount": "gamma", "semi": "gradient"], uniquingKeysWith: { $1 }))

  private let training: TrainingStageRun

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` where two exclude each other, or for own samples, which are not available yet.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    for parameter in [Self.mix, Self.lambdaPolicy] where parameters[parameter] != 0 {
      throw ParameterError(
        parameter: parameter.declaration.name, found: JSONValue(parameters[parameter]).text,
        expected: "0: training on the model's own samples is not available yet")
    }
    training = try TrainingStageRun(
      parameters, of: Self.declaration,
      objective: .inverseQLearning(
        lambda: parameters[Self.lambda], gamma: parameters[Self.gamma],
        gradient: parameters[Self.gradient] == .full ? .full : .semi),
      lambdaWarmUp: parameters[Self.warmUpLambda], calibratesLevel: parameters[Self.calibrateLevel])
  }

  /// Trains and writes model and curves.
  /// - Throws: `StageFailure`, or an error that names file, row or tensor.
  public func run(_ context: StageContext) throws { try training.run(context) }
}

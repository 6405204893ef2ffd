import CanonicalJSON
import Records
import Tensors

/// All that a run needs to go on as if it had never stopped.
struct TrainingState {
  /// The next step.
  var step = 0
  /// The parameters, `[count]`; the model's own.
  let parameters: Tensor
  /// AdamW's first moments, `[count]`.
  let firstMoment: Tensor
  /// AdamW's second moments, `[count]`.
  let secondMoment: Tensor
  /// The best evaluation so far, none before the first update.
  var best: Evaluation?
  /// `[count]`, undefined while there is no best evaluation.
  let bestParameters: Tensor?
  /// The first evaluation, that of the model as it came where there is one.
  var first: Evaluation?
  /// The last evaluation.
  var last: Evaluation?
  /// Evaluations since the best one.
  var evaluationsSinceBest = 0

  /// The state before the first step.
  init(parameters: Tensor, keepsBest: Bool, in pool: BufferPool) {
    self.parameters = parameters
    firstMoment = Tensor(zeros: parameters.shape, in: pool)
    secondMoment = Tensor(zeros: parameters.shape, in: pool)
    bestParameters = keepsBest ? Tensor(parameters.shape, in: pool) : nil
  }

  /// The tensors of a checkpoint by name; all are `[count]`.
  var tensors: [(name: String, tensor: Tensor)] {
    var tensors = [("parameters", parameters), ("first_moment", firstMoment), ("second_moment", secondMoment)]
    if best != nil, let bestParameters { tensors.append(("best_parameters", bestParameters)) }
    return tensors
  }

  /// Takes note of an evaluation.
  ///
  /// What was measured before the first update is no result of the training: it is never the best one, and patience
  /// does not count it.
  mutating func evaluated(_ evaluation: Evaluation) {
    if first == nil { first = evaluation }
    last = evaluation
    if evaluation.step == 0 { return }
    if evaluation.loss < best?.loss ?? .infinity {
      best = evaluation
      evaluationsSinceBest = 0
      bestParameters?.assign(parameters)
    } else {
      evaluationsSinceBest += 1
    }
  }

  /// The members beside the tensors.
  var json: JSONValue {
    [
      "step": JSONValue(step), "best": best?.json ?? nil, "first": first?.json ?? nil, "last": last?.json ?? nil,
      "evaluations_since_best": JSONValue(evaluationsSinceBest),
    ]
  }

  /// Takes over the members beside the tensors; false where one is missing or of another type.
  mutating func adopt(_ json: JSONValue) -> Bool {
    guard let step = json["step"]?.integer, step >= 0, let count = json["evaluations_since_best"]?.integer,
      let best = json["best"], let first = json["first"], let last = json["last"]
    else { return false }
    self.step = step
    self.best = Evaluation(json: best)
    self.first = Evaluation(json: first)
    self.last = Evaluation(json: last)
    evaluationsSinceBest = count
    return true
  }
}

extension Evaluation {
  fileprivate var json: JSONValue { ["step": JSONValue(step), "loss": JSONValue(loss), "mle": JSONValue(mle)] }

  fileprivate init?(json: JSONValue) {
    guard let step = json["step"]?.integer, let loss = json["loss"]?.number, let mle = json["mle"]?.number else {
      return nil
    }
    self.init(step: step, loss: loss, mle: mle)
  }
}

public import Autodiff
public import Tensors

/// Dropout of one step: which elements fall is a function of seed, step and place.
public struct DropoutSettings: Sendable {
  /// The share of elements that become 0.
  public var probability: Float
  /// The seed of the run.
  public var seed: UInt64
  /// The step, micro-batches counted.
  public var step: Int

  /// Dropout with these settings.
  public init(probability: Float, seed: UInt64, step: Int) {
    self.probability = probability
    self.seed = seed
    self.step = step
  }

  func mask(site: Int) -> DropoutMask { DropoutMask(probability: probability, seed: seed, step: step, site: site) }
}

/// A model that gives logits for the token after each position.
public protocol LanguageModel: AnyObject, Sendable {
  /// Where it lives.
  var device: Device { get }
  /// Its trained tensors.
  var parameters: ModelParameters { get }
  /// How many tokens there are.
  var vocabularySize: Int { get }
  /// The longest sequence that it reads.
  var contextLength: Int { get }
  /// A number subtracted from all logits.
  var levelOffset: Float { get }
  /// The token that begins a text, if there is one.
  var beginToken: Int32? { get }
  /// The tokens that end a text.
  var endTokens: [Int32] { get }
  /// The matrix that makes logits of hidden states [vocabulary, width].
  var outputMatrix: Parameter { get }

  /// The final hidden state after each predicting token of a batch [rows, width], recorded on `tape`.
  ///
  /// Sequences must be no longer than `contextLength`.
  func hiddenStates(of batch: RaggedBatch, dropout: DropoutSettings?, on tape: Tape) -> Variable
}

extension LanguageModel {
  /// Forward and back: adds to `parameters.gradients`.
  ///
  /// - Parameters:
  ///   - batch: The sequences; as a whole step or as a micro-batch of one.
  ///   - objective: The loss.
  ///   - scale: What gradients are multiplied by: one over the count of predicted tokens of the whole step.
  ///   - dropout: Dropout, if any.
  /// - Returns: What each predicted row came to, before the update.
  public func accumulateGradients(
    of batch: RaggedBatch, objective: some RowObjective, scale: Float, dropout: DropoutSettings? = nil
  ) -> RowStatistics {
    precondition(parameters.gradients != nil, "the model was made without room for gradients")
    let tape = Tape(device: device, records: true)
    let hidden = hiddenStates(of: batch, dropout: dropout, on: tape)
    return tape.pullBack(
      hidden, weight: outputMatrix, rows: batch.rows, levelOffset: levelOffset, objective: objective, scale: scale)
  }

  /// Sets all gradients to 0.
  public func clearGradients() {
    if let gradients = parameters.gradients { device.fill(gradients, 0) }
  }

  /// What each predicted row of a batch comes to, without gradients or dropout.
  public func evaluate(_ batch: RaggedBatch, statistics: RowStatisticsOptions = []) -> RowStatistics {
    let tape = Tape(device: device, records: false)
    let hidden = hiddenStates(of: batch, dropout: nil, on: tape)
    return tape.evaluate(
      hidden, weight: outputMatrix, rows: batch.rows, levelOffset: levelOffset, statistics: statistics)
  }

  /// The logits of each predicted row, whole: [rows, vocabulary].
  ///
  /// For small batches.
  public func logits(of batch: RaggedBatch) -> Tensor {
    let tape = Tape(device: device, records: false)
    let hidden = hiddenStates(of: batch, dropout: nil, on: tape).value
    let logits = device.empty([hidden.shape.rows, vocabularySize])
    device.multiply(
      MatrixProduct(
        MatrixView(hidden), MatrixView(outputMatrix.value), transposed: .right, into: MatrixView(logits)))
    if levelOffset != 0 { for index in logits.buffer.indices { logits.buffer[index] -= levelOffset } }
    return logits
  }
}

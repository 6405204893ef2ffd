public import Autodiff

/// The rows of one sequence as statistics in double precision.
struct SequenceStates: RandomAccessCollection {
  let rows: SequenceRows
  var startIndex: Int { 0 }
  var endIndex: Int { rows.values.count }

  subscript(index: Int) -> StateStatistics {
    StateStatistics(
      actionLogit: Double(rows.actionLogits[index]), value: Double(rows.values[index]),
      entropy: rows.entropies.isEmpty ? 0 : Double(rows.entropies[index]),
      meanLogit: rows.meanLogits.isEmpty ? 0 : Double(rows.meanLogits[index]), level: Double(rows.levelOffset))
  }
}

extension CompletionStates<SequenceStates> {
  /// The completion of a sequence; a last row without action says that it was cut off.
  init(_ rows: SequenceRows) {
    self.init(SequenceStates(rows: rows), isTerminal: rows.actions.last.map { $0 >= 0 } ?? true)
  }
}

/// An objective over a model's logits: what the model's head asks for the gradient of each row.
public struct ModelObjective: RowObjective {
  /// What is minimised.
  public var objective: Objective
  /// V, how many logits a row has.
  public var vocabulary: Int

  /// An objective over a vocabulary.
  public init(_ objective: Objective, vocabulary: Int) {
    self.objective = objective
    self.vocabulary = vocabulary
  }

  /// Entropies, which curves report, and mean logits where labels are smoothed.
  public var statistics: RowStatisticsOptions { objective.needsMeanLogit ? [.entropies, .meanLogits] : .entropies }

  /// Writes the coefficients of every row of a sequence, not yet divided by any token count.
  public func coefficients(of rows: SequenceRows, into coefficients: UnsafeMutableBufferPointer<RowCoefficients>) {
    var sums = ObjectiveSums()
    var gradients: [LogitGradient] = []
    gradients.reserveCapacity(coefficients.count)
    objective.evaluate(
      CompletionStates(rows), vocabulary: vocabulary, sums: &sums, gradients: &gradients)
    for (index, gradient) in gradients.enumerated() {
      coefficients[index] = RowCoefficients(
        oneHot: Float(gradient.action), softmax: Float(gradient.softmax), entropy: Float(gradient.entropy),
        uniform: Float(gradient.uniform))
    }
  }

  /// What the completions of a batch come to, summed in their order.
  public func sums(of statistics: RowStatistics) -> ObjectiveSums {
    var sums = ObjectiveSums()
    var gradients: [LogitGradient] = []
    for sequence in 0..<statistics.offsets.count - 1 {
      gradients.removeAll(keepingCapacity: true)
      statistics.withSequence(sequence) {
        objective.evaluate(CompletionStates($0), vocabulary: vocabulary, sums: &sums, gradients: &gradients)
      }
    }
    return sums
  }

  /// The first completion of a batch whose loss is infinite or no number; nil where all are finite.
  public func firstNotFinite(in statistics: RowStatistics) -> Int? {
    var gradients: [LogitGradient] = []
    return (0..<statistics.offsets.count - 1).first { sequence in
      var sums = ObjectiveSums()
      gradients.removeAll(keepingCapacity: true)
      statistics.withSequence(sequence) {
        objective.evaluate(CompletionStates($0), vocabulary: vocabulary, sums: &sums, gradients: &gradients)
      }
      return !sums.loss.isFinite
    }
  }
}

import Imitation
import Records
import Tensors
import Testing
import Training
import Transformers

/// Gradients and sums of a step are added in a tree over micro-batch numbers.
@Suite struct BalancedSumTests {
  /// The sum as it is defined: the largest block of a power of two that fits first, the rest after it.
  static func oracle(_ values: ArraySlice<Float>) -> Float {
    if values.count == 1 { return values[values.startIndex] }
    var size = 1
    while 2 * size < values.count { size *= 2 }
    let middle = values.startIndex + size
    return oracle(values[..<middle]) + oracle(values[middle...])
  }

  @Test("Values are added in the balanced tree over their numbers, bit by bit, cancelling and tiny ones too")
  func tree() {
    var numbers = Philox(seed: 1, purpose: "sums")
    let special: [Float] = [1e8, 1, -1e8, .leastNonzeroMagnitude, -0, 3.4e38, -3.4e38, 1e-3]
    for count in 1...33 {
      for _ in 0..<20 {
        let values = (0..<count).map { _ in
          numbers.nextInteger(below: 3) == 0
            ? special[numbers.nextInteger(below: special.count)] : Float(numbers.nextUniform() - 0.5)
        }
        var sum = BalancedSum<Float>(adding: +)
        for value in values { sum.append(value) }
        #expect(sum.total()?.bitPattern == Self.oracle(values[...]).bitPattern, "\(values)")
      }
    }
    #expect(BalancedSum<Float>(adding: +).total() == nil)
  }

  @Test(
    "A step's gradient is the tree's sum of the gradients that its micro-batches have alone", arguments: [2, 3, 5, 8])
  func gradients(count: Int) throws {
    let rows = Workbench.rows(count, cut: true)
    let objective = Objective.inverseQLearning(lambda: 0.3, gamma: 0.9)
    let model = Workbench.model()
    let head = ModelObjective(objective, vocabulary: model.vocabularySize)
    var parts: [[Float]] = []
    for row in 0..<count {
      model.clearGradients()
      _ = model.accumulateGradients(
        of: RaggedBatch(rows, [row], endTokens: model.endTokens), objective: head,
        scale: Float(1 / Double(rows.completionTokenCount)))
      parts.append(try #require(model.parameters.gradients).elements)
    }
    let sum = parts[0].indices.map { index in Self.oracle(parts.map { $0[index] }[...]) }
    let expected = model.device.sumOfSquares(Tensor([sum.count], sum, in: model.device.buffers)).squareRoot()
    var settings = Workbench.settings(objective, steps: 1, rows: 1, accumulate: count)
    settings.batch.shuffle = false
    for threads in [1, 2] {
      let bench = Workbench()
      try bench.run(Workbench.model(threads: threads), rows: rows, settings: settings)
      #expect(try bench.curve().first?.gradientNorm == expected)
    }
  }
}

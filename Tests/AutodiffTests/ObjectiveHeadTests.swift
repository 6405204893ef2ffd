import Autodiff
import Glibc
import Tensors
import Testing

/// A loss with every term that the head knows: IQLearn (research: λ r² − log π), entropy bonus, label smoothing.
private struct FullObjective: RowObjective {
  let lambda: Double
  let gamma: Double
  let bonus: Double
  let smoothing: Double
  let vocabulary: Int
  var statistics: RowStatisticsOptions { [.entropies, .meanLogits] }

  func coefficients(of rows: SequenceRows, into coefficients: UnsafeMutableBufferPointer<RowCoefficients>) {
    var previous = 0.0
    for row in rows.actions.indices {
      if rows.actions[row] < 0 {
        coefficients[row] = RowCoefficients(oneHot: .nan, softmax: Float(-2 * lambda * gamma * previous))
        continue
      }
      let next = row + 1 < rows.values.count ? Double(rows.values[row + 1]) : 0
      let reward = Double(rows.actionLogits[row]) - gamma * next
      coefficients[row] = RowCoefficients(
        oneHot: Float(2 * lambda * reward - 1 + smoothing), softmax: Float(1 - 2 * lambda * gamma * previous),
        entropy: Float(bonus), uniform: Float(-smoothing / Double(vocabulary)))
      previous = reward
    }
  }

  /// The loss itself, in double, of logits [rows, vocabulary].
  func loss(_ logits: [Double], _ rows: PredictedRows) -> Double {
    let values = (0..<rows.actions.count).map { row in
      log(logits[row * vocabulary..<(row + 1) * vocabulary].reduce(0) { $0 + exp($1) })
    }
    var loss = 0.0
    for (start, end) in zip(rows.offsets, rows.offsets.dropFirst()) {
      for row in start..<end where rows.actions[row] >= 0 {
        let q = Array(logits[row * vocabulary..<(row + 1) * vocabulary])
        let action = q[Int(rows.actions[row])]
        let reward = action - gamma * (row + 1 < end ? values[row + 1] : 0)
        let mean = q.reduce(0, +) / Double(vocabulary)
        let entropy = q.reduce(0) { $0 - exp($1 - values[row]) * ($1 - values[row]) }
        loss += lambda * reward * reward + values[row] - (1 - smoothing) * action - smoothing * mean - bonus * entropy
      }
    }
    return loss
  }
}

@Suite("Objective head")
struct ObjectiveHeadTests {
  private let width = 5
  private let rows = PredictedRows(
    actions: [3, 0, 6, -1, 2, 6, 6, 1, 4, 0, 5, 2, 6], offsets: [0, 4, 5, 5, 13])

  private func run(
    _ objective: FullObjective, vocabulary: Int, offset: Float = 0, budget: LogitBudget = .standard
  ) -> (RowStatistics, hidden: Tensor?, weight: Tensor?, inputs: ([Double], [Double])) {
    let device = Device(threads: 2)
    let count = rows.actions.count
    let (h, w) = (Plain.random(count * width, 1), Plain.random(vocabulary * width, 2))
    let tape = Tape(device: device, records: true)
    let table = Parameter(value: Tensor([count, width], h, on: device), gradient: device.zeros([count, width]))
    let weight = Parameter(
      value: Tensor([vocabulary, width], w, on: device), gradient: device.zeros([vocabulary, width]))
    let hidden = tape.embedding(table, (0..<Int32(count)).map { $0 })
    let statistics = tape.pullBack(
      hidden, weight: weight, rows: rows, levelOffset: offset, objective: objective, scale: 0.25, budget: budget)
    return (statistics, table.gradient, weight.gradient, (h, w))
  }

  @Test(
    "Gradients of IQLearn, entropy bonus and smoothing are those of the loss, however logits are cut",
    arguments: [7, 16, 21], [(0.0, 1.0), (0.1, 1.0), (0.5, 0.9)])
  func gradients(vocabulary: Int, settings: (lambda: Double, gamma: Double)) {
    for (bonus, smoothing) in [(0.0, 0.0), (0.2, 0.0), (0.0, 0.1), (0.3, 0.1)] {
      let objective = FullObjective(
        lambda: settings.lambda, gamma: settings.gamma, bonus: bonus, smoothing: smoothing, vocabulary: vocabulary)
      for budget in [LogitBudget.standard, .none] {
        let (_, dh, dw, inputs) = run(objective, vocabulary: vocabulary, budget: budget)
        let differences = Plain.differences([inputs.0, inputs.1], gradient: [0.25]) {
          [objective.loss(Plain.linear($0[0], $0[1], inner: width), rows)]
        }
        expectClose(dh, differences[0], "hidden")
        expectClose(dw, differences[1], "weight")
      }
    }
  }

  @Test("Statistics are those of the logits, and evaluation alone gives the same")
  func statistics() {
    let vocabulary = 19
    let objective = FullObjective(lambda: 0.1, gamma: 1, bonus: 0.1, smoothing: 0, vocabulary: vocabulary)
    let (statistics, _, _, inputs) = run(objective, vocabulary: vocabulary, offset: 2)
    let logits = Plain.linear(inputs.0, inputs.1, inner: width)
    for row in rows.actions.indices {
      let q = Array(logits[row * vocabulary..<(row + 1) * vocabulary])
      let value = log(q.reduce(0) { $0 + exp($1) })
      #expect(abs(Double(statistics.values[row]) - value) < 1e-5)
      #expect(abs(Double(statistics.meanLogits[row]) - q.reduce(0, +) / Double(vocabulary)) < 1e-5)
      let entropy = q.reduce(0) { $0 - exp($1 - value) * ($1 - value) }
      #expect(abs(Double(statistics.entropies[row]) - entropy) < 1e-5)
      let action = rows.actions[row] < 0 ? 0 : q[Int(rows.actions[row])]
      #expect(abs(Double(statistics.actionLogits[row]) - action) < 1e-5)
    }
    let device = Device(threads: 1)
    let tape = Tape(device: device, records: false)
    let weight = Parameter(value: Tensor([vocabulary, width], inputs.1, on: device), gradient: nil)
    let table = Parameter(value: Tensor([rows.actions.count, width], inputs.0, on: device), gradient: nil)
    let evaluated = tape.evaluate(
      tape.embedding(table, (0..<Int32(rows.actions.count)).map { $0 }), weight: weight, rows: rows, levelOffset: 2,
      statistics: [.entropies])
    #expect(evaluated.values == statistics.values)
    #expect(evaluated.entropies == statistics.entropies)
    #expect(evaluated.actionLogits == statistics.actionLogits)
    #expect(evaluated.meanLogits.isEmpty)
    #expect(statistics.levelOffset == 2 && evaluated.withSequence(0) { $0.levelOffset } == 2)
  }
}

import Autodiff
import Tensors
import Testing
import Transformers

/// A model small enough for tests, large enough that products are cut into several tiles.
private let configuration = LlamaConfiguration(
  vocabularySize: 300, width: 64, layers: 2, heads: 4, keyValueHeads: 2, feedForward: 96, contextLength: 256)

private func rows(_ count: Int, seed: UInt64 = 3) -> [(tokens: [Int32], promptLength: Int)] {
  var numbers = Philox(seed: seed, purpose: "rows")
  return (0..<count).map { _ in
    let prompt = 1 + numbers.nextInteger(below: 40)
    let length = prompt + 1 + numbers.nextInteger(below: 80)
    return ((0..<length).map { _ in Int32(numbers.nextInteger(below: 300)) }, prompt)
  }
}

private func batch(_ rows: [(tokens: [Int32], promptLength: Int)]) -> RaggedBatch {
  var batch = RaggedBatch()
  for row in rows { batch.append(row.tokens, promptLength: row.promptLength) }
  return batch
}

/// −log π of each sequence's tokens.
private func losses(_ statistics: RowStatistics) -> [[Float]] {
  (0..<statistics.offsets.count - 1).map { sequence in
    (statistics.offsets[sequence]..<statistics.offsets[sequence + 1]).map {
      statistics.values[$0] - statistics.actionLogits[$0]
    }
  }
}

private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

@Suite("Same bits")
struct SameBitsTests {
  @Test("Gradients, statistics and updates have the same bits for any number of threads")
  func threads() throws {
    var reference: [[UInt32]] = []
    for threads in [1, 2, 3, 5] {
      let device = Device(threads: threads)
      let model = LlamaModel(configuration, seed: 1, on: device, trained: true)
      let gradients = try #require(model.parameters.gradients)
      let moments = (device.zeros(gradients.shape), device.zeros(gradients.shape))
      var results: [[UInt32]] = []
      for step in 1...2 {
        model.clearGradients()
        let statistics = model.accumulateGradients(
          of: batch(rows(30)), objective: PlainObjective(lambda: 0.1), scale: 1e-3,
          dropout: DropoutSettings(probability: 0.1, seed: 4, step: step))
        let norm = device.sumOfSquares(gradients).squareRoot()
        device.adamW(
          model.parameters.values, gradients: gradients, firstMoment: moments.0, secondMoment: moments.1,
          AdamWStep(
            learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: step,
            gradientScale: 1 / norm))
        results += [bits(statistics.values), bits(gradients.elements), bits(model.parameters.values.elements)]
      }
      if threads == 1 { reference = results } else { #expect(results == reference, "\(threads) threads") }
    }
  }

  @Test("Permuting a batch permutes the losses of its rows (practice rows 8 and 12)")
  func permutation() {
    let device = Device(threads: 2)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: false)
    let rows = rows(12)
    let order = [7, 2, 11, 0, 5, 9, 1, 10, 3, 8, 6, 4]
    let straight = losses(model.evaluate(batch(rows)))
    let permuted = losses(model.evaluate(batch(order.map { rows[$0] })))
    for (place, row) in order.enumerated() {
      #expect(zip(permuted[place], straight[row]).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test("Rows appended to a batch leave the losses of the others as they were")
  func appended() {
    let device = Device(threads: 2)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: false)
    let rows = rows(12)
    let alone = losses(model.evaluate(batch(Array(rows[..<1]))))
    let together = losses(model.evaluate(batch(rows)))
    #expect(zip(alone[0], together[0]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("Micro-batches that share a step's token count add up to the gradient of the whole batch")
  func accumulation() throws {
    let device = Device(threads: 2)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: true)
    let rows = rows(9)
    let whole = batch(rows)
    let scale = 1 / Float(whole.predictedTokens)
    let gradients = try #require(model.parameters.gradients)
    _ = model.accumulateGradients(of: whole, objective: PlainObjective(lambda: 0.1), scale: scale)
    let want = gradients.elements
    model.clearGradients()
    for part in [rows[..<2], rows[2..<7], rows[7...]] {
      _ = model.accumulateGradients(of: batch(Array(part)), objective: PlainObjective(lambda: 0.1), scale: scale)
    }
    let largest = want.map(abs).max() ?? 0
    #expect(zip(gradients.elements, want).allSatisfy { abs($0 - $1) < 1e-5 * largest })
  }

  @Test("A steady training step allocates no tensor memory")
  func allocation() {
    let device = Device(threads: 2)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: true)
    for _ in 0..<2 { _ = model.accumulateGradients(of: batch(rows(8)), objective: PlainObjective(), scale: 1) }
    let before = device.buffers.allocatedBytes
    for _ in 0..<3 { _ = model.accumulateGradients(of: batch(rows(8)), objective: PlainObjective(), scale: 1) }
    #expect(device.buffers.allocatedBytes == before)
  }

  @Test("A model's first values depend on seed and name alone, and have the deviations that they should")
  func initialisation() throws {
    let device = Device(threads: 1)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: false)
    var deeper = configuration
    deeper.layers = 3
    let other = LlamaModel(deeper, seed: 1, on: device, trained: false)
    let next = LlamaModel(configuration, seed: 2, on: device, trained: false)
    let name = "model.layers.1.self_attn.q_proj.weight"
    let values = try #require(model.parameters[name]).elements
    #expect(values == other.parameters[name]?.elements)
    #expect(values != next.parameters[name]?.elements)
    for (name, deviation) in [
      ("model.embed_tokens.weight", 0.02), (name, 0.02), ("model.layers.0.mlp.down_proj.weight", 0.01),
    ] {
      let values = try #require(model.parameters[name]).elements.map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      #expect(abs(mean) < 4 * deviation / Double(values.count).squareRoot())
      #expect(abs(square.squareRoot() / deviation - 1) < 4 / Double(2 * values.count).squareRoot())
    }
    #expect(model.parameters["model.norm.weight"]?.elements.allSatisfy { $0 == 1 } == true)
  }
}

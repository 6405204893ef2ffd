import Tensors
import Testing
import Transformers

/// [tokens × vocabulary] never exists whole (practice row 37).
@Suite("Memory of logits")
struct LogitMemoryTests {
  @Test(
    "practice row 37: with 50,000 tokens to choose from, a step over 4,096 tokens stays far below their logits",
    arguments: [[4096], Array(repeating: 64, count: 64)])
  func wideVocabulary(lengths: [Int]) throws {
    let configuration = LlamaConfiguration(
      vocabularySize: 50_000, width: 16, layers: 1, heads: 2, feedForward: 16, contextLength: 4097)
    let device = Device(threads: 2)
    let model = LlamaModel(configuration, seed: 1, on: device, trained: true)
    var numbers = Philox(seed: 3, purpose: "rows")
    var batch = RaggedBatch()
    for length in lengths {
      batch.append((0...length).map { _ in Int32(numbers.nextInteger(below: 50_000)) }, promptLength: 1)
    }
    #expect(batch.predictedTokens == 4096)
    let before = device.buffers.peakBytes
    _ = model.accumulateGradients(of: batch, objective: PlainObjective(lambda: 0.1), scale: 1)
    let whole = 4096 * 50_000 * MemoryLayout<Float>.stride
    #expect(device.buffers.peakBytes - before < whole / 4)
    #expect(try #require(model.parameters.gradients).elements.contains { $0 != 0 })
  }
}

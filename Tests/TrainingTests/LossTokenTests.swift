import Autodiff
import Imitation
import Records
import Tensors
import TestSupport
import Testing
import Training
import Transformers

/// Nothing is learned from what no completion holds (practice row 5).
@Suite struct LossTokenTests {
  @Test("practice row 5: an epoch's loss tokens are the completion lengths in the file, no more and no fewer")
  func count() throws {
    let bench = Workbench()
    let folder = bench.scratch.folder("tokens")
    try TokenRows.write([(.train, Workbench.rows(18, cut: true))], to: folder)
    let rows = try TokenRows(.train, in: folder)
    let lengths = (0..<rows.count).map { rows.offsets[$0 + 1] - rows.offsets[$0] - Int(rows.promptLengths[$0]) }
    // A last batch that is smaller, and batches cut by tokens.
    for size in [BatchSettings.Size.rows(5), .tokens(31), .rows(64)] {
      let bench = Workbench()
      var settings = Workbench.settings(.inverseQLearning(lambda: 0.1, gamma: 1))
      settings.batch.size = size
      settings.length = .epochs(1)
      try bench.run(Workbench.model(), rows: rows, settings: settings)
      #expect(try bench.curve().reduce(0) { $0 + $1.tokens } == lengths.reduce(0, +), "\(size)")
    }
  }

  @Test("practice row 5: an id that no row holds is never a target and never read")
  func unusedToken() throws {
    // No row holds 0, which padding would bring in, nor 1.
    let rows = Workbench.rows(9, cut: true)
    #expect(!rows.tokens.contains(0) && !rows.tokens.contains(1))
    for objective in Workbench.objectives {
      let model = Self.model()
      let choice = ModelObjective(objective, vocabulary: model.vocabularySize)
      let batch = RaggedBatch(rows, 0..<rows.count, endTokens: model.endTokens)
      #expect(batch.predictedTokens == rows.completionTokenCount)
      _ = model.accumulateGradients(of: batch, objective: choice, scale: 1 / Float(batch.predictedTokens))
      let output = try #require(model.parameters.gradient(named: "lm_head.weight"))
      let table = try #require(model.parameters.gradient(named: "model.embed_tokens.weight"))
      // Their output rows are equal, so softmax gives both the same gradient; a one-hot would set them apart.
      let (first, second) = (output.rows(0..<1).elements, output.rows(1..<2).elements)
      #expect(first == second && first.contains { $0 != 0 }, "\(objective)")
      #expect(output.rows(2..<3).elements != first)
      #expect(table.rows(0..<2).elements.allSatisfy { $0 == 0 })
      #expect(table.rows(3..<4).elements.contains { $0 != 0 })
    }
  }

  /// An untied model in whose output matrix the rows of 0 and 1 are equal.
  private static func model() -> LlamaModel {
    let model = LlamaModel(
      LlamaConfiguration(
        vocabularySize: Workbench.vocabulary, width: 16, layers: 1, heads: 2, feedForward: 24, contextLength: 64,
        isTied: false, endTokens: [Workbench.endToken]),
      seed: 3, on: Device(threads: 1), trained: true)
    let output = model.outputMatrix.value
    for column in 0..<16 { output.buffer[column] = output.buffer[16 + column] }
    return model
  }
}

extension ModelParameters {
  fileprivate func gradient(named name: String) -> Tensor? {
    entries.first { $0.name == name }.flatMap { gradient($0) }
  }
}

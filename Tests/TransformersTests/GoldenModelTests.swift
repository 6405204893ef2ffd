import Autodiff
import CanonicalJSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformers

private let device = Device(threads: 2)
private let missing = "the shared reference models are not beside the project"

@Suite("Reference models beside the project", .serialized, .enabled(if: Fixture.shared("golden") != nil, "\(missing)"))
struct GoldenModelTests {
  static let names = ["llama-gqa", "llama-tied", "llama3-rope", "llama-headdim"]

  private func folder(_ name: String) throws -> FilePath { try #require(Fixture.shared("golden/models/" + name)) }

  @Test("Logits are the reference's to rounding", arguments: names)
  func logits(name: String) throws {
    let reference = try ReferenceModel(folder(name))
    let model = try reference.load(on: device)
    let expected = try TensorFile(reference.folder.appending("logits.safetensors"))
    let batch = reference.batch()
    let logits = model.logits(of: batch)
    for (index, row) in reference.rows.enumerated() {
      let want = try expected.floats("row\(index)")
      let first = batch.rows.offsets[index]
      let count = row.tokens.count - row.promptLength
      let got = logits.rows(first..<first + count).elements
      #expect(got.count == want.count)
      #expect((zip(got, want).map { abs($0 - $1) }.max() ?? 0) < 1e-4, "row \(index)")
    }
  }

  @Test("Losses and every parameter's gradient norm are the reference's", arguments: names)
  func gradients(name: String) throws {
    let reference = try ReferenceModel(folder(name))
    let model = try reference.load(on: device)
    let expected = try JSONValue(parsing: Fixture.bytes(reference.folder.appending("expected.json")))
    let batch = reference.batch()
    for (objective, key) in [
      (PlainObjective(), "mle"), (PlainObjective(lambda: 0.1, gamma: 1), "iq_l0.1_g1.0"),
      (PlainObjective(lambda: 0.5, gamma: 0.9), "iq_l0.5_g0.9"),
    ] {
      model.clearGradients()
      let statistics = model.accumulateGradients(
        of: batch, objective: objective, scale: 1 / Float(batch.predictedTokens))
      let loss = try #require(expected["loss"]?[key]?.number)
      #expect(abs(objective.loss(of: statistics) - loss) < 1e-5 * max(1, loss), "\(key)")
      for entry in model.parameters.entries {
        let norm = try #require(expected["grad_norm"]?[key]?[entry.name]?.number)
        let got = device.sumOfSquares(try #require(model.parameters.gradient(entry))).squareRoot()
        #expect(abs(got - norm) < 2e-5 * max(norm, 0.1), "\(key) \(entry.name)")
      }
    }
  }
}

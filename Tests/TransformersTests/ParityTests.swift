import Autodiff
import CanonicalJSON
import Tensors
import TestSupport
import Testing
import Transformers

/// The committed reference, `fixtures/parity/`.
private struct Parity {
  let file: TensorFile
  let json: JSONValue
  let model: LlamaModel
  let batch: RaggedBatch

  init(on device: Device) throws {
    file = try TensorFile(Fixture.path("parity/llama.safetensors"))
    json = try JSONValue(parsing: Fixture.bytes(Fixture.path("parity/llama.json")))
    let config = try #require(json["config"])
    model = LlamaModel(try LlamaConfiguration(reference: config), on: device, trained: true)
    for entry in model.parameters.entries {
      model.parameters.value(entry).assign(Tensor(entry.shape, try file.floats(entry.name), in: device.buffers))
    }
    let tokens = try file.integers("tokens")
    let offsets = try file.longs("offsets")
    let prompts = try file.integers("prompt_lengths")
    let terminal = try #require(json["terminal"]?.array)
    var batch = RaggedBatch()
    for (index, isTerminal) in terminal.enumerated() {
      batch.append(
        tokens[offsets[index]..<offsets[index + 1]], promptLength: Int(prompts[index]),
        isTerminal: isTerminal == .bool(true))
    }
    self.batch = batch
  }
}

@Suite("Parity with transformers in double precision")
struct ParityTests {
  @Test("Logits are the reference's to rounding")
  func logits() throws {
    let parity = try Parity(on: Device(threads: 2))
    let want = try parity.file.floats("logits")
    let all = parity.model.logits(of: parity.batch)
    let rows = parity.batch.rows
    let got = rows.actions.indices.filter { rows.actions[$0] >= 0 }.flatMap { all.rows($0..<$0 + 1).elements }
    #expect(got.count == want.count)
    #expect((zip(got, want).map { abs($0 - $1) }.max() ?? 0) < 1e-5)
  }

  @Test(
    "Loss and every gradient are autograd's, for MLE and IQLearn with a cut-off completion", arguments: ["mle", "iq"])
  func gradients(key: String) throws {
    let device = Device(threads: 2)
    let parity = try Parity(on: device)
    let settings = try #require(parity.json["losses"]?[key])
    let objective = PlainObjective(
      lambda: Float(try #require(settings["lambda"]?.number)), gamma: Float(try #require(settings["gamma"]?.number)))
    let statistics = parity.model.accumulateGradients(
      of: parity.batch, objective: objective, scale: 1 / Float(parity.batch.predictedTokens))
    let loss = try #require(settings["loss"]?.number)
    #expect(abs(objective.loss(of: statistics) - loss) < 1e-5 * loss)
    for entry in parity.model.parameters.entries {
      let want = try parity.file.floats(key + "/" + entry.name)
      let got = try #require(parity.model.parameters.gradient(entry)).elements
      let scale = want.map(abs).max() ?? 0
      let worst = zip(got, want).map { abs($0 - $1) }.max() ?? 0
      #expect(worst < 1e-5 * max(scale, 1), "\(entry.name): \(worst) at a scale of \(scale)")
    }
  }

  @Test("A level offset is told beside what logits came to, and leaves the gradient of MLE as it was")
  func levelOffset() throws {
    let device = Device(threads: 1)
    let plain = try Parity(on: device)
    var configuration = plain.model.configuration
    configuration.levelOffset = 3
    let lowered = LlamaModel(configuration, on: device, trained: true)
    lowered.parameters.values.assign(plain.model.parameters.values)
    let one = plain.model.accumulateGradients(of: plain.batch, objective: PlainObjective(), scale: 1)
    let other = lowered.accumulateGradients(of: plain.batch, objective: PlainObjective(), scale: 1)
    #expect(one.values == other.values && one.actionLogits == other.actionLogits)
    #expect(one.levelOffset == 0 && other.levelOffset == 3)
    #expect(plain.model.parameters.gradients?.elements == lowered.parameters.gradients?.elements)
    #expect(lowered.logits(of: plain.batch).elements == plain.model.logits(of: plain.batch).elements.map { $0 - 3 })
  }
}

import CanonicalJSON
import Decoding
import Tensors
import Transformers

/// Generation by a model of size S: prompts of 32 tokens, 64 new tokens that no end token stops; the best of four runs.
struct GenerationBenchmark {
  private let threads: Int
  private let batch: Int
  private let samples: Int
  private let isGreedy: Bool

  init(_ arguments: Arguments) {
    threads = arguments.integer("threads", default: 2)
    batch = arguments.integer("batch", default: 16)
    samples = arguments.integer("samples", default: 8)
    isGreedy = arguments.text("mode") == "greedy"
  }

  func measure() {
    let model = LlamaModel(
      TrainingBenchmark.configuration, seed: 0, on: Device(threads: threads), trained: false)
    var numbers = Philox(seed: 0, purpose: "prompts")
    let prompts = (0..<batch).map { index in
      GenerationPrompt(
        id: "\(index)", tokens: (0..<32).map { _ in Int32(numbers.nextInteger(below: model.vocabularySize)) })
    }
    let settings = DecodingSettings(
      strategy: isGreedy ? .greedy : .sample(Sampling()), samples: samples, maximumNewTokens: 64, ignoresEnd: true)
    let generator = Generator(model, settings: settings)
    let best = (0..<4).map { _ in seconds { _ = try? generator.complete(prompts) } }.min() ?? 0
    printLine([
      "batch": JSONValue(batch), "samples": JSONValue(samples),
      "tokens_per_s": .number((Double(batch * samples * 64) / best).rounded()),
    ])
  }
}

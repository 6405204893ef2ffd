import Autodiff
import CanonicalJSON
import Glibc
import Imitation
import Records
import SystemPackage
import Tensors
import Transformers

/// Training steps of size S: 4 layers × 256 wide, 4 heads, vocabulary 4096, 32 rows, of 128 tokens each or of given
/// lengths; forward, backward, clipping and AdamW, as the peer's script does them.
struct TrainingBenchmark {
  static let configuration = LlamaConfiguration(
    vocabularySize: 4096, width: 256, layers: 4, heads: 4, feedForward: 672, contextLength: 512)
  static let rows = 32

  private let threads: Int
  private let steps: Int
  private let objective: String
  private let lengths: [(prompt: Int, completion: Int)]?

  init(_ arguments: Arguments) {
    threads = arguments.integer("threads", default: 2)
    steps = arguments.integer("steps", default: 12)
    objective = arguments.text("objective") ?? "mle"
    lengths = arguments.text("lengths").map { path in
      guard let rows = try? FileContent.json(FilePath(path)).array else { fatalError("\(path): no list of lengths") }
      return rows.map { ($0.array?[0].integer ?? 1, $0.array?[1].integer ?? 1) }
    }
  }

  /// Tokens and completion tokens of step `index`, random but the same every time.
  private func batch(_ index: Int) -> (batch: RaggedBatch, tokens: Int) {
    var numbers = Philox(seed: 0, purpose: "benchmark", stream: UInt64(index))
    var batch = RaggedBatch()
    var tokens = 0
    for row in 0..<Self.rows {
      let length = lengths.map { $0[(index * Self.rows + row) % $0.count] } ?? (prompt: 1, completion: 127)
      let count = length.prompt + length.completion
      let row = (0..<count).map { _ in Int32(numbers.nextInteger(below: Self.configuration.vocabularySize)) }
      batch.append(row, promptLength: length.prompt)
      tokens += count
    }
    return (batch, tokens)
  }

  /// A model with its optimiser's state.
  private final class Trainee {
    let model: LlamaModel
    private let first: Tensor
    private let second: Tensor
    private var step = 0

    init(threads: Int) {
      model = LlamaModel(TrainingBenchmark.configuration, seed: 0, on: Device(threads: threads), trained: true)
      first = Tensor(zeros: [model.parameters.count], in: model.device.buffers)
      second = Tensor(zeros: [model.parameters.count], in: model.device.buffers)
    }

    func train(on batch: RaggedBatch, _ objective: Objective) {
      guard let gradients = model.parameters.gradients else { return }
      model.clearGradients()
      let rows = model.accumulateGradients(
        of: batch, objective: ModelObjective(objective, vocabulary: model.vocabularySize),
        scale: 1 / Float(batch.predictedTokens))
      precondition(rows.values.allSatisfy(\.isFinite))
      let norm = model.device.sumOfSquares(gradients).squareRoot()
      step += 1
      model.device.adamW(
        model.parameters.values, gradients: gradients, firstMoment: first, secondMoment: second,
        AdamWStep(
          learningRate: 3e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, step: step,
          gradientScale: min(1, 1 / (norm + 1e-6))))
    }
  }

  private static func objective(_ name: String) -> Objective {
    name == "iq" ? .inverseQLearning(lambda: 0.1, gamma: 1) : .maximumLikelihood()
  }

  /// The median step, three left out to warm up.
  func measure() {
    let trainee = Trainee(threads: threads)
    var times: [(seconds: Double, tokens: Int)] = []
    for index in 0..<steps + 3 {
      let (batch, tokens) = batch(index)
      let time = seconds { trainee.train(on: batch, Self.objective(objective)) }
      if index >= 3 { times.append((time, tokens)) }
    }
    times.sort { $0.seconds / Double($0.tokens) < $1.seconds / Double($1.tokens) }
    let median = times[times.count / 2]
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    printLine([
      "objective": .string(objective), "ms_per_step": .number((median.seconds * 1e4).rounded() / 10),
      "tokens_per_s": .number((Double(median.tokens) / median.seconds).rounded()),
      "peak_mib": JSONValue(usage.ru_maxrss / 1024),
    ])
  }

  /// Blocks of steps by MLE and by IQLearn in the order ABBA, on the same batches; the ratio of their times.
  func compareObjectives() {
    let trainees = [Trainee(threads: threads), Trainee(threads: threads)]
    let names = ["mle", "iq"]
    for index in 0..<3 {
      for (trainee, name) in zip(trainees, names) { trainee.train(on: batch(index).batch, Self.objective(name)) }
    }
    var ratios: [Double] = []
    for block in 0..<max(6, steps) {
      var times = [0.0, 0.0]
      for which in [0, 1, 1, 0] {
        for index in 0..<2 {
          let batch = batch(3 + block * 2 + index).batch
          times[which] += seconds { trainees[which].train(on: batch, Self.objective(names[which])) }
        }
      }
      ratios.append(times[1] / times[0])
    }
    ratios.sort()
    printLine([
      "ratio": .number(ratios[ratios.count / 2]), "low": .number(ratios[0]), "high": .number(ratios[ratios.count - 1]),
    ])
  }
}

import Imitation
import Records
import Synchronization
import SystemPackage
import Tensors
import TestSupport
import Training
import Transformers

/// A small model, a few rows, and folders for a run.
struct Workbench {
  static let vocabulary = 23
  static let endToken: Int32 = 2

  /// Rows of many lengths; every fourth is cut off where `cut` says so.
  static func rows(_ count: Int, salt: Int = 0, cut: Bool = false, longest: Int = 12, split: String = "train")
    -> TokenRows
  {
    var rows = TokenRows()
    for row in 0..<count {
      let length = 1 + (row * 7 + salt) % longest
      let prompt = (0...row % 3).map { Int32(3 + (row + $0 * 5 + salt) % 20) }
      // Words follow from those before, so that there is something to learn.
      var completion = (0..<length - 1).map { Int32(3 + (row * 3 + $0 * 7 + salt) % 20) }
      completion.append(cut && row % 4 == 3 ? 5 : endToken)
      rows.append(id: "\(split)-\(row)", prompt: prompt, completion: completion)
    }
    return rows
  }

  static func model(seed: UInt64 = 1, threads: Int = 1, context: Int = 64, level: Float = 0) -> LlamaModel {
    LlamaModel(
      LlamaConfiguration(
        vocabularySize: vocabulary, width: 16, layers: 2, heads: 2, feedForward: 24, contextLength: context,
        levelOffset: level, endTokens: [endToken]),
      seed: seed, on: Device(threads: threads), trained: true)
  }

  static func settings(
    _ objective: Objective = .maximumLikelihood(), steps: Int = 12, rows: Int = 4, accumulate: Int = 1
  ) -> TrainingSettings {
    var settings = TrainingSettings(
      objective: objective, length: .steps(steps),
      batch: BatchSettings(size: .rows(rows), accumulate: accumulate, seed: 7))
    settings.learningRate = 0.01
    settings.optimiser.weightDecay = 0.1
    return settings
  }

  /// All objectives with something of their own, for properties that all must have.
  static let objectives: [Objective] = [
    .maximumLikelihood(), .maximumLikelihood(entropyBonus: 0.1), .maximumLikelihood(labelSmoothing: 0.1),
    .inverseQLearning(lambda: 0.1, gamma: 1), .inverseQLearning(lambda: 0.3, gamma: 0.9, gradient: .semi),
  ]

  let scratch = ScratchFolder()
  var checkpoints: FilePath { scratch.path.appending("checkpoints") }

  /// Stands in for SHA-256: FNV-1a over all bytes.
  @Sendable static func digest(_ bytes: UnsafeRawBufferPointer) -> String {
    String(bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }

  /// What a run leaves: parameters, curves and events, as bytes.
  struct Result: Equatable {
    var parameters: [UInt32]
    var curves: [UInt8]
    var events: [UInt8]
  }

  /// Runs to the end, or to an error.
  @discardableResult
  func run(
    _ model: LlamaModel, rows: TokenRows = Workbench.rows(18), validation: TokenRows? = nil,
    settings: TrainingSettings, monitor: any TrainingMonitor = Watcher(), action: String = "action"
  ) throws -> TrainingOutcome {
    try TrainingRun(
      model, rows: rows, validation: validation, settings: settings,
      checkpoints: CheckpointPlace(folder: checkpoints, action: action, digest: Self.digest),
      curves: scratch.folder("curves"), monitor: monitor
    ).run()
  }

  func result(_ model: LlamaModel) throws -> Result {
    let curves = scratch.path.appending("curves")
    return Result(
      parameters: model.parameters.values.elements.map(\.bitPattern),
      curves: try FileContent.read(curves.appending("curves.jsonl")),
      events: try FileContent.read(curves.appending(EventFile.name)))
  }

  /// The rows of the curve, by split.
  func curve(_ split: Split = .train) throws -> [CurveRow] {
    try CurveFiles.read(scratch.path.appending("curves")).filter { $0.split == split }
  }
}

/// Watches a run, and asks it to end after so many looks.
final class Watcher: TrainingMonitor {
  private let looks = Mutex(0)
  private let texts = Mutex<[String]>([])
  private let limit: Int

  init(interruptedAtLook limit: Int = .max) { self.limit = limit }

  func report(_ progress: TrainingProgress) {}
  func warn(_ text: String) { texts.withLock { $0.append(text) } }
  var warnings: [String] { texts.withLock { $0 } }
  var isInterrupted: Bool {
    looks.withLock { looks in
      looks += 1
      return looks >= limit
    }
  }
}

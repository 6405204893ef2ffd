public import CanonicalJSON
public import Records
import TextMetrics

/// Where an input of a report comes from: what people call it, the axes of its cell, and its digest if known.
public struct Provenance: Sendable, Hashable {
  /// How the pipeline calls it: `score-iq@lambda=0.1,temperature=1.scores`, or a label of the user's own.
  public var label: String
  /// The grid axes of its cell.
  public var axes: JSONObject
  /// The digest of the artifact, `sha256:…`, or nil.
  public var digest: String?

  /// A provenance.
  public init(label: String, axes: JSONObject = [:], digest: String? = nil) {
    self.label = label
    self.axes = axes
    self.digest = digest
  }

  /// Label and digest, as hovering shows them.
  var text: String { digest.map { "\(label) · \($0)" } ?? label }
}

/// The metrics of one sample.
public struct ExampleRow: Sendable {
  /// The id of the prompt's row.
  public var id: String
  /// Which sample of the prompt, from 0.
  public var sample: Int
  /// The numbers of the row by metric name.
  public var values: JSONObject

  /// A row.
  public init(id: String, sample: Int, values: JSONObject) {
    self.id = id
    self.sample = sample
    self.values = values
  }

  subscript(metric: String) -> Double? { values[metric]?.number }
}

/// A scores folder as values.
public struct ScoresInput: Sendable {
  /// Where it comes from.
  public var provenance: Provenance
  /// The metrics over all samples and the settings that decided them.
  public var file: ScoreFile
  /// The metrics of every sample, where they are at hand as values.
  public var examples: [ExampleRow]
  /// Reads the metrics of every sample, one by one, where they are not.
  private var reader: (@Sendable ((ExampleRow) throws -> Void) throws -> Void)?

  /// Scores.
  public init(provenance: Provenance, file: ScoreFile, examples: [ExampleRow]) {
    self.provenance = provenance
    self.file = file
    self.examples = examples
  }

  /// Scores whose samples are read as a stream, once.
  ///
  /// - Parameters:
  ///   - provenance: Where they come from.
  ///   - file: The metrics over all samples.
  ///   - reader: Calls its argument with the metrics of every sample in order.
  public init(
    provenance: Provenance, file: ScoreFile, reader: @escaping @Sendable ((ExampleRow) throws -> Void) throws -> Void
  ) {
    self.init(provenance: provenance, file: file, examples: [])
    self.reader = reader
  }

  func forEachExample(_ body: (ExampleRow) throws -> Void) throws {
    for example in examples { try body(example) }
    try reader?(body)
  }
}

/// A curves folder as values.
public struct CurvesInput: Sendable {
  /// Where it comes from.
  public var provenance: Provenance
  /// The points in file order.
  public var rows: [CurveRow]
  /// How the model was trained, where it is known.
  public var training: TrainingRecord?

  /// Curves.
  public init(provenance: Provenance, rows: [CurveRow], training: TrainingRecord? = nil) {
    self.provenance = provenance
    self.rows = rows
    self.training = training
  }
}

/// The rewards of every sample, read as a stream as often as they are needed.
public struct RewardsInput: Sendable {
  /// Where they come from.
  public var provenance: Provenance
  private let reader: @Sendable ((RewardRow) throws -> Void) throws -> Void

  /// Rewards.
  ///
  /// - Parameters:
  ///   - provenance: Where they come from.
  ///   - reader: Calls its argument with every row in order, whenever it is called.
  public init(provenance: Provenance, reader: @escaping @Sendable ((RewardRow) throws -> Void) throws -> Void) {
    self.provenance = provenance
    self.reader = reader
  }

  /// Rewards that are at hand as values.
  public init(provenance: Provenance, rows: [RewardRow]) {
    self.init(provenance: provenance) { body in for row in rows { try body(row) } }
  }

  func forEach(_ body: (RewardRow) throws -> Void) throws(ReportError) {
    do { try reader(body) } catch { throw ReportError.unreadable(label: provenance.label, reason: "\(error)") }
  }
}

/// Samples, read as a stream as often as they are needed.
public struct SamplesInput: Sendable {
  /// Where they come from.
  public var provenance: Provenance
  /// The generation's settings, or nil.
  public var settings: JSONObject?
  private let reader: @Sendable ((SampleRow) throws -> Void) throws -> Void

  /// Samples.
  ///
  /// - Parameters:
  ///   - provenance: Where they come from.
  ///   - settings: The generation's settings, or nil.
  ///   - reader: Calls its argument with every row in order, whenever it is called.
  public init(
    provenance: Provenance, settings: JSONObject?,
    reader: @escaping @Sendable ((SampleRow) throws -> Void) throws -> Void
  ) {
    self.provenance = provenance
    self.settings = settings
    self.reader = reader
  }

  /// Samples that are at hand as values.
  public init(provenance: Provenance, settings: JSONObject?, rows: [SampleRow]) {
    self.init(provenance: provenance, settings: settings) { body in for row in rows { try body(row) } }
  }

  func forEach(_ body: (SampleRow) throws -> Void) throws(ReportError) {
    do { try reader(body) } catch { throw ReportError.unreadable(label: provenance.label, reason: "\(error)") }
  }
}

/// All that a report is made of.
public struct ReportInputs: Sendable {
  /// Scores of every cell, in the order of printing.
  public var scores: [ScoresInput]
  /// Learning curves.
  public var curves: [CurvesInput]
  /// Rewards of the samples that were scored.
  public var rewards: [RewardsInput]
  /// The samples that were scored.
  public var samples: [SamplesInput]
  /// The bytes that a token stands for, or nil where no tokenizer is given.
  public var tokenBytes: (@Sendable (Int32) -> [UInt8])?

  /// Inputs.
  public init(
    scores: [ScoresInput], curves: [CurvesInput] = [], rewards: [RewardsInput] = [], samples: [SamplesInput] = [],
    tokenBytes: (@Sendable (Int32) -> [UInt8])? = nil
  ) {
    self.scores = scores
    self.curves = curves
    self.rewards = rewards
    self.samples = samples
    self.tokenBytes = tokenBytes
  }
}

/// What a user may choose about a report.
public struct ReportOptions: Sendable {
  /// The fewest resamples that give an interval.
  public static let leastResamples = Bootstrap.leastResamples

  /// The heading; empty for one made from the arms.
  public var title: String
  /// The metric that stands for quality, or `auto`.
  public var quality: String
  /// The arm that others are compared with, by name; empty for MLE.
  public var baseline: String
  /// Names to print for arms and curves, by the stem of their stages' names.
  public var names: [(stem: String, name: String)]
  /// Resamples of the bootstrap.
  public var resamples: Int
  /// Seed of the bootstrap.
  public var seed: Int

  /// Options.
  public init(
    title: String = "", quality: String = "auto", baseline: String = "", names: [(stem: String, name: String)] = [],
    resamples: Int = 1000, seed: Int = 0
  ) {
    self.title = title
    self.quality = quality
    self.baseline = baseline
    self.names = names
    self.resamples = resamples
    self.seed = seed
  }
}

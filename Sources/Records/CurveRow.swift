import CanonicalJSON
public import SystemPackage

/// One point of a learning curve, measured before the update of its step.
public struct CurveRow: Sendable, Hashable {
  /// The training step, from 0.
  public var step: Int
  /// What was measured on: `train` is the step's batch, `validation` the whole split.
  public var split: Split
  /// What is minimised, nats per completion token.
  public var loss: Double
  /// Mean −log π over completion tokens, nats.
  public var mle: Double
  /// Mean r² over completion tokens, without λ.
  public var td: Double
  /// Mean entropy of the model's distribution, nats.
  public var entropy: Double
  /// Norm of the gradient before clipping; nil for validation.
  public var gradientNorm: Double?
  /// Learning rate of the step; nil for validation.
  public var learningRate: Double?
  /// How many completion tokens were measured on.
  public var tokens: Int
  /// Further measures of the objective, such as `mean_v`, in order.
  public var extra: [(name: String, value: Double)]

  /// A point.
  public init(
    step: Int, split: Split, loss: Double, mle: Double, td: Double, entropy: Double, gradientNorm: Double? = nil,
    learningRate: Double? = nil, tokens: Int, extra: [(name: String, value: Double)] = []
  ) {
    self.step = step
    self.split = split
    self.loss = loss
    self.mle = mle
    self.td = td
    self.entropy = entropy
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    self.tokens = tokens
    self.extra = extra
  }

  /// Equal in every measure.
  public static func == (left: CurveRow, right: CurveRow) -> Bool { left.line == right.line }
  /// Hashes the step and the split.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(step)
    hasher.combine(split)
  }

  /// The row as a line of `curves.jsonl`, without its line end.
  public var line: [UInt8] {
    var text = JSONText()
    text.raw("{\"step\":")
    text.append(step)
    text.raw(",\"split\":")
    text.append(split.rawValue)
    text.raw(",\"loss\":")
    text.append(loss)
    text.raw(",\"mle\":")
    text.append(mle)
    text.raw(",\"td\":")
    text.append(td)
    text.raw(",\"entropy\":")
    text.append(entropy)
    if let gradientNorm {
      text.raw(",\"gradient_norm\":")
      text.append(gradientNorm)
    }
    if let learningRate {
      text.raw(",\"learning_rate\":")
      text.append(learningRate)
    }
    text.raw(",\"tokens\":")
    text.append(tokens)
    for (name, value) in extra {
      text.raw(",")
      text.append(name)
      text.raw(":")
      text.append(value)
    }
    text.raw("}")
    return text.bytes
  }
}

/// A curves folder: `curves.jsonl` and a TensorBoard event file.
public enum CurveFiles {
  private static let names: Set<String> = [
    "step", "split", "loss", "mle", "td", "entropy", "gradient_norm", "learning_rate", "tokens",
  ]

  /// Reads a curves folder, or a `curves.jsonl` itself.
  /// - Throws: `RecordError` with file and line.
  public static func read(_ artifact: FilePath) throws -> [CurveRow] {
    var rows: [CurveRow] = []
    try JSONLines.read(FileContent.file("curves.jsonl", of: artifact)) { rows.append(try row($0)) }
    return rows
  }

  /// The rows of a `curves.jsonl` that was read already.
  ///
  /// - Parameters:
  ///   - content: The content of the file.
  ///   - file: The file, for messages.
  /// - Returns: The rows in order.
  /// - Throws: `RecordError` with file and line.
  public static func rows(of content: [UInt8], _ file: FilePath) throws -> [CurveRow] {
    var rows: [CurveRow] = []
    try JSONLines.read(content, of: file) { rows.append(try row($0)) }
    return rows
  }

  /// Checks a curves folder: there are rows, and a record of the training can be read where there is one.
  /// - Throws: `RecordError` with file and line.
  public static func check(_ artifact: FilePath) throws {
    if try read(artifact).isEmpty {
      throw RecordError(file: FileContent.file("curves.jsonl", of: artifact), reason: "holds no step")
    }
    if FileContent.isFolder(artifact) { _ = try TrainingFile.read(from: artifact) }
  }

  private static func row(_ line: JSONLine) throws(RecordError) -> CurveRow {
    guard let split = Split(rawValue: try line.string("split")) else {
      throw line.failure("member \"split\": expected \"train\", \"validation\" or \"test\"")
    }
    return CurveRow(
      step: try line.integer("step"), split: split, loss: try line.number("loss"), mle: try line.number("mle"),
      td: try line.number("td"), entropy: try line.number("entropy"),
      gradientNorm: line.has("gradient_norm") ? try line.number("gradient_norm") : nil,
      learningRate: line.has("learning_rate") ? try line.number("learning_rate") : nil,
      tokens: try line.integer("tokens"),
      extra: line.value.members.compactMap { member in
        names.contains(member.name) ? nil : member.value.number.map { (member.name, $0) }
      })
  }
}

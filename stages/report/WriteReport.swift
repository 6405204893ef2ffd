import Glibc
import Records
import Reports
public import StageKit
import SystemPackage
import Tokenization

/// Puts arms side by side on one page.
public struct WriteReport: Stage {
  static let title = Parameter("title", default: "", doc: "Heading of the page; default: the names of the arms.")
  static let quality = Parameter(
    "quality", default: "auto",
    doc:
      "Metric of quality, such as exact_match or bleu; auto takes exact_match where samples hit references, else bleu."
  )
  static let baseline = Parameter(
    "baseline", default: "",
    doc:
      "Arm that others are matched with, by stem or name; default: likelihood with the longest temperature grid."
  )
  static let names = Parameter(
    "names", default: NamedValues<String>(),
    doc: "Names to print, by the stem of an arm or a curve: what is left of score-mle and train-mle is mle.")
  static let resamples = Parameter(
    "resamples", default: 1000, in: 0...100_000, unit: "resamples",
    doc: "Resamples of the bootstrap over prompts behind every interval.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of the bootstrap.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "report", revision: 2,
    summary: "Puts arms side by side on one HTML page: a sentence, a table, charts and samples.",
    inputs: [
      PortDeclaration("scores", .scores, many: true, doc: "Scores of every arm and temperature."),
      PortDeclaration("curves", .curves, many: true, optional: true, doc: "Learning curves to draw."),
      PortDeclaration("rewards", .rewards, many: true, optional: true, doc: "Rewards of the samples that were scored."),
      PortDeclaration("samples", .samples, many: true, optional: true, doc: "The samples that were scored."),
      PortDeclaration(
        "tokenizer", .tokenizer, optional: true, doc: "What tokens of the samples stand for, to shade them by reward."),
    ],
    outputs: [PortDeclaration("report", .report, doc: "index.html, and its tables and series as data/*.csv.")],
    parameters: [
      title.declaration, quality.declaration, baseline.declaration, names.declaration, resamples.declaration,
      seed.declaration,
    ],
    aliases: ["metric": "quality", "bootstrap": "resamples", "reference": "baseline"])

  private let options: ReportOptions

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for a name that is blank, or too few resamples for an interval.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    for (stem, name) in parameters[Self.names].entries where name.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
      throw ParameterError(
        parameter: "names", found: "a blank name for \(stem)", expected: "a name, or \(stem) left out")
    }
    let resamples = parameters[Self.resamples]
    guard resamples == 0 || resamples >= ReportOptions.leastResamples else {
      throw ParameterError(
        parameter: "resamples", found: "\(resamples)",
        expected: "0, or at least \(ReportOptions.leastResamples), without which a 95 % interval has no ends")
    }
    options = ReportOptions(
      title: parameters[Self.title], quality: parameters[Self.quality], baseline: parameters[Self.baseline],
      names: parameters[Self.names].entries.map { (stem: $0.name, name: $0.value) },
      resamples: parameters[Self.resamples], seed: parameters[Self.seed])
  }

  /// Reads scores, curves, rewards and samples and writes the page.
  public func run(_ context: StageContext) throws {
    let report = try Report(read(context), options: options)
    let output = context.output("report")
    try FileContent.write(report.page.utf8, to: output.appending("index.html"))
    let data = output.appending("data")
    try Self.makeFolder(data)
    for (name, content) in report.data { try FileContent.write(content.utf8, to: data.appending(name)) }
    for warning in report.warnings { context.report(.warning(VisibleText.line(warning))) }
    context.report(.summary(report.terminalText))
  }

  private func read(_ context: StageContext) throws -> ReportInputs {
    let tokenizer = try context.optionalInput("tokenizer").map { try Tokenizer(contentsOf: $0.path) }
    var inputs = ReportInputs(scores: [])
    for input in context.allInputs("scores") {
      let path = input.path
      inputs.scores.append(
        ScoresInput(provenance: Provenance(input), file: try ScoreFile(path)) { body in
          try Self.forEachExample(of: path, body)
        })
    }
    for input in context.allInputs("curves") {
      inputs.curves.append(
        CurvesInput(
          provenance: Provenance(input), rows: try CurveFiles.read(input.path),
          training: try Self.training(of: input.path)))
    }
    for input in context.allInputs("rewards") {
      let (provenance, path) = (Provenance(input), input.path)
      guard Self.canBeReadAgain("rewards.jsonl", of: path) else {
        inputs.rewards.append(RewardsInput(provenance: provenance, rows: try RewardFiles.read(path)))
        continue
      }
      inputs.rewards.append(
        RewardsInput(provenance: provenance) { body in try RewardFiles.forEach(path) { row, _ in try body(row) } })
    }
    for input in context.allInputs("samples") {
      let (provenance, path) = (Provenance(input), input.path)
      let settings = try SampleFiles.settings(path)
      guard Self.canBeReadAgain("samples.jsonl", of: path) else {
        inputs.samples.append(
          SamplesInput(provenance: provenance, settings: settings, rows: try SampleFiles.read(path)))
        continue
      }
      inputs.samples.append(
        SamplesInput(provenance: provenance, settings: settings) { body in
          try SampleFiles.forEach(path) { row, _ in try body(row) }
        })
    }
    if let tokenizer {
      inputs.tokenBytes = { token in
        token >= 0 && Int(token) < tokenizer.vocabularySize ? tokenizer.bytes(TokenID(token)) : []
      }
    }
    return inputs
  }

  /// The rows of `examples.jsonl`, one by one; none where only `scores.json` was given.
  private static func forEachExample(of artifact: FilePath, _ body: (ExampleRow) throws -> Void) throws {
    let file = artifact.appending("examples.jsonl")
    guard FileContent.isFolder(artifact), FileContent.exists(file) else { return }
    try JSONLines.read(file) { line in
      try body(
        ExampleRow(
          id: try line.string("id"), sample: line.has("sample") ? try line.integer("sample") : 0, values: line.value))
    }
  }

  /// Whether a file is one of a size; a pipe gives its rows once.
  private static func canBeReadAgain(_ name: String, of artifact: FilePath) -> Bool {
    var status = stat()
    return stat(FileContent.file(name, of: artifact).string, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// How the model of some curves was trained; nil where they don't say.
  private static func training(of artifact: FilePath) throws -> TrainingRecord? {
    guard FileContent.isFolder(artifact) else { return nil }
    return try TrainingFile.read(from: artifact).flatMap { TrainingRecord($0) }
  }

  private static func makeFolder(_ folder: FilePath) throws {
    guard mkdir(folder.string, 0o777) != 0 else { return }
    let failure = Errno(rawValue: errno)
    // A killed attempt may have left it.
    guard failure == .fileExists, FileContent.isFolder(folder) else { throw failure }
  }
}

extension Provenance {
  fileprivate init(_ input: StageInput) { self.init(label: input.label, axes: input.axes, digest: input.digest) }
}

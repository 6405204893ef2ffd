import CanonicalJSON
import PipelineLanguage
import StageKit
import SystemPackage
import TestSupport

/// A stage that is a declaration only.
protocol ToyStage: Stage {
  init()
}

extension ToyStage {
  init(_ parameters: ParameterValues) throws(ParameterError) { self.init() }
  func run(_ context: StageContext) {}
}

private func integer(_ name: String, _ range: ClosedRange<Int>? = nil, default value: Int? = nil)
  -> ParameterDeclaration
{
  let type = ParameterType.integer(range)
  return ParameterDeclaration(
    name: name, type: value == nil ? .optional(type) : type, defaultValue: value.map { JSONValue($0) } ?? .null,
    doc: "A number.")
}

private func number(_ name: String, _ range: ClosedRange<Double>? = nil, default value: Double) -> ParameterDeclaration
{
  ParameterDeclaration(name: name, type: .number(range), defaultValue: .number(value), doc: "A number.")
}

private func parameter(_ name: String, _ type: ParameterType, default value: JSONValue) -> ParameterDeclaration {
  ParameterDeclaration(name: name, type: type, defaultValue: value, doc: "A value.")
}

struct ToyIngest: ToyStage {
  static let declaration = StageDeclaration(
    name: "ingest", revision: 1, summary: "Reads rows.", inputs: [PortDeclaration("source", .source, doc: "")],
    outputs: [PortDeclaration("dataset", .dataset, doc: "")],
    parameters: [
      parameter("files", .map(.string), default: [:]),
      parameter("format", .choice(["auto", "jsonl", "csv", "tsv"]), default: "auto"),
      parameter("prompt", .string, default: "{prompt}"), parameter("completion", .string, default: "{completion}"),
      parameter("gather", .list(.string), default: []), integer("limit", 1...1_000_000),
      parameter("fractions", .optional(.map(.number(nil))), default: nil), integer("seed", default: 0),
    ])
}

struct ToyTokenize: ToyStage {
  static let declaration = StageDeclaration(
    name: "tokenize", revision: 1, summary: "Encodes rows.",
    inputs: [
      PortDeclaration("dataset", .dataset, doc: ""), PortDeclaration("tokenizer", .tokenizer, optional: true, doc: ""),
    ],
    outputs: [PortDeclaration("tokens", .tokens, doc: ""), PortDeclaration("tokenizer", .tokenizer, doc: "")],
    parameters: [
      parameter("tokenizer", .choice(["bpe", "unigram", "given"]), default: "bpe"),
      integer("vocab_size", 257...1_000_000, default: 8192), integer("max_length", 1...1_000_000),
      parameter("overflow", .choice(["fail", "drop", "cut"]), default: "fail"),
    ])
}

struct ToyInitModel: ToyStage {
  static let declaration = StageDeclaration(
    name: "init-model", revision: 1, summary: "Makes a model.",
    inputs: [
      PortDeclaration("tokenizer", .tokenizer, optional: true, doc: ""),
      PortDeclaration("model", .model, optional: true, doc: ""),
    ],
    outputs: [PortDeclaration("model", .model, doc: "")],
    parameters: [
      parameter("architecture", .choice(["llama", "gpt2"]), default: "llama"), integer("layers", 1...100, default: 4),
      integer("width", 1...10_000, default: 256), integer("heads", 1...100, default: 4),
      integer("context", 1...100_000, default: 1024), parameter("tied", .boolean, default: true),
      integer("vocab_size", 1...1_000_000), integer("end_token", 0...1_000_000), integer("seed", default: 0),
    ])
}

private let training: [ParameterDeclaration] = [
  integer("steps", 1...1_000_000), integer("epochs", 1...1000), integer("batch_rows", 1...10_000, default: 32),
  integer("accumulate", 1...1000, default: 1), number("learning_rate", 0...10, default: 1e-3),
  number("dropout", 0...1, default: 0), integer("seed", default: 0),
]

private let trainingInputs = [PortDeclaration("tokens", .tokens, doc: ""), PortDeclaration("model", .model, doc: "")]
private let trainingOutputs = [PortDeclaration("model", .model, doc: ""), PortDeclaration("curves", .curves, doc: "")]

struct ToyTrainMLE: ToyStage {
  static let declaration = StageDeclaration(
    name: "train-mle", revision: 1, summary: "Trains.", inputs: trainingInputs, outputs: trainingOutputs,
    parameters: training, aliases: ["lr": "learning_rate"])

  init() {}
  init(_ parameters: ParameterValues) throws(ParameterError) {
    if parameters.object["steps"] != .null, parameters.object["epochs"] != .null {
      throw ParameterError(parameter: "epochs", found: "both steps and epochs", expected: "one of them")
    }
  }
}

struct ToyTrainIQ: ToyStage {
  static let declaration = StageDeclaration(
    name: "train-iq", revision: 1, summary: "Trains.", inputs: trainingInputs, outputs: trainingOutputs,
    parameters: training + [number("lambda", 0...1000, default: 0.1), number("gamma", 0...1, default: 1)])
}

struct ToyGenerate: ToyStage {
  static let declaration = StageDeclaration(
    name: "generate", revision: 1, summary: "Samples.",
    inputs: [
      PortDeclaration("model", .model, doc: ""), PortDeclaration("dataset", .dataset, optional: true, doc: ""),
      PortDeclaration("tokenizer", .tokenizer, optional: true, doc: ""),
    ],
    outputs: [PortDeclaration("samples", .samples, doc: "")],
    parameters: [
      integer("samples", 1...1000, default: 1), number("temperature", 0...100, default: 1), integer("top_k", 1...1000),
      integer("max_new_tokens", 1...100_000, default: 128),
    ])
}

struct ToyScore: ToyStage {
  static let declaration = StageDeclaration(
    name: "score", revision: 1, summary: "Scores.",
    inputs: [
      PortDeclaration("samples", .samples, doc: ""), PortDeclaration("rewards", .rewards, optional: true, doc: ""),
    ],
    outputs: [PortDeclaration("scores", .scores, doc: "")],
    parameters: [parameter("metrics", .list(.string), default: []), parameter("answer", .string, default: "####")])
}

struct ToyReport: ToyStage {
  static let declaration = StageDeclaration(
    name: "report", revision: 1, summary: "Compares.",
    inputs: [
      PortDeclaration("scores", .scores, many: true, optional: true, doc: ""),
      PortDeclaration("curves", .curves, many: true, optional: true, doc: ""),
      PortDeclaration("rewards", .rewards, many: true, optional: true, doc: ""),
      PortDeclaration("samples", .samples, many: true, optional: true, doc: ""),
    ],
    outputs: [PortDeclaration("report", .report, doc: "")], parameters: [])
}

/// The stages that tests check pipelines against: ports as the real ones have, parameters a part.
let toys = StageRegistry([
  ToyIngest.self, ToyTokenize.self, ToyInitModel.self, ToyTrainMLE.self, ToyTrainIQ.self, ToyGenerate.self,
  ToyScore.self, ToyReport.self,
])

/// A folder of its own for pipeline files that tests write.
struct Scratch: ~Copyable {
  let folder: FilePath

  init() throws {
    let base = FilePath("/tmp/apprentice-language-\(UInt64.random(in: 0...UInt64.max))")
    try Self.make(base)
    folder = base
  }

  deinit { Files.remove(folder) }

  private static func make(_ path: FilePath) throws { try Files.makeFolder(path) }

  func write(_ name: String, _ text: String) throws {
    let path = folder.pushing(FilePath(name))
    try Files.makeFolder(path.removingLastComponent())
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
    _ = try file.closeAfter { try file.writeAll(Array(text.utf8)) }
  }

  func checker(environment: [String: String] = [:]) -> PipelineChecker {
    PipelineChecker(registry: toys, workingDirectory: folder) { environment[$0] }
  }

  /// The pipeline of `stages:` and what follows it, in a file `p.yaml`.
  func check(
    _ text: String, head: String = "apprentice: 1\n", settings: [String] = [], environment: [String: String] = [:]
  ) throws -> CheckedPipeline {
    try write("p.yaml", head + text)
    return try checker(environment: environment).check("p.yaml", settings: settings)
  }

  /// The problems of such a pipeline, a line each.
  func problems(
    _ text: String, head: String = "apprentice: 1\n", settings: [String] = [], environment: [String: String] = [:]
  ) throws -> [Problem] {
    do {
      _ = try check(text, head: head, settings: settings, environment: environment)
      return []
    } catch let error as PipelineProblems {
      return error.problems
    }
  }
}

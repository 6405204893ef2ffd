import CanonicalJSON
import Records
import SystemPackage
import TextMetrics

/// Writes `scores.json` and `examples.jsonl`.
struct ScoreOutput {
  private let folder: FilePath

  init(_ folder: FilePath) { self.folder = folder }

  /// Begins `examples.jsonl`.
  func examples() throws -> ExampleFile { try ExampleFile(folder.appending("examples.jsonl")) }

  /// Writes `scores.json`.
  func write(_ scores: Scores, settings: JSONObject) throws {
    let metrics = scores.metrics.map { name, estimate in
      (
        name: name,
        value: MetricValue(value: estimate.value, low: estimate.low, high: estimate.high, count: estimate.count)
      )
    }
    try ScoreFile(metrics: metrics, settings: settings).write(to: folder)
  }
}

/// `examples.jsonl`, written as its rows come.
final class ExampleFile {
  private let descriptor: FileDescriptor
  private var isOpen = true

  init(_ file: FilePath) throws { descriptor = try FileContent.create(file) }

  deinit { if isOpen { try? descriptor.close() } }

  /// Appends rows.
  func append(_ examples: [ExampleScores]) throws {
    var text = JSONText()
    for example in examples {
      text.append(JSONValue.object(Self.row(example)))
      text.raw("\n")
    }
    try descriptor.writeAll(text.bytes)
  }

  /// Ends the file.
  func close() throws {
    isOpen = false
    try descriptor.close()
  }

  private static func row(_ example: ExampleScores) -> JSONObject {
    var members: [(name: String, value: JSONValue)] = [
      ("id", .string(example.id)), ("sample", JSONValue(example.sample)),
    ]
    members += example.values.map { ($0.name, .number($0.value)) }
    if let counts = example.bleuStatistics { members.append(("bleu_statistics", .array(counts.map { JSONValue($0) }))) }
    return JSONObject(members)
  }
}

extension [(name: String, value: SettingValue)] {
  /// The settings as JSON.
  var jsonObject: JSONObject { JSONObject(map { (name: $0.name, value: $0.value.json) }) }
}

extension SettingValue {
  fileprivate var json: JSONValue {
    switch self {
    case .flag(let value): .bool(value)
    case .integer(let value): JSONValue(value)
    case .number(let value): .number(value)
    case .text(let value): .string(value)
    case .list(let values): .array(values.map(\.json))
    case .group(let members): .object(members.jsonObject)
    case .none: .null
    }
  }
}

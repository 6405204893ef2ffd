import CanonicalJSON
import Records
import SystemPackage
import TextMetrics

/// Writes `scores.json` and `examples.jsonl`.
struct ScoreOutput {
  private let scores: Scores
  private let settings: JSONObject

  init(_ scores: Scores, settings: JSONObject) {
    self.scores = scores
    self.settings = settings
  }

  func write(to folder: FilePath) throws {
    let metrics = scores.metrics.map { name, estimate in
      (
        name: name,
        value: MetricValue(value: estimate.value, low: estimate.low, high: estimate.high, count: estimate.count)
      )
    }
    try ScoreFile(metrics: metrics, settings: settings).write(to: folder)
    var text = JSONText()
    for example in scores.examples {
      text.append(JSONValue.object(Self.row(example)))
      text.raw("\n")
    }
    try FileContent.write(text.bytes, to: folder.appending("examples.jsonl"))
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

public import CanonicalJSON

/// What a running stage tells the engine, a line of NDJSON each.
public enum StageEvent: Sendable, Hashable {
  /// How far it is; `rate` is in `unit` per second.
  case progress(done: Int, total: Int?, unit: String, rate: Double?, note: String?)
  /// The one line that stands when the stage has finished: `900 steps · validation 2.11 → 0.84`.
  case summary(String)
  /// Something the user should know; the stage goes on.
  case warning(String)
  /// A measured quantity of the run that belongs to no artifact, such as `tokens_per_second`.
  case measure(name: String, value: Double)

  /// The event as a JSON object.
  public var json: JSONValue {
    switch self {
    case .progress(let done, let total, let unit, let rate, let note):
      var object: JSONObject = ["event": "progress", "done": JSONValue(done), "unit": .string(unit)]
      object["total"] = total.map { JSONValue($0) }
      object["rate"] = rate.map { JSONValue($0) }
      object["note"] = note.map { JSONValue($0) }
      return .object(object)
    case .summary(let text): return ["event": "summary", "text": .string(text)]
    case .warning(let text): return ["event": "warning", "text": .string(text)]
    case .measure(let name, let value): return ["event": "measure", "name": .string(name), "value": .number(value)]
    }
  }

  /// The event of a JSON object, or nil where it is none of ours.
  public init?(json: JSONValue) {
    switch json["event"]?.string {
    case "progress":
      guard let done = json["done"]?.integer else { return nil }
      self = .progress(
        done: done, total: json["total"]?.integer, unit: json["unit"]?.string ?? "steps", rate: json["rate"]?.number,
        note: json["note"]?.string)
    case "summary":
      guard let text = json["text"]?.string else { return nil }
      self = .summary(text)
    case "warning":
      guard let text = json["text"]?.string else { return nil }
      self = .warning(text)
    case "measure":
      guard let name = json["name"]?.string, let value = json["value"]?.number else { return nil }
      self = .measure(name: name, value: value)
    default: return nil
    }
  }
}

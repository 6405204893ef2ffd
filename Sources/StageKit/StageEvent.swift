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
  ///
  /// What a user's program tells is taken with care: counts below 0 are none, and control characters, which could move a
  /// terminal's cursor, become spaces; only a summary may have several lines.
  public init?(json: JSONValue) {
    switch json["event"]?.string {
    case "progress":
      guard let done = json["done"]?.integer, done >= 0 else { return nil }
      self = .progress(
        done: done, total: json["total"]?.integer.flatMap { $0 >= 0 ? $0 : nil },
        unit: json["unit"]?.string.map { Self.plain($0) } ?? "steps", rate: json["rate"]?.number,
        note: json["note"]?.string.map { Self.plain($0) })
    case "summary":
      guard let text = json["text"]?.string else { return nil }
      self = .summary(Self.plain(text, keepsLines: true))
    case "warning":
      guard let text = json["text"]?.string else { return nil }
      self = .warning(Self.plain(text))
    case "measure":
      guard let name = json["name"]?.string, let value = json["value"]?.number else { return nil }
      self = .measure(name: name, value: value)
    default: return nil
    }
  }
  private static func plain(_ text: String, keepsLines: Bool = false) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control && !(keepsLines && scalar == "\n")
      scalars.append(isControl ? " " : scalar)
    }
    return String(scalars)
  }
}

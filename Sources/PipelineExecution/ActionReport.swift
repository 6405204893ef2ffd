import CanonicalJSON
import StageKit

/// A line that the process of an action sends to the engine: a stage's event, or what only our own supervisor tells.
enum ActionReport: Sendable, Hashable {
  /// An event of the stage.
  case stage(StageEvent)
  /// Why the action failed.
  case failure(message: String, remedy: String?)
  /// What the result depends on besides the key: CPU, kernel class, libraries.
  case environment(JSONObject)

  var json: JSONValue {
    switch self {
    case .stage(let event): return event.json
    case .failure(let message, let remedy):
      var object: JSONObject = ["event": "failure", "message": .string(message)]
      object["remedy"] = remedy.map { .string($0) }
      return .object(object)
    case .environment(let environment): return ["event": "environment", "environment": .object(environment)]
    }
  }

  /// The report of a line, or nil where it is none of ours: a user's program may write what it likes.
  init?(line: some Sequence<UInt8>) {
    guard let json = try? JSONValue(parsing: Array(line)) else { return nil }
    switch json["event"]?.string {
    case "failure":
      guard let message = json["message"]?.string else { return nil }
      self = .failure(message: message, remedy: json["remedy"]?.string)
    case "environment":
      guard let environment = json["environment"]?.object else { return nil }
      self = .environment(environment)
    default:
      guard let event = StageEvent(json: json) else { return nil }
      self = .stage(event)
    }
  }
}

/// Bytes of a stream cut into lines.
struct LineBuffer {
  private var pending: [UInt8] = []
  /// A longer line is thrown away: it is no report.
  private static let limit = 1 << 20

  /// Takes bytes, gives the lines that they complete.
  mutating func append(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        lines.append(pending)
        pending.removeAll(keepingCapacity: true)
      } else if pending.count < Self.limit {
        pending.append(byte)
      }
    }
    return lines
  }
}

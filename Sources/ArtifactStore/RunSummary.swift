import CanonicalJSON
public import ContentAddressing
import SystemPackage

/// What a run came to, written down as it ends: `summary.json`.
public struct RunSummary: Sendable {
  /// An action of the run's plan.
  public struct Action: Sendable, Hashable {
    /// Stage and cell.
    public var label: String
    /// The action, where its inputs were known.
    public var key: ActionKey?
    /// Its result, where it had one in the end.
    public var result: Digest?
    /// What became of it, such as `ran`.
    public var state: String

    /// An action.
    public init(label: String, key: ActionKey?, result: Digest?, state: String) {
      self.label = label
      self.key = key
      self.result = result
      self.state = state
    }
  }

  /// The actions in plan order.
  public var actions: [Action]
  /// Wall time.
  public var seconds: Double
  /// How the command line ended.
  public var exit: Int

  /// A summary.
  public init(actions: [Action], seconds: Double, exit: Int) {
    self.actions = actions
    self.seconds = seconds
    self.exit = exit
  }

  /// How many actions are in one of these states.
  public func count(_ states: String...) -> Int { actions.count { states.contains($0.state) } }

  var json: JSONValue {
    [
      "actions": .array(
        actions.map { action in
          [
            "label": .string(action.label), "key": action.key.map { .string($0.description) } ?? .null,
            "result": action.result.map { .string($0.description) } ?? .null, "state": .string(action.state),
          ]
        }),
      "seconds": JSONValue(seconds), "exit": JSONValue(exit),
    ]
  }

  init?(json: JSONValue) {
    guard let members = json["actions"]?.array, let seconds = json["seconds"]?.number,
      let exit = json["exit"]?.integer
    else { return nil }
    self.init(actions: [], seconds: seconds, exit: exit)
    for member in members {
      guard let label = member["label"]?.string, let state = member["state"]?.string else { return nil }
      actions.append(
        Action(
          label: label, key: member["key"]?.string.flatMap { ActionKey($0) },
          result: member["result"]?.string.flatMap { Digest($0) }, state: state))
    }
  }
}

extension Run {
  /// Writes down what the run came to.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func finish(_ summary: RunSummary) throws(StoreError) {
    try FileSystem.replace(path.appending("summary.json"), summary.json.canonical)
    try sync()
  }
}

extension Store {
  /// What a run came to; nil for one that was killed, or runs.
  ///
  /// - Throws: `StoreError.damagedRecord`, or a failure of the system.
  public func summary(of run: RunID) throws(StoreError) -> RunSummary? {
    let file = folder(of: run).appending("summary.json")
    guard let bytes = try FileSystem.read(file, limit: 1 << 28) else { return nil }
    guard let summary = (try? JSONValue(parsing: bytes)).flatMap({ RunSummary(json: $0) }) else {
      throw damage(of: run, "summary.json")
    }
    return summary
  }
}

extension RunID {
  /// When the run began, by ISO 8601: `2026-01-31T23:59:59Z`.
  public var time: String {
    let text = Array(description)
    func part(_ range: Range<Int>) -> String { String(text[range]) }
    return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z"
  }
}

package import ArtifactStore
package import CanonicalJSON
package import ContentAddressing
package import StageKit

/// What is the case with an action, or what became of it in a run.
package enum ActionState: String, Sendable {
  /// Its result is there.
  case fresh
  /// It has to run, or would have had to.
  case stale
  /// It ran and its result was published.
  case ran
  /// Another process made its result while this one waited.
  case waited
  /// Its process failed, or what it wrote was not as it must be.
  case failed
  /// It needs an action that failed.
  case blocked
}

/// One action in the answer of `run` and `status`.
package struct ActionAccount: Sendable {
  /// The stage's name in the file.
  package var stage: String
  /// The cell's name, where the stage has a grid.
  package var cell: String?
  /// The action key, where all inputs are known.
  package var key: ActionKey?
  /// What is the case.
  package var state: ActionState
  /// Why, in one sentence; nil for what is fresh.
  package var reason: String?
  /// Where its result came from, or which remote has it; nil for one that was made here, and for none.
  package var origin: ResultOrigin?
  /// Whether there was a result that is damaged or gone.
  package var isLost = false
  /// What in the key differs from an earlier one.
  package var changes: [ExplainedChange] = []
  /// Port to the digest of its artifact, as declared; empty where there is no result.
  package var outputs: [(port: String, digest: Digest)] = []

  /// An action.
  package init(stage: String, cell: String?, state: ActionState) {
    self.stage = stage
    self.cell = cell
    self.state = state
  }

  /// `mle`, or `iq@lambda=0.1,seed=2`.
  package var id: String { cell.map { "\(stage)@\($0)" } ?? stage }

  /// The members that scripts rely on.
  package var json: JSONObject {
    [
      "stage": .string(stage), "cell": cell.map { .string($0) } ?? .null,
      "key": key.map { .string($0.description) } ?? .null, "state": .string(state.rawValue),
      "reason": reason.map { .string($0) } ?? .null, "origin": origin?.json ?? .null,
      "outputs": .object(JSONObject(outputs.map { ($0.port, .string($0.digest.description)) })),
    ]
  }
}

extension ActionAccount {
  /// Where the fresh results came from that were not made here, a line for every place.
  package static func origins(_ accounts: [ActionAccount]) -> [String] {
    OriginCount.of(accounts.filter { $0.state == .fresh }.compactMap(\.origin)).map(\.sentence)
  }

  /// The answer of `run` and `status`.
  ///
  /// - Parameters:
  ///   - actions: Actions in plan order, each with the pipelines that have it.
  ///   - status: How the command line ends.
  ///   - explaining: Whether every action has its `changes`.
  ///   - remote: What came from a remote cache and went there.
  /// - Returns: The document.
  package static func document(
    _ actions: [(names: [String], account: ActionAccount)], _ status: ExitStatus, explaining: Bool = false,
    remote: RemoteSummary? = nil
  ) -> JSONValue {
    let actions = actions.map { names, account in
      var object: JSONObject = [
        "pipeline": names.count == 1 ? .string(names[0]) : .array(names.map { .string($0) })
      ]
      for member in account.json.members { object[member.name] = member.value }
      if explaining { object["changes"] = .array(account.changes.map(\.json)) }
      return JSONValue.object(object)
    }
    var document: JSONObject = ["actions": .array(actions)]
    document["remote"] = remote?.json
    document["exit"] = JSONValue(Int(status.rawValue))
    return .object(document)
  }
}

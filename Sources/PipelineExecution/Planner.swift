package import ArtifactStore
import CanonicalJSON
package import ContentAddressing
package import PipelineLanguage
package import StageKit
import SystemPackage

/// Says of every action whether its result is there, and if not, why it must run.
///
/// Keys are made from contents, so what follows an action that is to run can be judged only when it has run: planning
/// goes on during the run, and an action that gives what it gave before leaves all behind it fresh.
package final class Planner {
  /// What is known of an action at one moment.
  package enum Standing: Sendable {
    /// It reads outputs of actions that have no result yet.
    case waiting(for: [Int])
    /// Its result is there.
    case fresh(ActionResult)
    /// It must run.
    case stale(KeyDocument, StaleReason)
  }

  /// What is planned.
  package let pipeline: CheckedPipeline
  /// Where results are looked up.
  package let store: Store
  /// Digests of what lies outside the store.
  package let sources: PlannedSources
  /// Which results that came from elsewhere count.
  private let trust: ResultTrust?
  private let memory: PipelineMemory
  private let development: Digest?
  /// Actions that run whatever is in the store.
  private let forced: Set<Int>
  private var results: [ActionResult?]
  /// What earlier runs found; read where there is much to look up.
  private lazy var index = store.resultIndex(of: pipeline.name)
  private var usesIndex = false
  /// What was looked up before it was asked for.
  private var ahead: [Int: (document: KeyDocument, answer: ResultIndex.Answer)] = [:]
  /// Outputs of which no more than the digests is known.
  private var recalled: [Int: [String: Digest]] = [:]

  /// A planner.
  ///
  /// - Parameters:
  ///   - pipeline: What is planned.
  ///   - store: Where results are looked up.
  ///   - sources: Digests of paths outside the store.
  ///   - memory: What is known of the last runs of this pipeline.
  ///   - trust: Which results that came from elsewhere count; nil for all.
  ///   - forced: Actions that run whatever is in the store.
  ///   - development: The executable's digest, where it is to be part of every key.
  package init(
    pipeline: CheckedPipeline, store: Store, sources: PlannedSources, memory: PipelineMemory, trust: ResultTrust? = nil,
    forced: Set<Int> = [], development: Digest? = nil
  ) {
    self.pipeline = pipeline
    self.store = store
    self.sources = sources
    self.memory = memory
    self.trust = trust
    self.forced = forced
    self.development = development
    results = Array(repeating: nil, count: pipeline.actions.count)
  }

  /// The result of an action that is fresh or has run.
  package func result(_ index: Int) -> ActionResult? { results[index] }

  /// Notes what an action came to, so that those behind it can be judged; nil takes a result back.
  package func note(_ result: ActionResult?, of index: Int) { results[index] = result }

  /// Notes what an action came to elsewhere, so that those behind it can be judged though its files are not here.
  func recall(_ outputs: [String: Digest], of index: Int) { recalled[index] = outputs }

  /// Looks up actions that read nothing but what is known, all at once; `examine` finds the answers at hand.
  ///
  /// - Parameter indices: Actions in plan order.
  /// - Throws: `StoreError`, or `SourceProblem` for a path that can't be read.
  package func lookAhead(_ indices: [Int]) throws {
    // A few are looked up sooner than threads start.
    guard indices.count >= 64 else { return }
    let indices = indices.filter { !forced.contains($0) }
    let documents = try indices.map { try keyDocument(of: $0) }
    usesIndex = true
    for (place, answer) in index.lookup(documents).enumerated() { ahead[indices[place]] = (documents[place], answer) }
  }

  /// Keeps for the next run what was found.
  package func saveIndex() {
    if usesIndex { index.save() }
  }

  /// Judges an action; the outputs that it reads must have been noted, and a fresh result is noted.
  ///
  /// - Parameter index: The action.
  /// - Returns: What is known now.
  /// - Throws: `StoreError`, or `SourceProblem` for a path that can't be read.
  package func examine(_ index: Int) throws -> Standing {
    let action = pipeline.actions[index]
    let missing = action.dependencies.filter { results[$0] == nil && recalled[$0] == nil }
    guard missing.isEmpty else { return .waiting(for: missing) }
    let seen = ahead.removeValue(forKey: index)
    let document = try seen?.document ?? keyDocument(of: index)
    if forced.contains(index) { return .stale(document, .forced) }
    let key = seen?.answer.key ?? document.key
    switch try seen?.answer.lookup.get() ?? store.lookup(key) {
    case .hit(let result):
      guard accepts(result, for: index) else { return .stale(document, .lost) }
      let origins = try self.origins(of: key)
      if let origin = origins.first, let trust, !trust.accepts(origins) {
        return .stale(document, .untrusted(origin))
      }
      results[index] = result
      return .fresh(result)
    case .miss(.neverRun): return .stale(document, reason(document, of: index))
    case .miss: return .stale(document, .lost)
    }
  }

  /// Where the result of an action came from; empty for one that was made here.
  package func origins(of key: ActionKey) throws -> [ResultOrigin] {
    guard trust?.mayBeImported(key) ?? true else { return [] }
    return try store.origins(of: key)
  }

  /// Heeds results that others have brought since.
  func lookAtOriginsAgain() throws { try trust?.lookAgain() }

  /// The result that another process may have published since, as `examine` would find it.
  package func publishedResult(_ key: ActionKey, of index: Int) throws -> ActionResult? {
    try lookAtOriginsAgain()
    guard case .hit(let result) = try store.lookup(key), accepts(result, for: index) else { return nil }
    if let trust, try !trust.accepts(origins(of: key)) { return nil }
    return result
  }

  /// Whether a result has the outputs that its stage declares: what came from others may say anything.
  package func accepts(_ result: ActionResult, for index: Int) -> Bool {
    pipeline.actions[index].declaration.outputs.allSatisfy { port in
      guard let artifact = result.output(port.name) else { return port.isOptional }
      return artifact.manifest.kind?.description == port.kind.rawValue
    }
  }

  /// All that decides an action's result.
  ///
  /// - Parameters:
  ///   - index: The action.
  ///   - anew: Whether files outside the store are looked at again, though this process has seen them.
  /// - Returns: The document whose digest is the key.
  /// - Throws: `StoreError`, or `SourceProblem` for a path that can't be read.
  /// - Precondition: The results of all that it reads are noted.
  package func keyDocument(of index: Int, anew: Bool = false) throws -> KeyDocument {
    if anew { sources.lookAgain() }
    let action = pipeline.actions[index]
    var inputs: [String: KeyDocument.Input] = [:]
    for input in action.inputs {
      let digests = try input.sources.map { try digest(of: $0, for: action) }
      if input.port.isMany {
        inputs[input.port.name] = .many(
          zip(input.sources, digests).map { .init(label: $0.label, axes: $0.axes, digest: $1) })
      } else if let digest = digests.first {
        inputs[input.port.name] = .one(digest)
      }
    }
    let declaration = action.declaration
    return KeyDocument(
      stage: declaration.name, revision: declaration.revision,
      parameters: keyParameters(of: action), inputs: inputs,
      numerics: pipeline.numerics.rawValue, program: try program(of: action), development: development)
  }

  /// The digest that a path outside the store has now, to be compared with the one in the key.
  package func digest(of source: InputSource, for action: PlannedAction) throws -> Digest {
    switch source {
    case .output(let action, let port, _, _):
      guard let digest = results[action]?.output(port)?.digest ?? recalled[action]?[port] else {
        preconditionFailure("the result of \(pipeline.actions[action].id) is not known")
      }
      return digest
    case .path(let path, let kind, let label, let origin):
      return try sources.digest(
        of: path, kind: kind, label: label, files: action.namedFiles(kind), origin: origin)
    }
  }

  /// What stands in for a path where there is nothing; nil for what is there.
  package func replacement(of source: InputSource, for action: PlannedAction) throws -> AbsentSources.Known? {
    guard case .path(let path, let kind, let label, _) = source else { return nil }
    return try sources.replacement(of: path, kind: kind, label: label, files: action.namedFiles(kind))
  }

  /// Makes sure that all that an action reads from outside is there, or in the store.
  ///
  /// - Throws: `SourceProblem` that names the files that are needed, with their digests.
  package func checkSources(of action: PlannedAction) throws {
    guard let lacking = try lackingSource(of: action) else { return }
    throw SourceProblem(
      origin: lacking.origin,
      message: "\(action.id) must run and there is no \(lacking.path); the imported results were made from "
        + "\(lacking.files): put \(lacking.isOneFile ? "it" : "them") there, or name the place with --set")
  }

  /// The first path that an action would have to read and that is neither there nor, with all its files, in the store.
  package func lackingSource(of action: PlannedAction) throws -> LackingSource? {
    for source in action.inputs.flatMap(\.sources) {
      guard case .path(let path, _, _, let origin) = source,
        let known = try replacement(of: source, for: action), known.places.isEmpty
      else { continue }
      let missing = try known.missing(in: store)
      guard !missing.isEmpty else { continue }
      return LackingSource(
        origin: origin, path: path, missing: missing, isOneFile: missing.count == 1 && !known.isFolder)
    }
    return nil
  }

  /// The parameters that decide the result: of our own stages those that differ from their default, so that a stage can
  /// gain one and nothing grows stale; a user's stage says by no revision that a default has changed.
  private func keyParameters(of action: PlannedAction) -> JSONObject {
    switch action.implementation {
    case .builtin: action.parameters.differing(from: action.declaration)
    case .command: action.parameters.affectingResult(of: action.declaration)
    }
  }

  private func program(of action: PlannedAction) throws -> KeyDocument.Program? {
    guard case .command(let stage) = action.implementation else { return nil }
    return try sources.program(of: stage, origin: .file(action.location))
  }

  /// Compares a key with the last one of the same action, else with the most similar of the same stage.
  private func reason(_ document: KeyDocument, of index: Int) -> StaleReason {
    let action = pipeline.actions[index]
    guard let earlier = memory.document(mostLike: document, of: action.id) else { return .noEarlierResult }
    let changes = document.changes(since: earlier)
    guard !changes.isEmpty else { return .lost }
    return .changed(action.explain(changes) { self.changedFiles(from: $0, to: $1) })
  }

  /// The files of a source that differ between two digests, where both are known.
  private func changedFiles(from old: JSONValue?, to new: JSONValue?) -> [String] {
    guard let old = old?.string.flatMap({ Digest($0) }), let new = new?.string.flatMap({ Digest($0) }),
      let before = try? store.manifest(old, neededBy: "a comparison"), let after = sources.manifest(new)
    else { return [] }
    let titles = Set((before.layers + after.layers).compactMap(\.title))
    return titles.filter { before.file($0)?.digest != after.file($0)?.digest }.sorted()
  }
}

extension InputSource {
  /// The axes of the cell that it comes from.
  var axes: JSONObject {
    switch self {
    case .output(_, _, _, let axes): axes
    case .path: [:]
    }
  }
}

extension PlannedAction {
  /// Names or globs of the files that the stage reads below a source folder; nil where it may read all.
  package func namedFiles(_ kind: ArtifactKind) -> [String]? {
    guard kind == .source, case .builtin(let type) = implementation else { return nil }
    // The checker has made the stage with these parameters already.
    return (try? type.init(parameters))?.sourceFiles
  }
}

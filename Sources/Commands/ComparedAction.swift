import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineExecution
import StageCatalog
import StageKit
import SystemPackage

/// An action as `diff` sees it.
struct ComparedAction {
  /// Stage and cell.
  var label: String
  /// The action, where it is known.
  var key: ActionKey?
  /// Its key document, where it is known.
  var document: KeyDocument?
  /// Its result, where it has one; nil for an artifact that is named alone.
  var result: Digest?
  /// Digests by port; of an artifact that is named alone its files by name.
  var outputs: [String: Digest] = [:]
  /// The metrics of the scores among its outputs.
  var metrics: JSONObject = [:]
  /// Where its result came from; nil where it was made here.
  var origin: ResultOrigin?
  /// Whether it is not known any more what its outputs were.
  var areOutputsCollected = false
  /// Whether it is not known any more what its metrics were.
  var areMetricsCollected = false
  /// The params that the command line of its run set; nil where it was named by no run.
  var settings: JSONObject?

  /// Whether it is not known any more what its parameters and inputs were.
  var isKeyCollected: Bool { key != nil && document == nil }

  /// What stands for it where the other side has none.
  var name: JSONValue { .string(document.map { $0.key.description } ?? label) }

  /// The default of a parameter of a built-in stage.
  func defaultValue(of parameter: String) -> JSONValue? {
    guard let document, document.program == nil else { return nil }
    return BuiltinStages.registry.stage(named: document.stage)?.declaration.parameter(parameter)?.defaultValue
  }
}

/// Finds what a word of `diff` names.
final class ComparedActionsReader {
  private let store: Store?
  private let options: PipelineOptions
  private var temporary: FilePath?
  private var known: [[String: ActionRecord]]?

  init(_ options: PipelineOptions) throws {
    self.options = options
    // Two bundles can be compared where there is no store.
    store = try? Store.open(StoreLocation.of(options, file: nil).store, creating: false)
  }

  /// Removes what was unpacked.
  func close() {
    if let temporary { try? Store.removeTemporaryFolder(temporary) }
  }

  /// The actions that a word names.
  ///
  /// - Throws: `CommandFailure` where it names nothing, or what reading it throws.
  func read(_ word: String) throws -> [ComparedAction] {
    if let store, let run = try run(word, in: store) { return try actions(of: run, in: store) }
    if access(word, F_OK) == 0 || word.hasPrefix("oci://") { return try bundle(word) }
    guard let store else {
      throw CommandFailure(
        .invalid, "\(word) is no bundle, and there is no store here that could hold a run of that name")
    }
    return try reference(word, in: store)
  }

  // MARK: Runs

  private func run(_ word: String, in store: Store) throws -> PastRun? {
    let isLast = word == "last" || word.hasPrefix("last~")
    let isID = word.utf8.count >= 8 && word.utf8.prefix(8).allSatisfy { (0x30...0x39).contains($0) }
    guard isLast || isID else { return nil }
    let runs = try PastRun.all(in: store, of: nil)
    if isLast {
      guard let back = word == "last" ? 0 : Int(word.dropFirst(5)), back >= 0 else {
        throw CommandFailure(.invalid, "\(word): expected last, or last~1 and so on")
      }
      guard back < runs.count else {
        throw CommandFailure(.invalid, "\(word): the store has \(runs.count) run\(runs.count == 1 ? "" : "s")")
      }
      return runs[back]
    }
    let found = runs.filter { $0.id.description.hasPrefix(word) }
    if found.count > 1 { throw CommandFailure(.invalid, "\(found.count) runs begin with \(word); say more of the id") }
    return found.first
  }

  private func actions(of run: PastRun, in store: Store) throws -> [ComparedAction] {
    guard let summary = run.summary else {
      // Of a run that was killed what it had made by then is known.
      return try store.actions(of: run.id).map { made in
        var compared = try action(of: made.label, made.key, made.result, in: store)
        compared.settings = run.set
        return compared
      }
    }
    return try summary.actions.map { made in
      var compared = try action(of: made.label, made.key, made.result, in: store)
      compared.settings = run.set
      // What it made itself came from nowhere, though a bundle may have brought the same since.
      if made.state == "ran" { compared.origin = nil }
      return compared
    }
  }

  private func action(
    of label: String, _ key: ActionKey?, _ result: Digest?, in store: Store
  ) throws -> ComparedAction {
    var action = ComparedAction(label: label, key: key)
    // What was collected is unknown; what is damaged is an error.
    do throws(StoreError) {
      action.document = try key.map { key throws(StoreError) in try store.keyDocument(key) }
    } catch {
      guard case .missing = error else { throw error }
    }
    guard let result else { return action }
    action.result = result
    if let key { action.origin = try store.origins(of: key).first }
    switch try MainMetrics.find(of: result, key, in: store) {
    case .metrics(let metrics): action.metrics = metrics
    case .noScores: break
    case .collected: action.areMetricsCollected = true
    }
    if let outputs = store.outputs(ofPossibly: result) {
      for output in outputs { action.outputs[output.port] = output.digest }
    } else {
      action.areOutputsCollected = true
      action.areMetricsCollected = true
    }
    return action
  }

  // MARK: Bundles and references

  private func bundle(_ word: String) throws -> [ComparedAction] {
    let place: BundlePlace
    do { place = try BundlePlace(word) } catch { throw CommandFailure(.invalid, "\(error)") }
    let folder = try unpackingFolder().appending(String(Digest(hashing: Array(word.utf8)).hexadecimal.prefix(16)))
    let store = try Store.open(folder, creating: true)
    let imported = try place.take(.everything, into: store)
    return try imported.description.actions.map { try action(of: $0.label, $0.key, $0.result, in: store) }
  }

  private func unpackingFolder() throws -> FilePath {
    if let temporary { return temporary }
    var template = Array("\(Environment.variable("TMPDIR") ?? "/tmp")/apprentice-diff-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
    temporary = FilePath(platformString: made)
    return temporary ?? "/tmp"
  }

  private func reference(_ word: String, in store: Store) throws -> [ComparedAction] {
    let artifacts = try ShownArtifact.resolve(word, in: store)
    var found: [ComparedAction] = []
    for artifact in artifacts {
      guard let label = artifact.label, let record = try record(of: label, artifact.digest, in: store) else {
        // An artifact alone: its files.
        var action = ComparedAction(label: artifact.label ?? artifact.kind?.rawValue ?? "artifact")
        for file in artifact.manifest.layers { action.outputs[file.title ?? ""] = file.digest }
        found.append(action)
        continue
      }
      if found.contains(where: { $0.label == record.label }) { continue }
      found.append(try action(of: record.label, record.key, record.result, in: store))
    }
    return found
  }

  /// The latest records of every pipeline, read once.
  private func latest(in store: Store) throws -> [[String: ActionRecord]] {
    if let known { return known }
    let read = try store.pipelines().sorted().map { try store.latestActions(of: $0) }
    known = read
    return read
  }

  /// The record of the action whose output has this label, `stage@cell.port`.
  private func record(of label: String, _ digest: Digest, in store: Store) throws -> ActionRecord? {
    for records in try latest(in: store) {
      for (name, record) in records where label.hasPrefix(name + ".") {
        let outputs = record.result.flatMap { store.outputs(ofPossibly: $0) } ?? []
        if outputs.contains(where: { $0.digest == digest }) { return record }
      }
    }
    return nil
  }
}

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// `runs`: what was run here.
struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "List the runs of a store, the newest first: time, settings, actions, seconds, main metrics.",
    discussion: "A run that had nothing to do, or was refused, is none. With FILE, only those of that pipeline.")

  @Argument(help: "The pipeline file. Default: the runs of all pipelines.")
  var file: String?
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let store: Store
    var pipeline: String?
    if let file {
      let session = try PipelineSession(file: file, options: options)
      (store, pipeline) = (session.store, session.pipeline.name)
    } else {
      let place = StoreLocation.of(options, file: nil).store
      store = try explained { try Store.open(place, creating: false) }
    }
    let runs = try explained { try PastRun.all(in: store, of: pipeline) }
    let imported = try explained { try store.importedActions() }
    if options.json {
      let documents = try explained { try runs.map { try $0.json(in: store, imported: imported) } }
      return printDocument(.array(documents))
    }
    if runs.isEmpty { return Diagnostics.say("no run is recorded in \(store.path)") }
    for run in runs { Answer.print(try explained { try run.text(in: store, imported: imported) }) }
  }
}

/// A run that the store has a record of.
struct PastRun {
  var id: RunID
  var pipeline: String
  var file: String
  /// The params that the command line set, with their values.
  var set: JSONObject
  /// What it came to; nil for one that was killed, or runs.
  var summary: RunSummary?

  /// The runs of a store that did something, the newest first.
  static func all(in store: Store, of pipeline: String?) throws -> [PastRun] {
    try store.runs().compactMap { id in
      guard let details = try store.description(of: id), details["work"]?.bool ?? false,
        let name = details["pipeline"]?.string, pipeline == nil || pipeline == name
      else { return nil }
      let summary = try store.summary(of: id)
      if let summary, summary.count("ran", "failed", "waited") == 0, summary.exit == 0 { return nil }
      return PastRun(
        id: id, pipeline: name, file: details["file"]?.string ?? "", set: details["set"]?.object ?? [:],
        summary: summary)
    }
  }

  /// Where the results came from that the run found and that were not made here.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - imported: The actions of which anything is known to have come from elsewhere.
  /// - Returns: The places, each with the number of its results.
  /// - Throws: `StoreError` where the system refuses.
  private func origins(in store: Store, imported: Set<ActionKey>) throws -> [OriginCount] {
    var origins: [ResultOrigin] = []
    for action in summary?.actions ?? [] where action.state == "fresh" || action.state == "waited" {
      guard let key = action.key, imported.contains(key), let origin = try store.origins(of: key).first else {
        continue
      }
      origins.append(origin)
    }
    return OriginCount.of(origins)
  }

  func json(in store: Store, imported: Set<ActionKey>) throws -> JSONValue {
    let origins = try self.origins(in: store, imported: imported)
    let actions: JSONValue =
      summary.map { summary in
        [
          "fresh": JSONValue(summary.count("fresh", "waited")), "ran": JSONValue(summary.count("ran")),
          "failed": JSONValue(summary.count("failed")),
        ]
      } ?? .null
    return [
      "id": .string(id.description), "time": .string(id.time), "pipeline": .string(pipeline), "file": .string(file),
      "set": .object(set), "actions": actions, "seconds": summary.map { JSONValue($0.seconds) } ?? .null,
      "exit": summary.map { JSONValue($0.exit) } ?? .null, "origins": .array(origins.map(\.json)),
    ]
  }

  /// One line, where results came from that were not made here, and the main metrics of what it scored.
  func text(in store: Store, imported: Set<ActionKey>) throws -> String {
    var text = "\(id)  \(pipeline)"
    for member in set.members {
      text += " --set \(Shell.quoted("\(member.name)=\(member.value.string ?? member.value.text)"))"
    }
    guard let summary else { return text + "  did not end" }
    text += "  \(summary.count("ran")) ran, \(summary.count("fresh", "waited")) fresh"
    if summary.count("failed") > 0 { text += ", \(summary.count("failed")) failed" }
    text += " · \(Wording.duration(summary.seconds))"
    if summary.exit != 0 { text += " · exit \(summary.exit)" }
    for origin in try self.origins(in: store, imported: imported) { text += "\n    \(origin.sentence)" }
    let scored = try MainMetrics.read(of: summary, in: store)
    for (label, metrics) in scored.prefix(3) { text += "\n    \(label)  \(metrics)" }
    if scored.count > 3 { text += "\n    and \(scored.count - 3) more" }
    return text
  }
}

/// The few metrics of a score that people look at first.
enum MainMetrics {
  private static let names = ["accuracy", "exact_match", "bleu", "rougeL", "chrf"]

  /// The metrics of every scored action of a run, in words.
  static func read(of summary: RunSummary, in store: Store) throws -> [(label: String, text: String)] {
    try summary.actions.compactMap { action in
      guard let result = action.result, let metrics = try metrics(of: result, action.key, in: store) else {
        return nil
      }
      return (action.label, line(metrics))
    }
  }

  /// What a store tells of the metrics of a result.
  enum Finding {
    /// The metrics of its scores.
    case metrics(JSONObject)
    /// It holds no scores.
    case noScores
    /// It was collected, or its files are in no bundle.
    case collected
  }

  /// The metrics of a result that holds scores; nil for any other, and for one that was collected.
  ///
  /// - Throws: `StoreError` where it is damaged, or lost while the store still names it.
  static func metrics(of result: Digest, _ key: ActionKey?, in store: Store) throws -> JSONObject? {
    if case .metrics(let metrics) = try find(of: result, key, in: store) { metrics } else { nil }
  }

  /// What a store tells of the metrics of a result.
  ///
  /// - Throws: `StoreError` where it is damaged, or lost while the store still names it.
  static func find(of result: Digest, _ key: ActionKey?, in store: Store) throws -> Finding {
    do throws(StoreError) {
      for output in try store.outputs(of: result) {
        guard let file = try store.manifest(output.digest, neededBy: "metrics").file("scores.json") else { continue }
        guard let metrics = try store.json(file.digest, neededBy: "metrics")["metrics"]?.object else {
          return .noScores
        }
        return .metrics(metrics)
      }
      return .noScores
    } catch {
      guard case .missing = error else { throw error }
      // A collection removes the entry first.
      guard let key, case .miss(let reason) = try store.lookup(key), reason != .neverRun else { return .collected }
      throw error
    }
  }

  /// The main metrics of a score in words, with their intervals.
  static func line(_ metrics: JSONObject) -> String {
    let chosen = metrics.names.filter { names.contains($0) || $0.hasPrefix("self_bleu@") }
    return chosen.prefix(4).map { name in "\(name) \(value(metrics[name] ?? .null))" }.joined(separator: " · ")
  }

  /// A metric's value, such as `33.2 ± 1.2`.
  static func value(_ metric: JSONValue) -> String {
    guard let value = metric["value"]?.number else { return "—" }
    guard let low = metric["low"]?.number, let high = metric["high"]?.number else { return short(value) }
    return "\(short(value)) ± \(short((high - low) / 2))"
  }

  private static func short(_ value: Double) -> String {
    let scale = abs(value) < 2 ? 1000.0 : 10.0
    return JSONValue((value * scale).rounded() / scale).text
  }
}

package import ArtifactStore
import CanonicalJSON
package import ContentAddressing

/// What is known of the last runs of a pipeline: keys to compare with, and what actions took.
package final class PipelineMemory {
  private let store: Store
  private let pipeline: String
  private var loaded: [String: ActionRecord]?

  /// The memory of a pipeline in a store; read when it is first asked for something.
  package init(of pipeline: String, in store: Store) {
    self.store = store
    self.pipeline = pipeline
  }

  /// The last record of every action, by its id.
  package var latest: [String: ActionRecord] {
    if let loaded { return loaded }
    // A memory that can't be read costs reasons and estimates, never a result.
    let latest = (try? store.latestActions(of: pipeline)) ?? [:]
    loaded = latest
    return latest
  }

  /// The key document to compare a new one with: that of the action's last result, else of the most similar action
  /// of the same stage.
  package func document(mostLike document: KeyDocument, of id: String) -> KeyDocument? {
    if let record = latest[id], let last = try? store.keyDocument(record.key), last.stage == document.stage {
      return last
    }
    return nearest(document, among: latest) ?? otherPipelines.lazy.compactMap { self.nearest(document, among: $0) }.first
  }

  /// What an action took when it last ran, else what the other cells of its stage took on average.
  func cost(of id: String) -> RunEstimator.Cost? {
    if let cost = latest[id].flatMap(Self.cost) { return cost }
    let stage = id.prefix { $0 != "@" }
    let others = latest.values.filter { $0.label.prefix { $0 != "@" } == stage }.compactMap(Self.cost)
    guard !others.isEmpty else { return nil }
    return RunEstimator.Cost(
      seconds: others.reduce(0) { $0 + $1.seconds } / Double(others.count),
      peakBytes: others.map(\.peakBytes).max() ?? 0)
  }

  private static func cost(_ record: ActionRecord) -> RunEstimator.Cost? {
    guard let seconds = record.details["seconds"]?.number, let peak = record.details["peak_bytes"]?.integer else {
      return nil
    }
    return RunEstimator.Cost(seconds: seconds, peakBytes: peak)
  }

  private var otherPipelines: [[String: ActionRecord]] {
    ((try? store.pipelines()) ?? []).filter { $0 != pipeline }.compactMap { try? store.latestActions(of: $0) }
  }

  private func nearest(_ document: KeyDocument, among records: [String: ActionRecord]) -> KeyDocument? {
    let labels = records.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let documents = labels.compactMap { label in records[label].flatMap { try? store.keyDocument($0.key) } }
    return documents.filter { $0.stage == document.stage }
      .min { document.changes(since: $0).count < document.changes(since: $1).count }
  }
}

package import ArtifactStore
import CanonicalJSON
package import ContentAddressing

/// What is known of the last runs of a pipeline: keys to compare with, and what actions took.
package final class PipelineMemory {
  private let store: Store
  private let pipeline: String
  private var loaded: [String: ActionRecord]?
  /// When the last records were read, in nanoseconds since 1970; nil before they are.
  package private(set) var readTime: Int64?

  /// The memory of a pipeline in a store; read when it is first asked for something.
  package init(of pipeline: String, in store: Store) {
    self.store = store
    self.pipeline = pipeline
  }

  /// The last record of every action, by its id.
  package var latest: [String: ActionRecord] {
    if let loaded { return loaded }
    readTime = wallClock()
    // A memory that can't be read costs reasons and estimates, never a result.
    let latest = (try? store.latestActions(of: pipeline)) ?? [:]
    loaded = latest
    return latest
  }

  /// The key document to compare a new one with: that of the action's last result, else of the most similar of some
  /// actions of the same stage, here or in other pipelines.
  ///
  /// The cost does not grow with the number of actions: of many cells only those next in name are looked at.
  package func document(mostLike document: KeyDocument, of id: String) -> KeyDocument? {
    if let record = latest[id], let last = try? store.keyDocument(record.key), last.stage == document.stage {
      return last
    }
    return nearest(document, to: id, in: neighbours)
      ?? otherPipelines.lazy.compactMap { self.nearest(document, to: id, in: $0) }.first
  }

  /// What an action took when it last ran, else what the other cells of its stage took on average.
  func cost(of id: String) -> RunEstimator.Cost? {
    if let cost = latest[id].flatMap(Self.cost) { return cost }
    return stageCosts[Self.stage(of: id)]
  }

  /// What the cells of every stage took on average.
  private lazy var stageCosts: [Substring: RunEstimator.Cost] =
    Dictionary(grouping: latest.values) { Self.stage(of: $0.label) }.compactMapValues { records in
      let costs = records.compactMap(Self.cost)
      guard !costs.isEmpty else { return nil }
      return RunEstimator.Cost(
        seconds: costs.reduce(0) { $0 + $1.seconds } / Double(costs.count),
        peakBytes: costs.map(\.peakBytes).max() ?? 0)
    }

  private static func stage(of id: String) -> Substring {
    id[..<(id.utf8.firstIndex(of: UInt8(ascii: "@")) ?? id.endIndex)]
  }

  private static func cost(_ record: ActionRecord) -> RunEstimator.Cost? {
    guard let seconds = record.details["seconds"]?.number, let peak = record.details["peak_bytes"]?.integer else {
      return nil
    }
    return RunEstimator.Cost(seconds: seconds, peakBytes: peak)
  }

  /// The actions that were recorded, in the order of their names.
  private struct Neighbourhood {
    var labels: [String]
    var keys: [ActionKey]

    init(_ records: [String: ActionRecord]) {
      labels = records.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      keys = labels.map { label in
        guard let record = records[label] else { preconditionFailure("\(label) is one of them") }
        return record.key
      }
    }

    /// The keys of some actions next to a name: cells of one stage stand together.
    func keys(near label: String, count: Int) -> ArraySlice<ActionKey> {
      var (low, high) = (0, labels.count)
      while low < high {
        let middle = (low + high) / 2
        if labels[middle].utf8.lexicographicallyPrecedes(label.utf8) { low = middle + 1 } else { high = middle }
      }
      let start = max(0, min(low - count / 2, labels.count - count))
      return keys[start..<min(labels.count, start + count)]
    }
  }

  private lazy var neighbours = Neighbourhood(latest)
  private lazy var otherPipelines: [Neighbourhood] =
    ((try? store.pipelines()) ?? []).filter { $0 != pipeline }.compactMap { name in
      (try? store.latestActions(of: name)).map { Neighbourhood($0) }
    }
  private var documents: [ActionKey: KeyDocument?] = [:]

  private func nearest(_ document: KeyDocument, to id: String, in records: Neighbourhood) -> KeyDocument? {
    records.keys(near: id, count: 32).compactMap { key in
      if let known = documents[key] { return known }
      let found = try? store.keyDocument(key)
      documents[key] = .some(found)
      return found
    }.filter { $0.stage == document.stage }
      .min { document.changes(since: $0).count < document.changes(since: $1).count }
  }
}

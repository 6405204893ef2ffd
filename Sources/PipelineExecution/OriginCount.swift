package import ArtifactStore
package import CanonicalJSON
import ContentAddressing

/// How many results came from one place.
package struct OriginCount: Sendable {
  /// The place.
  package var origin: ResultOrigin
  /// The number of results.
  package var count: Int

  /// Counts where results came from, a place each, in the order in which they come first.
  package static func of(_ origins: [ResultOrigin]) -> [OriginCount] {
    var counts: [OriginCount] = []
    for origin in origins {
      if let index = counts.firstIndex(where: { $0.origin.description == origin.description }) {
        counts[index].count += 1
      } else {
        counts.append(OriginCount(origin: origin, count: 1))
      }
    }
    return counts
  }

  /// One clause, such as `8 results came with the bundle e2e.tar.zst`.
  package var sentence: String { "\(count) result\(count == 1 ? "" : "s") came with \(origin.description)" }

  /// The origin as `run` and `status` give it, with the number of its results.
  package var json: JSONValue {
    [
      "kind": .string(origin.kind.rawValue), "name": .string(origin.name),
      "digest": origin.digest.map { .string($0.description) } ?? .null, "results": JSONValue(count),
    ]
  }
}

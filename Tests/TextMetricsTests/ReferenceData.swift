import CanonicalJSON
import SystemPackage
import TestSupport
import TextMetrics

/// Samples with the values that the reference libraries give them.
struct ReferenceData {
  let samples: [ScoredSample]
  let corpus: [(name: String, value: Double)]
  let rows: [JSONObject]

  /// The fixture of our own making.
  static func fixture() throws -> ReferenceData { try ReferenceData(Fixture.path("metrics")) }

  init(_ folder: FilePath) throws {
    samples = try Fixture.lines(folder.appending("samples.jsonl")).map { line in
      let row = try JSONValue(parsing: line)
      return ScoredSample(
        id: row["id"]?.string ?? "", sample: row["sample"]?.integer ?? -1, text: row["text"]?.string ?? "",
        references: (row["references"]?.array ?? []).compactMap(\.string))
    }
    let expected = try JSONValue(parsing: try Fixture.bytes(folder.appending("expected.json")))
    corpus = (expected["corpus"]?.object?.members ?? []).compactMap { member in
      member.value.number.map { (member.name, $0) }
    }
    rows = (expected["rows"]?.array ?? []).compactMap(\.object)
  }

  /// Scores with stemming and without intervals.
  func scores() throws -> Scores {
    var options = ScoringOptions()
    options.stemming = true
    options.resamples = 0
    return try Scorer(options).score(samples)
  }
}

/// Whether two values agree to so many digits, relative to values above 1.
///
/// Doubles through at most 10⁴ additions of values up to 100: 1e-9 leaves room for another order of summing.
func agree(_ value: Double?, _ expected: Double, _ tolerance: Double = 1e-9) -> Bool {
  guard let value else { return false }
  return abs(value - expected) <= tolerance * max(1, abs(expected))
}

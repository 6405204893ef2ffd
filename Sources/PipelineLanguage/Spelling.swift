/// Suggestions for misspelt names.
package enum Spelling {
  /// The name nearest to `word` by edit distance, if it is near enough to be meant.
  package static func nearest(to word: String, among names: [String]) -> String? {
    let limit = max(2, word.utf8.count / 3)
    return names.map { (name: $0, distance: distance(word, $0)) }
      .filter { $0.distance <= limit }
      .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
  }

  /// `; did you mean NAME?`, or nothing.
  package static func suggestion(for word: String, among names: [String]) -> String {
    nearest(to: word, among: names).map { " (did you mean \($0)?)" } ?? ""
  }

  /// Levenshtein's distance over bytes.
  private static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let substitution = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}

/// Finds what someone meant who wrote a name that does not exist.
package enum Spelling {
  /// The candidate nearest to a name, or nil where none is near: at most a third of its letters differ.
  ///
  /// Case and the choice of `-` or `_` count for nothing. Of equally near candidates the first wins.
  package static func nearest(to name: String, among candidates: [String]) -> String? {
    let name = normalized(name)
    guard name.count <= 64 else { return nil }
    var best: (distance: Int, candidate: String)? = nil
    for candidate in candidates {
      let other = normalized(candidate)
      let limit = min(best.map { $0.distance - 1 } ?? .max, max(1, max(name.count, other.count) / 3))
      if abs(name.count - other.count) <= limit {
        let distance = editDistance(name, other)
        if distance <= limit { best = (distance, candidate) }
      }
    }
    return best?.candidate
  }

  /// ` (did you mean NAME?)`, or nothing.
  package static func suggestion(for name: String, among candidates: [String]) -> String {
    nearest(to: name, among: candidates).map { " (did you mean \($0)?)" } ?? ""
  }

  /// Lower case, with `_` for `-` and for blanks.
  static func normalized(_ name: String) -> [UInt8] {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
      case UInt8(ascii: "-"), UInt8(ascii: " "): UInt8(ascii: "_")
      default: byte
      }
    }
  }

  /// The number of insertions, deletions, replacements and swaps of neighbours that turn one name into another.
  static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left == right { return 0 }
    var before: [Int] = []
    var previous = Array(0...right.count)
    for i in 0..<left.count {
      var current = [i + 1]
      current.reserveCapacity(right.count + 1)
      for j in 0..<right.count {
        var distance = min(previous[j + 1], current[j]) + 1
        distance = min(distance, previous[j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          distance = min(distance, before[j - 1] + 1)
        }
        current.append(distance)
      }
      (before, previous) = (previous, current)
    }
    return previous[right.count]
  }
}

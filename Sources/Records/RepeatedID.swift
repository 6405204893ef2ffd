internal import CanonicalJSON

/// An id that two rows of a file have: whoever joins or groups rows by id would take them for one.
public struct RepeatedID: Error, Sendable, Hashable, CustomStringConvertible {
  /// The id.
  public var id: String
  /// The first row that has it, from 1.
  public var first: Int
  /// The next one.
  public var second: Int
  /// How many rows have an id that a row before them has.
  public var count: Int

  /// The first id that is there twice; nil where every row has its own.
  ///
  /// Ids are compared by their bytes.
  ///
  /// - Parameter ids: The ids in the order of rows.
  public init?(in ids: some Sequence<String>) {
    var rows: [TextBytes: Int] = [:]
    var found: (id: String, first: Int, second: Int)?
    var count = 0
    for (row, id) in ids.enumerated() {
      guard let earlier = rows.updateValue(row, forKey: TextBytes(id)) else { continue }
      count += 1
      if found == nil { found = (id, earlier + 1, row + 1) }
    }
    guard let found else { return nil }
    (id, first, second) = found
    self.count = count
  }

  /// One sentence.
  public var description: String {
    let others = count > 1 ? " (\(count) rows repeat an id)" : ""
    return "rows \(first) and \(second) have one id, \"\(id.shown(limit: 80))\"\(others)"
  }
}

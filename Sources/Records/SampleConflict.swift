import CanonicalJSON

/// Samples of one id that can't be all of one prompt: one stands twice, or they have other prompts or references.
public struct SampleConflict: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence that names id and rows.
  public var description: String
  /// What to do about it.
  public var remedy: String

  /// The first conflict among the samples of one id; nil where they agree.
  ///
  /// - Parameter rows: The samples with their lines from 1.
  public init?(among rows: [(row: SampleRow, line: Int)]) {
    guard rows.count > 1 else { return nil }
    let name = rows[0].row.id.shown(limit: 200)
    var lines: [Int: Int] = [:]
    for (row, line) in rows {
      guard let first = lines.updateValue(line, forKey: row.sample) else { continue }
      description = "sample \(row.sample) of id \(name) stands twice, in rows \(first) and \(line)"
      remedy = "number the samples of a prompt by \"sample\", and give every prompt an id of its own"
      return
    }
    let difference =
      Self.difference(rows, "prompt") { $0.prompt.map { Array($0.utf8) } }
      ?? Self.difference(rows, "prompt_tokens") { $0.promptTokens }
      ?? Self.difference(rows, "references") { $0.references.map { $0.map { Array($0.utf8) } } }
    guard let difference else { return nil }
    description = "id \(name) \(difference)"
    remedy = "give every prompt an id of its own"
  }

  private static func difference<Value: Equatable>(
    _ rows: [(row: SampleRow, line: Int)], _ what: String, _ value: (SampleRow) -> Value?
  ) -> String? {
    var known: (value: Value, line: Int)?
    for (row, line) in rows {
      guard let own = value(row) else { continue }
      guard let first = known else {
        known = (own, line)
        continue
      }
      if first.value != own { return "has other \(what) in row \(line) than in row \(first.line)" }
    }
    return nil
  }
}

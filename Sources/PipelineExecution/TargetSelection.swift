import CanonicalJSON
package import PipelineLanguage

/// Words on the command line that name actions: `iq`, `iq@seed=2`, `iq@*`.
package enum TargetSelection {
  /// A word that names no action.
  package struct UnknownTarget: Error, CustomStringConvertible {
    /// The word.
    package var word: String
    /// What could stand there.
    package var choices: [String]
    /// One sentence.
    package var description: String {
      "nothing in the pipeline is called \(word); there are \(choices.joined(separator: ", "))"
    }
  }

  /// The actions that a word names.
  ///
  /// - Parameters:
  ///   - word: `STAGE` or `STAGE@CELL`, the cell whole or in part.
  ///   - pipeline: The pipeline.
  /// - Returns: Indices, ascending, at least one.
  /// - Throws: `UnknownTarget` where there is none.
  package static func actions(named word: String, in pipeline: CheckedPipeline) throws(UnknownTarget) -> [Int] {
    let parts = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let ofStage = pipeline.actions.indices.filter { pipeline.actions[$0].stage == parts[0] }
    guard !ofStage.isEmpty else { throw UnknownTarget(word: word, choices: pipeline.stageNames) }
    guard parts.count == 2, parts[1] != "*" else { return ofStage }
    let matching = ofStage.filter { index in
      pipeline.actions[index].cell.map { matches(parts[1][...], $0) } ?? false
    }
    guard !matching.isEmpty else {
      throw UnknownTarget(word: word, choices: ofStage.map { pipeline.actions[$0].id })
    }
    return matching
  }

  /// Which actions to bring up to date: those named and all that they need, or all where none is named.
  ///
  /// - Parameters:
  ///   - words: Words of the command line.
  ///   - pipeline: The pipeline.
  /// - Returns: Indices, ascending.
  /// - Throws: `UnknownTarget` for the first word that names nothing.
  package static func selection(_ words: [String], in pipeline: CheckedPipeline) throws(UnknownTarget) -> [Int] {
    guard !words.isEmpty else { return Array(pipeline.actions.indices) }
    var isWanted = [Bool](repeating: false, count: pipeline.actions.count)
    for word in words {
      for index in try actions(named: word, in: pipeline) { isWanted[index] = true }
    }
    // Actions stand after all that they need.
    for index in pipeline.actions.indices.reversed() where isWanted[index] {
      for dependency in pipeline.actions[index].dependencies { isWanted[dependency] = true }
    }
    return isWanted.indices.filter { isWanted[$0] }
  }

  /// Whether each part of a selector, `seed=2,lambda=0.1`, is an axis of the cell.
  private static func matches(_ selector: Substring, _ cell: CellName) -> Bool {
    var rest = selector
    while true {
      let axis = cell.axes.members.first { member in
        guard let end = end(of: member, in: rest) else { return false }
        rest = rest[end...]
        return true
      }
      guard axis != nil else { return false }
      if rest.isEmpty { return true }
      rest = rest.dropFirst()
    }
  }

  /// Where `name=value` ends at the start of a text, if it stands there.
  private static func end(of axis: (name: String, value: JSONValue), in text: Substring) -> Substring.Index? {
    let printed = CellName(axes: JSONObject([(axis.name, axis.value)])).description
    if text.hasPrefix(printed) {
      let end = text.index(text.startIndex, offsetBy: printed.count)
      if end == text.endIndex || text[end] == "," { return end }
    }
    guard let number = axis.value.number, text.hasPrefix(axis.name + "=") else { return nil }
    let start = text.index(text.startIndex, offsetBy: axis.name.count + 1)
    let end = text[start...].firstIndex(of: ",") ?? text.endIndex
    return Double(text[start..<end]) == number ? end : nil
  }
}

package import PipelineLanguage

extension CheckedPipeline {
  /// Some actions and all that they need.
  ///
  /// - Parameter wanted: Indices.
  /// - Returns: Indices, ascending.
  package func withNeeds(of wanted: Set<Int>) -> [Int] {
    var isWanted = actions.indices.map(wanted.contains)
    // Actions stand after all that they need.
    for index in actions.indices.reversed() where isWanted[index] {
      for dependency in actions[index].dependencies { isWanted[dependency] = true }
    }
    return actions.indices.filter { isWanted[$0] }
  }
}

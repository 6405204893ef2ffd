package import CanonicalJSON
package import PipelineLanguage
import StageKit
import SystemPackage

/// What another value of one parameter would rerun: shows people what to try next.
package enum ChangePreview {
  /// The parameter to change: `lambda` where there is one, else the first number that is no seed.
  package static func parameter(of pipeline: CheckedPipeline) -> PipelineParameter? {
    let numbers = pipeline.params.filter { $0.value.number != nil }
    return numbers.first { $0.name == "lambda" } ?? numbers.first { $0.name != "seed" } ?? numbers.first
  }

  /// Another value of about the same size: double, or 1 for 0.
  package static func otherValue(_ value: Double) -> JSONValue { JSONValue(value == 0 ? 1 : value * 2) }

  /// How many of another pipeline's actions can't take their results from this one's: those whose own key differs
  /// and those behind them.
  ///
  /// - Parameters:
  ///   - other: The pipeline with the change.
  ///   - pipeline: The pipeline as it is.
  /// - Returns: The number of actions of `other` that would run, were every changed output a new one.
  package static func reruns(of other: CheckedPipeline, against pipeline: CheckedPipeline) -> Int {
    let before = Dictionary(
      pipeline.actions.indices.map { (pipeline.actions[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
    var isChanged = [Bool](repeating: false, count: other.actions.count)
    for (index, action) in other.actions.enumerated() {
      isChanged[index] =
        action.dependencies.contains { isChanged[$0] }
        || !(before[action.id].map { isSame(action, pipeline.actions[$0]) } ?? false)
    }
    return isChanged.count { $0 }
  }

  private static func isSame(_ one: PlannedAction, _ other: PlannedAction) -> Bool {
    let values = { (action: PlannedAction) in action.parameters.affectingResult(of: action.declaration) }
    return one.declaration.name == other.declaration.name && values(one) == values(other)
      && one.inputs.map(\.port.name) == other.inputs.map(\.port.name)
      && one.inputs.map { $0.sources.map(Place.init) } == other.inputs.map { $0.sources.map(Place.init) }
  }

  /// What of a source belongs to its identity here: not the index of its action, which other cells move.
  private struct Place: Equatable {
    var label: String
    var axes: JSONObject
    var path: String?

    init(_ source: InputSource) {
      switch source {
      case .output(_, _, let label, let axes): (self.label, self.axes, path) = (label, axes, nil)
      case .path(let path, _, let label, _): (self.label, axes, self.path) = (label, [:], path.string)
      }
    }
  }
}

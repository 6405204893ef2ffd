import CanonicalJSON
import StageKit

/// What a reference of the command line names in a pipeline.
public struct ResolvedReference: Sendable, Hashable {
  /// The indices of the actions, ascending, at least one.
  public var actions: [Int]
  /// The output port, or nil where the reference names none.
  public var port: String?
}

extension CheckedPipeline {
  /// What `STAGE`, `STAGE@CELL` or `STAGE@CELL.PORT` names.
  ///
  /// The cell may be whole or in part, `*` is all of them, and no cell is all of them too. What follows the last dot is
  /// a port if the stage has one of that name.
  ///
  /// - Parameter text: The reference.
  /// - Returns: Actions and port.
  /// - Throws: What was found, what was expected and the nearest name.
  public func resolve(_ text: String) throws(Problem) -> ResolvedReference {
    let place = ValueOrigin.commandLine(text)
    let outputs = { (stage: String) in actions.first { $0.stage == stage }?.declaration.outputs.map(\.name) ?? [] }
    guard let reference = PortReference(text, isPort: { outputs($0).contains($1) }) else {
      throw Problem(place, found: text, expected: "STAGE, STAGE@axis=value or STAGE@*")
    }
    guard stageNames.contains(reference.stage) else {
      throw Problem(
        place, found: "unknown stage \(reference.stage)", expected: "one of \(stageNames.joined(separator: ", "))",
        nearest: Spelling.nearest(to: reference.stage, among: stageNames))
    }
    if let port = reference.port, !outputs(reference.stage).contains(port) {
      let ports = outputs(reference.stage)
      throw Problem(
        place, found: "unknown port \(port)", expected: "one of \(ports.joined(separator: ", "))",
        nearest: Spelling.nearest(to: port, among: ports))
    }
    let ofStage = actions.indices.filter { actions[$0].stage == reference.stage }
    guard let selection = reference.selection else { return ResolvedReference(actions: ofStage, port: reference.port) }
    let selected = ofStage.filter { selection.accepts(actions[$0].cell?.axes ?? [:]) }
    guard !selected.isEmpty else {
      let ids = ofStage.map { actions[$0].id }
      throw Problem(
        place, found: "no cell \(text)", expected: "one of \(ids.joined(separator: "; "))",
        nearest: Spelling.nearest(to: text, among: ids))
    }
    return ResolvedReference(actions: selected, port: reference.port)
  }
}

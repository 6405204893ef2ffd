import ArtifactStore
import ContentAddressing
import PipelineLanguage
import StageKit

extension PipelineRun {
  /// Judges what follows actions that ran elsewhere and whose files an imported bundle left out, for a plan that nothing
  /// of is run: of a bundle of results only the scores are here, and not what they were made from.
  ///
  /// - Throws: `StoreError` or `SourceProblem`.
  package func planWithBundles() throws {
    let bundles = try planner.store.recordedBundles()
    for index in selection {
      if case .waiting = board[index] { try judge(index) }
      guard let (document, reason) = board.pending(index), !reason.isForced,
        let result = bundles.lazy.compactMap({ $0.results[document.key] }).last,
        let outputs = planner.store.outputs(ofPossibly: result)
      else { continue }
      let declared = planner.pipeline.actions[index].declaration.outputs
      guard declared.allSatisfy({ port in outputs.contains { $0.port == port.name } }) else { continue }
      planner.recall(Dictionary(outputs.map { ($0.port, $0.digest) }) { first, _ in first }, of: index)
    }
  }
}

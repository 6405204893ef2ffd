import ArtifactStore
import Glibc
import PipelineLanguage
import StageKit
import SystemPackage

/// Keeps `results/<pipeline>` in step with the run; trouble there is told, and fails nothing.
final class ResultsShown {
  private let view: ResultsView?
  private let store: Store
  private let pipeline: CheckedPipeline
  /// What went wrong first.
  private(set) var trouble: String?

  init(_ results: FilePath?, pipeline: CheckedPipeline, store: Store) {
    view = results.map { ResultsView(results: $0, pipeline: pipeline.name, store: store) }
    self.pipeline = pipeline
    self.store = store
  }

  /// Shows what an action came to.
  func show(_ result: ActionResult, of action: PlannedAction) {
    attempt { view in
      for output in result.outputs { try view.show(output.artifact.manifest, label: action.id, port: output.port) }
    }
  }

  /// Lets people look into curves while they grow.
  func showRunning(_ work: WorkFolder, of action: PlannedAction) {
    attempt { view in
      for output in action.declaration.outputs where output.kind == .curves {
        try view.showRunning(work.output(output.name), label: action.id, port: output.name)
      }
    }
  }

  /// Shows the last good result again where an attempt came to nothing.
  func showLast(_ record: ActionRecord?, of action: PlannedAction) {
    if let record, case .hit(let result)? = try? store.lookup(record.key) { return show(result, of: action) }
    guard let view else { return }
    for output in action.declaration.outputs where output.kind == .curves {
      _ = unlink(view.folder(action.id, port: output.name).string)
    }
  }

  /// Removes what the pipeline no longer has.
  func tidy() {
    attempt { view in
      try view.keepOnly(pipeline.actions.map { ($0.id, $0.declaration.outputs.map(\.name)) })
    }
  }

  /// The folder in which an output is shown.
  func folder(of action: PlannedAction, port: String) -> FilePath? { view?.folder(action.id, port: port) }

  private func attempt(_ body: (ResultsView) throws -> Void) {
    guard let view else { return }
    do { try body(view) } catch { trouble = trouble ?? "results are not shown: \(error)" }
  }
}

import ArtifactStore
import ContentAddressing
import Glibc
import PipelineLanguage
import StageKit
import SystemPackage

/// Keeps `results/<pipeline>` in step with the run; trouble there is told, and fails nothing.
final class ResultsShown {
  private var view: ResultsView?
  private let store: Store
  private let pipeline: CheckedPipeline
  /// What went wrong first.
  private(set) var trouble: String?
  /// The actions whose results could not be shown.
  private var hidden: Set<String> = []

  init(_ results: FilePath?, pipeline: CheckedPipeline, store: Store) {
    view = results.map { ResultsView(results: $0, pipeline: pipeline.name, store: store) }
    self.pipeline = pipeline
    self.store = store
  }

  /// Puts away what is not the plan's.
  func begin(_ plan: [(label: String, key: ActionKey?)]) { attempt { view in try view.begin(plan) } }

  /// Shows what an action came to.
  func show(_ result: ActionResult, of action: PlannedAction) { show(result, action.id) }

  private func show(_ result: ActionResult, _ label: String) {
    let isShown = attempt { view in try view.show(result, label: label) }
    if isShown { hidden.remove(label) } else { hidden.insert(label) }
  }

  /// Shows what some actions came to, where that is not shown already.
  ///
  /// - Parameter results: Results with their stage and cell.
  func show(_ results: [(result: ActionResult, label: String)]) {
    guard let shown = view?.shows(results) else { return }
    for (place, isShown) in shown.enumerated() where !isShown { show(results[place].result, results[place].label) }
  }

  /// Lets people look into curves while they grow.
  func showRunning(_ running: RunningAction) {
    let action = running.action
    let folders = action.declaration.outputs.filter { $0.kind == .curves }.map { output in
      (port: output.name, path: running.work.output(output.name))
    }
    attempt { view in try view.showRunning(folders, key: running.document.key, label: action.id) }
  }

  /// Shows an earlier result of the same key again where an attempt came to nothing, else nothing.
  func showLast(_ running: RunningAction) {
    if case .hit(let result)? = try? store.lookup(running.document.key) { return show(result, of: running.action) }
    attempt { view in try view.remove(running.action.id) }
  }

  /// The folder in which an output is shown; nil where it could not be.
  func folder(of action: PlannedAction, port: String) -> FilePath? {
    hidden.contains(action.id) ? nil : view?.folder(action.id, port: port)
  }

  @discardableResult
  private func attempt(_ body: (ResultsView) throws -> Void) -> Bool {
    guard let view else { return false }
    do {
      try body(view)
      return true
    } catch {
      let text = "\(error)"
      let remedy =
        if case StoreError.inTheWay? = error as? StoreError { " Name another place with --results DIR." } else { "" }
      trouble = trouble ?? "results are not shown: \(text)\(remedy)"
      // Where the pipeline's own folder can't be had, or is another run's, none of its actions can be shown.
      switch error as? StoreError {
      case .inTheWay(let path, _) where view.path.starts(with: path): self.view = nil
      case .supplanted: self.view = nil
      default: break
      }
      return false
    }
  }
}

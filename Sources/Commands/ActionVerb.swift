import PipelineExecution
import StageCatalog
import StageKit

/// The hidden verb that runs one action in a process of its own; the engine starts it.
///
/// It is none of the parser's: the parser would take a third of its start.
enum ActionVerb {
  /// The verb.
  static let name = "run-action"

  /// Runs the action that the environment names.
  ///
  /// - Returns: The exit status of the process.
  static func run() -> Int32 {
    var validators: [ArtifactKind: ActionProcessMain.Validator] = [:]
    for kind in ArtifactKind.allCases { validators[kind] = { try ArtifactCheck.output(kind, at: $0) } }
    let main = ActionProcessMain(
      registry: BuiltinStages.registry, validators: validators, environment: ActionEnvironment.describe,
      check: KernelEnvironment.check)
    return main.run()
  }
}

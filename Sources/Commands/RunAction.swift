import ArgumentParser
import CanonicalJSON
import PipelineExecution
import StageCatalog
import StageKit

/// The hidden verb that runs one action in a process of its own; the engine starts it.
struct RunAction: ParsableCommand {
  /// The verb.
  static let name = "run-action"
  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Run the action that APPRENTICE_ACTION names (for the engine's own use).",
    shouldDisplay: false)

  func run() throws {
    var validators: [ArtifactKind: ActionProcessMain.Validator] = [:]
    for kind in ArtifactKind.allCases { validators[kind] = { try ArtifactCheck.output(kind, at: $0) } }
    let main = ActionProcessMain(
      registry: BuiltinStages.registry, validators: validators, environment: ActionEnvironment.describe,
      check: KernelEnvironment.check)
    throw ExitCode(main.run())
  }
}

public import ArgumentParser
import StageKit

/// The command line: verbs in groups, one file each.
///
/// Every verb states its `commandName`: names made by reflection cost 2 ms at each start.
public struct Apprentice: ParsableCommand {
  /// The verbs, grouped as `--help` prints them.
  public static let configuration = CommandConfiguration(
    commandName: "apprentice",
    abstract: "Fine-tunes language models by imitation, as a pipeline of cached, reproducible stages.",
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(name: "Run", subcommands: [Run.self, Exec.self]),
      CommandGroup(
        name: "Look",
        subcommands: [
          Status.self, Why.self, Dag.self, Check.self, Show.self, Log.self, Metrics.self, Stages.self, Schema.self,
        ]),
      CommandGroup(name: "Share", subcommands: [Bundle.self, Push.self, Pull.self, Reproduce.self, Checkout.self]),
      CommandGroup(name: "Care", subcommands: [Fsck.self]),
      CommandGroup(name: "Internal", subcommands: [RunAction.self]),
    ])

  /// The root command does nothing by itself.
  public init() {}

  /// Parses the arguments of the process, runs the verb and ends the process with its status.
  public static func runAndExit() -> Never {
    do {
      var command = try parseAsRoot()
      try command.run()
      Diagnostics.end(.done)
    } catch {
      Diagnostics.exit(error)
    }
  }
}

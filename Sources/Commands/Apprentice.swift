public import ArgumentParser
import Glibc
import PipelineLanguage
import StageKit

/// The command line: verbs in groups, one file each.
///
/// Every verb states its `commandName`: names made by reflection cost 2 ms at each start.
public struct Apprentice: ParsableCommand {
  /// The release that this source leads to.
  private static let release = "0.2.0"
  /// Release and commit.
  static let versionText = release + (BuiltCommit.name.isEmpty ? "" : " (commit \(BuiltCommit.name))")

  /// The verbs, grouped as `--help` prints them.
  public static let configuration = CommandConfiguration(
    commandName: "apprentice",
    abstract: "Fine-tunes language models by imitation, as a pipeline of cached, reproducible stages.",
    version: "apprentice " + versionText,
    groupedSubcommands: [
      CommandGroup(name: "Run", subcommands: [Run.self, Exec.self]),
      CommandGroup(
        name: "Look",
        subcommands: [
          Status.self, Why.self, Dag.self, Check.self, Show.self, Log.self, Metrics.self, Runs.self, Diff.self,
          Stages.self, Schema.self,
        ]),
      CommandGroup(name: "Share", subcommands: [Bundle.self, Push.self, Pull.self, Reproduce.self, Checkout.self]),
      CommandGroup(name: "Care", subcommands: [GarbageCollection.self, Fsck.self, Doctor.self]),
    ])

  /// The root command does nothing by itself.
  public init() {}

  /// Answers an unknown verb with the nearest one: to the parser it is an unexpected argument of a command without any.
  private static func checkVerb() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    guard let word = words.first else { return }
    if word.hasPrefix("-") {
      let options = ["--version", "--help"]
      guard word.hasPrefix("--"), !options.contains(word), let near = Spelling.nearest(to: word, among: options) else {
        return
      }
      throw CommandFailure(.usage, "there is no option \(word). Did you mean \(near)?")
    }
    let verbs = configuration.groupedSubcommands.flatMap { group in
      group.subcommands.compactMap { verb in verb.configuration.commandName }
    }
    if word == "help" {
      guard let verb = words.dropFirst().first, !verbs.contains(verb) else { return }
      throw unknown(verb, "verb", among: verbs)
    }
    guard verbs.contains(word) else { throw unknown(word, "verb", among: verbs) }
    let parts = word == Bundle.configuration.commandName ? Bundle.verbs : []
    if !parts.isEmpty, let part = words.dropFirst().first, !part.hasPrefix("-"), !parts.contains(part) {
      throw unknown(part, "verb of \(word)", among: parts)
    }
  }

  private static func unknown(_ word: String, _ what: String, among known: [String]) -> CommandFailure {
    CommandFailure(
      .usage,
      "there is no \(what) \(word)\(Spelling.suggestion(for: word, among: known)); there are "
        + known.joined(separator: ", "))
  }

  /// Parses the arguments of the process, runs the verb and ends the process with its status.
  public static func runAndExit() -> Never {
    // What is longer than `ulimit -f` allows is an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    if CommandLine.arguments.dropFirst().first == ActionVerb.name { Diagnostics.end(ActionVerb.run()) }
    do {
      try checkVerb()
      var command = try parseAsRoot()
      try command.run()
      Diagnostics.end(ExitStatus.done.rawValue)
    } catch {
      Diagnostics.exit(error)
    }
  }
}

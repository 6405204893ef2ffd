import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Glibc
import PipelineExecution
import PipelineLanguage
import StageKit

/// `status`: which actions are fresh, which are stale, and why.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say which actions are fresh, which are stale, and why.",
    discussion: """
      What follows a stale action can be judged only when that has run; it counts as stale. With --remote on the command \
      line it is asked, too: what it has is still stale here, and is said to be there.
      """)

  @Argument(
    help: ArgumentHelp(
      "The pipeline file (default: ./apprentice.yaml, else the only file in pipelines/), then stages or cells.",
      valueName: "file-or-stage"))
  var words: [String] = []
  @Flag(help: "End with status 3 if something is stale.")
  var check = false
  @Flag(help: "Hash all source files anew.")
  var rehash = false
  @OptionGroup var sweep: SweepArguments
  @OptionGroup var trust: TrustArguments
  @OptionGroup var remote: RemoteArguments
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let words = PipelineWords(words)
    var pipelines: [(name: String, accounts: [ActionAccount])] = []
    for variant in try sweep.variants(besides: options.settings) {
      let session = try PipelineSession(
        file: words.file, options: options.adding(variant), rehash: rehash, suffix: variant.suffix)
      let accounts = try session.accounts(
        of: words.targets, remote: remote.shared(explicitly: true), trust: trust.policy)
      pipelines.append((session.pipeline.name, accounts))
    }
    let isStale = pipelines.contains { $0.accounts.contains { $0.state != .fresh } }
    let status: ExitStatus = check && isStale ? .differs : .done
    if options.json {
      printDocument(ActionAccount.document(ActionAccount.merged(pipelines), status))
    } else {
      for (name, accounts) in pipelines { Answer.print(Self.table(accounts, pipeline: name), terminator: "") }
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }

  /// A line for every action that is stale, and a count.
  private static func table(_ accounts: [ActionAccount], pipeline: String) -> String {
    let stale = accounts.filter { $0.state != .fresh }
    var text =
      "\(pipeline)  \(accounts.count) action\(accounts.count == 1 ? "" : "s"): \(accounts.count - stale.count) fresh, \(stale.count) stale"
    let elsewhere = stale.compactMap(\.origin)
    if let place = elsewhere.first { text += ", \(elsewhere.count) of them at \(place.name)" }
    text += "\n"
    for account in stale { text += "  \(account.reason ?? account.id)\n" }
    for line in ActionAccount.origins(accounts) { text += "  \(line)\n" }
    return text
  }
}

extension PipelineSession {
  /// Judges every action and runs nothing; a remote, or what bundles say, is asked for what is not here.
  func accounts(
    of words: [String] = [], remote: SharedResults? = nil, askingBundles: Bool = false,
    trust: ResultTrust.Policy? = nil
  ) throws -> [ActionAccount] {
    let planner = try planner(trust: trust)
    var options = RunOptions(threads: 1, results: nil)
    options.remote = remote
    let run = PipelineRun(
      planner: planner, selection: try selection(words), options: options,
      program: ActionProgram(arguments: [ActionVerb.name]), memory: memory, details: [:], observer: TerminalDisplay())
    try explained { try run.plan() }
    try askingRemote { try run.planWithRemote() }
    if askingBundles { try explained { try run.planWithBundles() } }
    sources.save()
    return run.selectedAccounts
  }
}

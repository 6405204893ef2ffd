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

  @Argument(help: "The pipeline file. Default: ./apprentice.yaml, else the only file in pipelines/.")
  var file: String?
  @Flag(help: "End with status 3 if something is stale.")
  var check = false
  @Flag(help: "Hash all source files anew.")
  var rehash = false
  @OptionGroup var trust: TrustArguments
  @OptionGroup var remote: RemoteArguments
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let session = try PipelineSession(file: file, options: options, rehash: rehash)
    let accounts = try session.accounts(remote: remote.shared(explicitly: true), trust: trust.policy)
    let isStale = accounts.contains { $0.state != .fresh }
    let status: ExitStatus = check && isStale ? .differs : .done
    if options.json {
      printDocument(ActionAccount.document(accounts, status))
    } else {
      Answer.print(Self.table(accounts, pipeline: session.pipeline.name), terminator: "")
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }

  /// A line for every action that is stale, and a count.
  private static func table(_ accounts: [ActionAccount], pipeline: String) -> String {
    let stale = accounts.filter { $0.state != .fresh }
    var text = "\(pipeline)  \(accounts.count) actions: \(accounts.count - stale.count) fresh, \(stale.count) stale"
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
      program: ActionProgram(arguments: [RunAction.name]), memory: memory, details: [:], observer: TerminalDisplay())
    try explained { try run.plan() }
    try askingRemote { try run.planWithRemote() }
    if askingBundles { try explained { try run.planWithBundles() } }
    sources.save()
    return run.selectedAccounts
  }
}

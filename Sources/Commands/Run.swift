import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Glibc
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// `run`: brings a pipeline up to date.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Bring a pipeline, or some stages and what they need, up to date.",
    discussion: """
      Only what is stale runs. Ctrl-C stops in a state from which the next run goes on.

      With --remote a stale action is first looked for there: a result of the same key is taken, every byte verified, \
      and the action is fresh (its `origin` in --json names the place). What ran here is shared there while the run goes \
      on. A remote that can't be reached is left out with one warning, and a damaged result is made here; neither \
      fails the run, unless an action's sources are absent so that only the remote could have helped (status 6). Where \
      nothing is stale the remote is not asked. --force ignores what is there. Who may write there is trusted.
      """)

  @Argument(
    help: ArgumentHelp(
      "The pipeline file (default: ./apprentice.yaml, else the only file in pipelines/), then stages or cells.",
      valueName: "file-or-stage"))
  var words: [String] = []
  @Option(help: ArgumentHelp("The most actions at once. Default: as many as there are threads.", valueName: "N"))
  var jobs: Int?
  @Option(
    help: ArgumentHelp("Threads that actions share. Default: the cores that may be used.", valueName: "N"))
  var threads: Int?
  @Flag(help: "Say what would run and why, and run nothing.")
  var dryRun = false
  @Option(parsing: .singleValue, help: ArgumentHelp("Run a stage even if it is fresh.", valueName: "STAGE"))
  var force: [String] = []
  @Flag(help: "After a failure, go on with what does not need the failed stage.")
  var keepGoing = false
  @Flag(help: "End with status 5 instead of waiting for an action that another process runs.")
  var noWait = false
  @Option(
    help: ArgumentHelp("Where results are shown. Default: results/ beside the store's default place.", valueName: "DIR")
  )
  var results: String?
  @Flag(help: "Show no results folder.")
  var noResults = false
  @Flag(help: "Hash all source files anew.")
  var rehash = false
  @OptionGroup var sweep: SweepArguments
  @OptionGroup var trust: TrustArguments
  @OptionGroup var remote: RemoteArguments
  @OptionGroup var options: PipelineOptions

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
    if results != nil, noResults { throw ValidationError("--results and --no-results exclude each other.") }
  }

  func run() throws {
    ActionProgram.adoptOrphans()
    let words = PipelineWords(words)
    // All are checked before the first one runs.
    let sessions = try sweep.variants(besides: options.settings).map { variant in
      try PipelineSession(
        file: words.file, options: options.adding(variant), rehash: rehash, suffix: variant.suffix, makesStore: !dryRun)
    }
    var outcomes: [Outcome] = []
    for session in sessions {
      let outcome = try run(session, words)
      outcomes.append(outcome)
      let isStopped = [.interrupted, .terminated].contains(outcome.status)
      if outcome.status != .done, isStopped || !keepGoing { break }
    }
    let status = outcomes.first { $0.status != .done }?.status ?? .done
    if options.json {
      let actions = ActionAccount.merged(outcomes.map { ($0.session.pipeline.name, $0.accounts) })
      printDocument(
        ActionAccount.document(actions, status, remote: RemoteSummary.sum(of: outcomes.compactMap(\.remote))))
    }
    if outcomes.count > 1 { try explained { try SweepTable.tell(outcomes.map { ($0.session, $0.accounts) }) } }
    if status != .done { throw ExitCode(status.rawValue) }
  }

  /// What became of one pipeline.
  private struct Outcome {
    var session: PipelineSession
    var accounts: [ActionAccount]
    var status: StageKit.ExitStatus = .done
    var remote: RemoteSummary?
  }

  private func run(_ session: PipelineSession, _ words: PipelineWords) throws -> Outcome {
    let selection = try session.selection(words.targets)
    let display = TerminalDisplay()
    let run = PipelineRun(
      planner: try session.planner(forced: force, trust: trust.policy), selection: selection,
      options: try runOptions(session), program: ActionProgram(arguments: [ActionVerb.name]), memory: session.memory,
      details: details(session), observer: display)
    try explained { try run.plan() }
    if dryRun {
      try askingRemote { try run.planWithRemote() }
      foretell(run, display)
    } else if run.isUpToDate {
      settle(run, session)
    } else {
      let status = try explained { try run.execute() }
      display.runEnds(closing(run, session, words))
      return Outcome(session: session, accounts: run.selectedAccounts, status: status, remote: run.remoteSummary)
    }
    return Outcome(session: session, accounts: run.selectedAccounts, remote: dryRun ? nil : run.remoteSummary)
  }

  private func runOptions(_ session: PipelineSession) throws(CommandFailure) -> RunOptions {
    // What the user names may be a link: it is followed here, once, and nothing else is.
    let folder = results.map { Self.real(FilePath($0)) } ?? session.location.project.appending("results")
    if !noResults, session.store.holds(folder) {
      throw CommandFailure(.invalid, "the results folder \(folder) lies in the store; name another with --results")
    }
    var settings = RunOptions(threads: threads ?? Processors.available, results: noResults ? nil : folder)
    settings.jobs = jobs
    settings.keepsGoing = keepGoing
    settings.waits = !noWait
    settings.remote = try remote.shared(explicitly: dryRun)
    return settings
  }

  private static func real(_ path: FilePath) -> FilePath {
    guard let text = realpath(path.string, nil) else { return path }
    defer { free(text) }
    return FilePath(platformString: text)
  }

  private func details(_ session: PipelineSession) -> JSONObject {
    let settings = session.options.settings
    let names = Set(settings.compactMap { $0.split(separator: "=").first.map(String.init) })
    let set = session.pipeline.params.filter { names.contains($0.name) }.map { ($0.name, $0.value) }
    return [
      "file": .string(session.pipeline.file.string), "settings": .array(settings.map { .string($0) }),
      "set": .object(JSONObject(set)),
    ]
  }

  /// The one line of a run that has nothing to do.
  private func settle(_ run: PipelineRun, _ session: PipelineSession) {
    if let trouble = run.refresh() { Diagnostics.say("warning: \(trouble)") }
    let count = run.selectedAccounts.count
    Diagnostics.say("\(session.pipeline.name)  \(count) action\(count == 1 ? "" : "s"): all fresh, nothing to do")
    for line in ActionAccount.origins(run.selectedAccounts) { Diagnostics.say("  \(line)") }
  }

  private func foretell(_ run: PipelineRun, _ display: TerminalDisplay) {
    display.runBegins(run.overview)
    if options.json { return }
    for account in run.selectedAccounts where account.state != .fresh { Answer.print(account.reason ?? account.id) }
  }

  // MARK: Closing lines

  private func closing(_ run: PipelineRun, _ session: PipelineSession, _ words: PipelineWords) -> RunClosing {
    var closing = RunClosing()
    closing.reports = run.reportTexts
    closing.remote = run.remoteSummary?.text
    closing.trouble = run.resultsTrouble
    guard run.status == .done else {
      closing.resume = command(session, words)
      return closing
    }
    let pipeline = session.pipeline
    let report = pipeline.actions.indices.last { index in
      run.selection.contains(index) && pipeline.actions[index].declaration.outputs.contains { $0.kind == .report }
    }
    if let report, let port = pipeline.actions[report].declaration.outputs.first(where: { $0.kind == .report }) {
      closing.reportPath = run.shownFolder(of: report, port: port.name).map { near($0.appending("index.html")) }
    }
    closing.change = change(session, words)
    return closing
  }

  /// A change worth trying, with what it would rerun.
  private func change(_ session: PipelineSession, _ words: PipelineWords) -> (command: String, reruns: Int, of: Int)? {
    let pipeline = session.pipeline
    guard words.targets.isEmpty, let parameter = ChangePreview.parameter(of: pipeline),
      let value = parameter.value.number
    else { return nil }
    let setting = "\(parameter.name)=\(ChangePreview.otherValue(value).text)"
    let others = session.options.settings.filter { !$0.hasPrefix(parameter.name + "=") }
    guard let other = try? PipelineOptions.checker.check(pipeline.file, settings: others + [setting]) else {
      return nil
    }
    let reruns = ChangePreview.reruns(of: other, against: pipeline)
    guard reruns > 0 else { return nil }
    return (command(session, words, extra: [setting], without: parameter.name), reruns, other.actions.count)
  }

  private func command(
    _ session: PipelineSession, _ words: PipelineWords, extra: [String] = [], without name: String? = nil
  ) -> String {
    let kept = session.options.settings.filter { setting in name.map { !setting.hasPrefix($0 + "=") } ?? true }
    var parts = ["apprentice", "run", session.pipeline.file.string] + words.targets
    parts += (kept + extra).flatMap { ["--set", Shell.quoted($0)] }
    if let place = remote.remote { parts += ["--remote", Shell.quoted(place)] }
    if let policy = trust.trust { parts += ["--trust", policy.rawValue] }
    if let policy = remote.remotePolicy { parts += ["--remote-policy", policy.rawValue] }
    if let store = options.store { parts += ["--store", Shell.quoted(store)] }
    return parts.joined(separator: " ")
  }

  /// A path as seen from the working directory, where it lies below it.
  private func near(_ path: FilePath) -> String {
    var rest = path
    return rest.removePrefix(PipelineOptions.workingDirectory) ? rest.string : path.string
  }
}

/// Words for a shell.
enum Shell {
  /// The word, in single quotes where a shell would read it otherwise.
  static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-_=./,:@+%".utf8.contains(byte)
      }
    }
    return plain && !word.isEmpty
      ? word
      : "'"
        + word.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "'\\''") + "'"
  }
}

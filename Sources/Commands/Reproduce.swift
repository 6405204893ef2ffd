import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import Glibc
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// `reproduce`: runs a bundle again and compares.
struct Reproduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Run a bundle again from its sources in a fresh store and compare every digest.",
    discussion: """
      Sources come from the bundle, from where the pipeline names them (seen from here or from pipelines/ below), or \
      from --set. Where a result was made in another environment and its digest differs, its numbers are compared \
      within the tolerance. The exit status is 3 if something differs. Stages of the bundle's own are programs of whoever \
      sent it: they run only under --allow-programs, and are named first. A shared cache (APPRENTICE_REMOTE) is not asked: \
      everything runs.
      """)

  @Argument(
    help: ArgumentHelp(
      "The bundle: a file, a folder, or oci://host[:port]/repository[:tag|@digest].", valueName: "bundle"))
  var bundle: String
  @Option(
    help: ArgumentHelp(
      "How far numbers from another environment may differ, relative to 1 + the recorded one.", valueName: "X"))
  var tolerance = 1e-3
  @Option(help: ArgumentHelp("Threads that actions share. Default: the cores that may be used.", valueName: "N"))
  var threads: Int?
  @Option(help: ArgumentHelp("Where the fresh store is made. Default: TMPDIR, else /tmp.", valueName: "DIR"))
  var work: String?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Override one of the bundled settings, such as where the data lies.", valueName: "NAME=VALUE"))
  var settings: [String] = []
  @Flag(help: "Run the programs of the bundle's own stages, which its sender has written.")
  var allowPrograms = false
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
    guard tolerance >= 0 else { throw ValidationError("--tolerance must not be negative.") }
    _ = try place()
  }

  private func place() throws -> BundlePlace {
    do { return try BundlePlace(bundle) } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    ActionProgram.adoptOrphans()
    let place = try place()
    let folder = try Self.temporaryFolder(below: work ?? Environment.variable("TMPDIR") ?? "/tmp")
    defer { try? Store.removeTemporaryFolder(folder) }
    let recorded = try bundled { try RecordedRun(place, in: folder.appending("recorded")) }
    let (session, planner, status) = try rerun(recorded, place, in: folder)
    if [.interrupted, .terminated, .diskFull].contains(status) { throw ExitCode(status.rawValue) }
    let comparison = ReproductionComparison(recorded: recorded, planner: planner, tolerance: tolerance)
    let findings = try bundled { try comparison.findings(of: session) }
    let first = findings.first { !$0.isReproduced }
    let end: ExitStatus = first == nil ? .done : .differs
    if json {
      printDocument([
        "actions": .array(findings.map(\.json)), "first": first.map { .string($0.label) } ?? .null,
        "tolerance": JSONValue(tolerance), "exit": JSONValue(Int(end.rawValue)),
      ])
    } else {
      for finding in findings { Answer.print("  \(finding.sentence)") }
      let same = findings.count { $0.isReproduced }
      Answer.print(
        first.map { "\(same) of \(findings.count) actions reproduced; the first that differs is \($0.label)" }
          ?? "all \(findings.count) actions reproduced")
    }
    if end != .done { throw ExitCode(end.rawValue) }
  }

  private func rerun(
    _ recorded: RecordedRun, _ bundle: BundlePlace, in folder: FilePath
  ) throws -> (PipelineSession, Planner, ExitStatus) {
    let place = folder.appending("store")
    let pipeline = BundleFolder(folder.appending("pipeline"))
    let imported = try bundled {
      try bundle.take(.withoutResults, into: Store.open(place, creating: true), writingTo: pipeline)
    }
    let all = recorded.description.settings + settings
    var options = try PipelineOptions.parse(["--store", place.string] + all.flatMap { ["--set", $0] })
    options.json = false
    let here = PipelineOptions.workingDirectory
    let session = try PipelineSession(
      file: pipeline.path.appending(imported.description.file).string, options: options,
      searching: [here, here.appending("pipelines")])
    try tellPrograms(of: session, below: pipeline.path)
    let labels = Set(recorded.description.actions.map(\.label))
    let wanted = session.pipeline.actions.indices.filter { labels.contains(session.pipeline.actions[$0].id) }
    let display = TerminalDisplay()
    var settings = RunOptions(threads: threads ?? Processors.available, results: nil)
    settings.keepsGoing = true
    let planner = try session.planner(trust: .own)
    let run = PipelineRun(
      planner: planner, selection: session.pipeline.withNeeds(of: Set(wanted)), options: settings,
      program: ActionProgram(arguments: [ActionVerb.name]), memory: session.memory,
      details: ["reproduces": .string(self.bundle)], observer: display)
    try explained { try run.plan() }
    for index in run.selection {
      let action = session.pipeline.actions[index]
      guard let lacking = try explained({ try planner.lackingSource(of: action) }) else { continue }
      throw CommandFailure(
        .invalid, Self.refusal(action.id, lacking, of: session.pipeline.file.removingLastComponent()))
    }
    let status = try explained { try run.execute() }
    return (session, planner, status)
  }

  /// Names the programs that would run and that this program does not bring: those of the bundle, or wherever its
  /// pipeline says that one is.
  private func tellPrograms(of session: PipelineSession, below folder: FilePath) throws(CommandFailure) {
    var programs: [String] = []
    for action in session.pipeline.actions {
      guard case .command(let stage) = action.implementation else { continue }
      let place =
        stage.folder.starts(with: folder) ? AbsentSources.relative(stage.folder, to: folder) : stage.folder.string
      let command = stage.command.map { Shell.quoted($0.shown(limit: 200)) }.joined(separator: " ")
      let program = "\(place.shown(limit: 200)): \(command)"
      if !programs.contains(program) { programs.append(program) }
    }
    guard !programs.isEmpty else { return }
    guard allowPrograms else {
      throw CommandFailure(
        .invalid,
        "\(bundle) has stages of its own, and this would run what its sender has written:\n"
          + programs.map { "  \($0)\n" }.joined()
          + "Look at them (`bundle import \(Shell.quoted(bundle)) --to DIR` runs nothing), and allow them with "
          + "--allow-programs")
    }
    for program in programs { Diagnostics.say("runs the bundle's own \(program)") }
  }

  /// The pipeline lies in a folder that nobody knows, so its paths are told as they stand in the bundle.
  private static func refusal(_ id: String, _ lacking: LackingSource, of folder: FilePath) -> String {
    let path =
      if case .file = lacking.origin { AbsentSources.relative(lacking.path, to: folder) } else { lacking.path.string }
    return "\(id) must run, and the bundle does not hold what it reads, \(path): \(lacking.files). Run this where that "
      + "path leads to \(lacking.isOneFile ? "it" : "them"), name the place with --set, or ask for a bundle that was "
      + "exported --with-sources"
  }

  private static func temporaryFolder(below parent: String) throws -> FilePath {
    var template = Array("\(parent)/apprentice-reproduce-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw CommandFailure(explaining: Errno(rawValue: errno)) }
    return FilePath(platformString: made)
  }
}

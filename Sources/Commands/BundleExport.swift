import Archives
import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineExecution
import PipelineLanguage
import Registries
import StageKit
import SystemPackage

/// `bundle export`: writes a pipeline with its results to one file.
struct BundleExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a pipeline with its results, key documents and own stages to one file.",
    discussion: """
      The file is an OCI image layout as .tar.zst. The same results give the same bytes, whatever store they come from.
      """)

  @Argument(help: "The pipeline file. Default: ./apprentice.yaml, else the only file in pipelines/.")
  var file: String?
  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String
  @OptionGroup var choice: BundleChoice
  @Option(help: ArgumentHelp("zstd's level, 1 to 19.", valueName: "N"))
  var level = ArchiveWriter.defaultLevel
  @Option(help: ArgumentHelp("Threads that compress. Default: the cores that may be used.", valueName: "N"))
  var threads: Int?
  @OptionGroup var options: PipelineOptions

  func validate() throws {
    guard (1...19).contains(level) else { throw ValidationError("--level must be 1 to 19.") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
  }

  func run() throws {
    let session = try PipelineSession(file: file, options: options, makesStore: true)
    try checkTarget(session)
    let contents = try choice.contents(of: session, settings: options.settings)
    let bar = TransferBar("writing")
    try bundled {
      defer { bar.end() }
      try BundleArchive.write(
        contents, to: FilePath(output), level: level, threads: threads ?? Processors.available
      ) { bar.show($0, of: contents.totalSize) }
    }
    if options.json {
      return printDocument([
        "bundle": .string(output), "pipeline": .string(contents.description.pipeline),
        "actions": JSONValue(contents.description.actions.count), "blobs": JSONValue(contents.blobs.count),
        "bytes": JSONValue(contents.totalSize), "exit": 0,
      ])
    }
    Diagnostics.say(
      "\(output)  \(contents.description.actions.count) actions, \(Wording.bytes(contents.totalSize)) unpacked")
  }
}

extension BundleExport {
  /// Refuses to write over anything but an earlier bundle, and over anything that the pipeline reads.
  private func checkTarget(_ session: PipelineSession) throws(CommandFailure) {
    let path = FilePath(output)
    let remedy = "name another file with -o"
    let sources = session.pipeline.actions.flatMap(\.inputs).flatMap(\.sources)
    for case .path(let source, _, _, _) in sources where Self.lies(path, in: source) {
      throw CommandFailure(.invalid, "\(output) is part of \(source), which the pipeline reads; \(remedy)")
    }
    for action in session.pipeline.actions {
      guard case .command(let stage) = action.implementation, Self.lies(path, in: stage.folder) else { continue }
      throw CommandFailure(.invalid, "\(output) is part of the stage \(stage.folder); \(remedy)")
    }
    if Self.lies(path, in: session.store.path) {
      throw CommandFailure(.invalid, "\(output) is part of the store \(session.store.path); \(remedy)")
    }
    if Self.lies(path, in: session.pipeline.file) {
      throw CommandFailure(.invalid, "\(output) is the pipeline file; \(remedy)")
    }
    var status = stat()
    guard lstat(output, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CommandFailure(.invalid, "\(output) is there and no regular file; \(remedy)")
    }
    guard status.st_size == 0 || Self.isCompressed(path) else {
      throw CommandFailure(.invalid, "\(output) is there and no bundle; \(remedy)")
    }
  }

  /// Whether a file begins as one does that zstd has written.
  private static func isCompressed(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking]) else {
      return false
    }
    let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let head = try? file.closeAfter {
      try [UInt8](unsafeUninitializedCapacity: magic.count) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
    return head == magic
  }

  private static func lies(_ file: FilePath, in place: FilePath) -> Bool {
    func real(_ path: FilePath) -> FilePath? {
      guard let text = realpath(path.string, nil) else { return nil }
      defer { free(text) }
      return FilePath(platformString: text)
    }
    // One that is not there yet would be a part of the folder, too.
    let parent = file.removingLastComponent()
    guard let place = real(place), let file = real(file) ?? real(parent.isEmpty ? "." : parent) else { return false }
    return file.starts(with: place)
  }
}

/// What of a pipeline goes into a bundle: the same for a file and for a registry.
struct BundleChoice: ParsableArguments {
  @Flag(help: "Scores, reports and curves only: no data, models or samples.")
  var resultsOnly = false
  @Flag(help: "The source files too; else only their names and digests.")
  var withSources = false
  @Option(
    name: .customLong("ref"), parsing: .singleValue,
    help: ArgumentHelp("Only this stage or cell. May be repeated.", valueName: "STAGE[@CELL]"))
  var references: [String] = []
  @Flag(help: "Leave out what is stale instead of ending with status 3.")
  var allowStale = false

  /// The bundle of a pipeline's present results.
  ///
  /// - Throws: `CommandFailure`, of status 3 where something is stale.
  func contents(of session: PipelineSession, settings: [String]) throws -> BundleContents {
    var wanted: Set<Int> = []
    for word in references { wanted.formUnion(try session.actions(named: word)) }
    let selection = references.isEmpty ? Array(session.pipeline.actions.indices) : wanted.sorted()
    let planner = try session.planner()
    let everything = references.isEmpty ? selection : session.pipeline.withNeeds(of: wanted)
    let stale = try explained { try Self.stale(everything, planner) }
    let missing = selection.filter { planner.result($0) == nil }
    if !missing.isEmpty, !allowStale {
      let reasons = stale.prefix(3).joined(separator: "; ")
      throw CommandFailure(
        .differs,
        "\(missing.count) of \(selection.count) actions are stale: \(reasons)\(stale.count > 3 ? "; …" : ""). "
          + "Run the pipeline first, or leave them out with --allow-stale.")
    }
    let fresh = selection.filter { planner.result($0) != nil }
    guard !fresh.isEmpty else { throw CommandFailure(.differs, "no action has a result; run the pipeline first") }
    let assembly = BundleAssembly(session: session, planner: planner, settings: settings, actions: fresh)
    let contents = try bundled { try assembly.contents(resultsOnly: resultsOnly, withSources: withSources) }
    do { try contents.check() } catch {
      throw CommandFailure(
        .invalid,
        "this can't travel in a bundle: \(error). Give it another name, or leave it out with --ref or without "
          + "--with-sources")
    }
    try explained { try Self.sayOrigins(fresh, planner) }
    return contents
  }

  /// Says which results came from elsewhere: a bundle does not, whoever sends it stands for all that is in it.
  private static func sayOrigins(_ actions: [Int], _ planner: Planner) throws {
    var counts: [(name: String, count: Int)] = []
    for index in actions {
      guard let key = planner.result(index)?.key, let origin = try planner.origins(of: key).first else { continue }
      if let known = counts.firstIndex(where: { $0.name == origin.description }) {
        counts[known].count += 1
      } else {
        counts.append((origin.description, 1))
      }
    }
    for (name, count) in counts {
      Diagnostics.say(
        "\(count) of \(actions.count) results came with \(name); what is sent on does not say so")
    }
  }

  /// Judges actions, and says of those that must run why.
  private static func stale(_ selection: [Int], _ planner: Planner) throws -> [String] {
    var reasons: [String] = []
    for index in selection {
      if case .stale(_, let reason) = try planner.examine(index) {
        reasons.append(reason.sentence(planner.pipeline.actions[index].id))
      }
    }
    planner.sources.save()
    return reasons
  }
}

/// Gives errors of bundles, archives and registries their sentence and exit status: 4 for damage, and the system's for the rest.
func bundled<Value>(_ body: () throws -> Value) throws(CommandFailure) -> Value {
  do { return try body() } catch let error as CommandFailure {
    throw error
  } catch let error as BundleError {
    throw CommandFailure(.damaged, error.description)
  } catch let error as BundleFolder.Unfit {
    throw CommandFailure(.invalid, "\(error); name another folder with --to")
  } catch let error as RegistryError {
    throw CommandFailure(ExitStatus(rawValue: error.exitStatus) ?? .unreachable, error.description)
  } catch let error as ArchiveError {
    if case .special = error.fault { throw CommandFailure(.invalid, error.description) }
    guard case .system(let code) = error.fault else { throw CommandFailure(.damaged, error.description) }
    // It names the file, which free space would not help.
    if code == .fileTooLarge { throw CommandFailure(explaining: error) }
    if code == .noSpace || code == .diskQuotaExceeded { throw CommandFailure(explaining: code) }
    throw CommandFailure(code == .noSuchFileOrDirectory ? .invalid : .stageFailed, error.description)
  } catch {
    throw CommandFailure(explaining: error)
  }
}

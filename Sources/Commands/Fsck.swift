import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import StageKit
import SystemPackage

/// `fsck`: checks a whole store.
struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Hash everything in the store; move what is damaged to quarantine.",
    discussion: "The exit status is 4 if something is damaged; the next run makes it again.")

  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    var options = Store.Options()
    options.threads = Processors.available
    let settings = options
    let report = try explained { try Store.open(location.store, creating: false, options: settings).fsck() }
    let status: ExitStatus = report.isSound ? .done : .damaged
    if json { printDocument(Self.document(report, status)) } else { Self.tell(report, location.store) }
    if status != .done { throw ExitCode(status.rawValue) }
  }

  private static func tell(_ report: FsckReport, _ store: FilePath) {
    print("\(store): \(Wording.count(report.blobCount)) blobs, \(Wording.bytes(report.byteCount))")
    for blob in report.damaged { print("damaged: \(blob)") }
    for path in report.strays { print("no part of a store: \(path)") }
    for reference in report.dangling { print("reference \(reference.name) names nothing that is here") }
    for action in report.incomplete { print("action \(action.key): \(action.reason); it will run again") }
    if report.isSound { print("nothing is damaged") }
  }

  private static func document(_ report: FsckReport, _ status: ExitStatus) -> JSONValue {
    [
      "blobs": JSONValue(report.blobCount), "bytes": JSONValue(report.byteCount),
      "damaged": .array(
        report.damaged.map { blob in
          [
            "digest": .string(blob.digest.description), "reason": .string(blob.description),
            "quarantined": blob.quarantined.map { .string($0.string) } ?? .null,
          ]
        }),
      "strays": .array(report.strays.map { .string($0.string) }),
      "dangling": .array(
        report.dangling.map { reference in
          [
            "name": .string(reference.name),
            "digest": reference.digest.map { .string($0.description) } ?? .null,
          ]
        }),
      "incomplete": .array(
        report.incomplete.map { action in
          ["key": .string(action.key.description), "reason": .string(action.reason.description)]
        }),
      "exit": JSONValue(Int(status.rawValue)),
    ]
  }
}

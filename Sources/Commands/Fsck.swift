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
    commandName: "fsck",
    abstract: "Hash everything in the store; move what is damaged to quarantine.",
    discussion: """
      The exit status is 4 if something is damaged; the next run makes it again. With --repair the results of actions \
      that are not whole are taken from the remote, every byte verified; the exit status is 0 if nothing damaged is left, \
      and 6 if the remote can't be reached.
      """)

  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Take what is damaged or lost anew from --remote, or APPRENTICE_REMOTE.")
  var repair = false
  @Option(
    help: ArgumentHelp("The folder or oci://host[:port]/repository to repair from.", valueName: "PLACE"))
  var remote: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func validate() throws { if remote != nil || repair { _ = try place() } }

  /// Where to repair from.
  private func place() throws -> RemoteArguments.Place {
    let named = Environment.variable("APPRENTICE_REMOTE").flatMap { $0.isEmpty ? nil : $0 }
    guard let text = remote ?? named else {
      throw ValidationError("--repair needs --remote, or APPRENTICE_REMOTE, to repair from.")
    }
    do { return try RemoteArguments.Place(text) } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    var options = Store.Options()
    options.threads = Processors.available
    let settings = options
    let (store, wasMended) = try explained { try Store.repair(location.store, options: settings) }
    if wasMended { Diagnostics.say("\(location.store)/oci-layout was damaged, and is made anew") }
    var report = try explained { try store.fsck() }
    if remote != nil || repair, !(report.incomplete.isEmpty && report.misplaced.isEmpty) {
      let place = try place()
      try askingRemote {
        try store.repair(&report, from: place.open(threads: settings.threads)) { key, error in
          Diagnostics.say("warning: action \(key) is not repaired: \(error)")
        }
      }
    }
    let status: ExitStatus = report.isSound ? .done : .damaged
    if json { printDocument(Self.document(report, status)) } else { Self.tell(report, location.store) }
    if status != .done { throw ExitCode(status.rawValue) }
  }

  private static func tell(_ report: FsckReport, _ store: FilePath) {
    Answer.print("\(store): \(Wording.count(report.blobCount)) blobs, \(Wording.bytes(report.byteCount))")
    for blob in report.restored { Answer.print("was damaged, and is whole again: \(blob)") }
    for key in report.repaired { Answer.print("action \(key): its result is whole again") }
    for blob in report.damaged { Answer.print("damaged: \(blob)") }
    for path in report.strays { Answer.print("no part of a store: \(path)") }
    for reference in report.dangling {
      Answer.print(
        "reference \(reference.name) names nothing that is here; the next run of that pipeline, or import of that "
          + "bundle, sets it anew")
    }
    for file in report.damagedRecords { Answer.print("damaged: \(StoreError.damagedRecord(file))") }
    for action in report.misplaced {
      Answer.print("damaged: action \(action.key): \(action.reason); it will run again")
    }
    for action in report.incomplete {
      Answer.print("no longer whole: action \(action.key): \(action.reason); it will run again")
    }
    if report.isSound { Answer.print(report.restored.isEmpty ? "nothing is damaged" : "nothing damaged is left") }
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
      "restored": .array(report.restored.map { .string($0.digest.description) }),
      "repaired": .array(report.repaired.map { .string($0.description) }),
      "strays": .array(report.strays.map { .string($0.string) }),
      "dangling": .array(
        report.dangling.map { reference in
          [
            "name": .string(reference.name),
            "digest": reference.digest.map { .string($0.description) } ?? .null,
          ]
        }),
      "misplaced": .array(
        report.misplaced.map { action in
          ["key": .string(action.key.description), "reason": .string(action.reason.description)]
        }),
      "incomplete": .array(
        report.incomplete.map { action in
          ["key": .string(action.key.description), "reason": .string(action.reason.description)]
        }),
      "damaged_records": .array(report.damagedRecords.map { .string($0.string) }),
      "exit": JSONValue(Int(status.rawValue)),
    ]
  }
}

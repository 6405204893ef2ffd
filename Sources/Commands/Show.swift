import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// `show`: what an artifact holds.
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the files of an artifact, or one of its rows.",
    discussion: "REF is [PIPELINE:]STAGE[@CELL][.PORT], a digest, or a unique prefix of one.")

  @Argument(help: ArgumentHelp("The artifact.", valueName: "REF"))
  var reference: String
  @Option(help: ArgumentHelp("Show this row, counted from 0.", valueName: "N"))
  var row: Int?
  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func validate() throws {
    if let row, row < 0 { throw ValidationError("--row counts from 0.") }
  }

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    let opened = try explained { try Store.open(location.store, creating: false) }
    let artifacts = try ShownArtifact.resolve(reference, in: opened)
    if let row {
      guard artifacts.count == 1, let artifact = artifacts.first else {
        let names = artifacts.compactMap(\.label).joined(separator: ", ")
        throw CommandFailure(.invalid, "--row needs one artifact; \(reference) names \(names)")
      }
      return try ArtifactRow.show(row, of: artifact, in: opened, json: json)
    }
    if json { return printDocument(artifacts.count == 1 ? artifacts[0].json : .array(artifacts.map(\.json))) }
    for artifact in artifacts { Answer.print(artifact.text, terminator: "") }
  }
}

/// An artifact that a reference names.
struct ShownArtifact {
  /// Stage, cell and port, where the reference names a stage.
  var label: String?
  var digest: Digest
  var manifest: Manifest

  /// The artifacts that a reference names.
  static func resolve(_ reference: String, in store: Store) throws(CommandFailure) -> [ShownArtifact] {
    let preferred = (try? PipelineOptions.checker.discover()).flatMap { file in
      try? PipelineOptions.checker.check(file).name
    }
    do {
      return try StoredReference.resolve(reference, preferring: preferred, in: store).map { match in
        ShownArtifact(
          label: match.label, digest: match.digest,
          manifest: try store.manifest(match.digest, neededBy: "the reference \(reference)"))
      }
    } catch let failure as StoredReference.Failure {
      throw CommandFailure(failure.isDamage ? .damaged : .invalid, failure.description)
    } catch {
      throw CommandFailure(explaining: error)
    }
  }

  /// What it is; nil where it is no artifact of a stage.
  var kind: ArtifactKind? { manifest.kind.flatMap { ArtifactKind(rawValue: $0.description) } }

  var text: String {
    var text = "\(label.map { "\($0)  " } ?? "")\(manifest.kind?.description ?? manifest.artifactType)  \(digest)\n"
    let width = manifest.layers.map { ($0.title ?? "").count }.max() ?? 0
    for file in manifest.layers {
      let title = file.title ?? ""
      let size = Wording.bytes(file.size)
      text += "  \(title)" + String(repeating: " ", count: width - title.count + 2)
      text += String(repeating: " ", count: max(0, 8 - size.count)) + "\(size)  \(file.digest)\n"
    }
    return text
  }

  var json: JSONValue {
    [
      "label": label.map { .string($0) } ?? .null, "digest": .string(digest.description),
      "kind": .string(manifest.kind?.description ?? manifest.artifactType),
      "files": .array(
        manifest.layers.map { file in
          [
            "name": .string(file.title ?? ""), "size": JSONValue(file.size),
            "digest": .string(file.digest.description),
          ]
        }),
    ]
  }
}

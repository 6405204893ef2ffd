import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import PipelineExecution
import Registries
import Sharing
import StageKit
import SystemPackage

/// `push`: sends a pipeline with its results to a registry.
struct Push: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push",
    abstract: "Send a pipeline with its results to an OCI registry: what `bundle export` would write.",
    discussion: """
      Only what the registry lacks travels. Credentials are those of `docker login` (DOCKER_CONFIG, else \
      ~/.docker/config.json). TLS is spoken, except with this machine itself.
      """)

  @Argument(
    help: ArgumentHelp(
      "The pipeline file (default: ./apprentice.yaml, else the only file in pipelines/), then "
        + "oci://host[:port]/repository[:tag].", valueName: "file-and-reference"))
  var words: [String]
  @OptionGroup var choice: BundleChoice
  @OptionGroup var options: PipelineOptions

  func validate() throws { _ = try target() }

  private func target() throws -> (file: String?, reference: OCIReference, tag: String) {
    guard let last = words.last, words.count <= 2 else {
      throw ValidationError("expected a pipeline file, which may be left out, and oci://host/repository:tag.")
    }
    let reference: OCIReference
    do { reference = try OCIReference(last) } catch { throw ValidationError("\(error)") }
    switch reference.version {
    case nil: return (words.dropLast().first, reference, "latest")
    case .tag(let tag): return (words.dropLast().first, reference, tag)
    case .digest: throw ValidationError("'\(last)': a digest can't be pushed to; name a tag.")
    }
  }

  func run() throws {
    let (file, reference, tag) = try target()
    let session = try PipelineSession(file: file, options: options, makesStore: true)
    let contents = try choice.contents(of: session, settings: options.settings)
    let bar = TransferBar("sending")
    let (summary, index) = try bundled {
      defer { bar.end() }
      return try Registry(reference, options: .ofEnvironment()).push(contents, as: tag) { bar.show($0, of: $1) }
    }
    let place = reference.with(.tag(tag))
    if options.json {
      var document: JSONObject = [
        "reference": .string("\(place)"), "digest": .string("\(index)"),
        "pipeline": .string(contents.description.pipeline),
        "actions": JSONValue(contents.description.actions.count),
      ]
      for (name, value) in summary.members { document[name] = value }
      document["exit"] = 0
      return printDocument(.object(document))
    }
    Diagnostics.say(
      "\(place)  \(contents.description.actions.count) actions, \(summary.text(verb: "sent"))")
  }
}

extension TransferSummary {
  /// The members of a JSON answer.
  var members: [(String, JSONValue)] {
    [
      ("blobs", JSONValue(blobs)), ("bytes", JSONValue(bytes)), ("moved_blobs", JSONValue(movedBlobs)),
      ("moved_bytes", JSONValue(movedBytes)),
    ]
  }

  /// `12 of 150 blobs sent, 3 MB of 410 MB`.
  func text(verb: String) -> String {
    guard movedBlobs > 0 else { return "all \(Wording.count(blobs)) blobs were there already" }
    return "\(Wording.count(movedBlobs)) of \(Wording.count(blobs)) blobs \(verb), "
      + "\(Wording.bytes(movedBytes)) of \(Wording.bytes(bytes))"
  }
}

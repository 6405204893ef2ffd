import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import StageKit
import SystemPackage

/// `checkout`: files out of the store.
struct Checkout: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkout",
    abstract: "Write the files of an artifact to a folder: a model is a Hugging Face directory.",
    discussion: "REF is [PIPELINE:]STAGE[@CELL][.PORT], a digest, or a unique prefix of one.")

  @Argument(help: ArgumentHelp("The artifact.", valueName: "REF"))
  var reference: String
  @Argument(help: ArgumentHelp("The folder; it must not exist.", valueName: "DIR"))
  var folder: String
  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    let opened = try explained { try Store.open(location.store, creating: false) }
    let artifacts = try ShownArtifact.resolve(reference, in: opened)
    guard let artifact = artifacts.first, artifacts.count == 1 else {
      let names = artifacts.compactMap(\.label).joined(separator: ", ")
      throw CommandFailure(.invalid, "checkout takes one artifact; \(reference) names \(names)")
    }
    let target = FilePath(folder)
    guard try explained({ try FileSystem.status(target) }) == nil else {
      throw CommandFailure(.invalid, "\(folder) exists; name a new folder")
    }
    guard !opened.holds(target) else {
      throw CommandFailure(.invalid, "\(folder) lies in the store; name a folder outside of it")
    }
    try explained { try opened.copyFiles(of: artifact.digest, to: target) }
    if json { return printDocument(artifact.json) }
    Diagnostics.say(
      "\(folder)  \(artifact.manifest.layers.count) files, \(Wording.bytes(artifact.manifest.totalSize))")
  }
}

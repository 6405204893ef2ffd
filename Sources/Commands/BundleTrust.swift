import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// `bundle trust`: lets what a bundle brought count for every pipeline.
struct BundleTrust: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Let the results of a bundle count as fresh for every pipeline file of this store.",
    discussion: """
      Without it they are fresh for the bundle's own pipeline file alone. The store keeps the digest of the bundle, which \
      `bundle inspect` prints; the bundle may be imported before or after.
      """)

  @Argument(
    help: ArgumentHelp(
      "The bundle: an archive, a folder that holds an image layout, or the digest that `bundle inspect` prints.",
      valueName: "X"))
  var bundle: String
  @Option(
    help: ArgumentHelp(
      "The store. Default: APPRENTICE_STORE, else .apprentice near the working directory.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    let (digest, count) = try bundled {
      let store = try Store.open(location.store, creating: false)
      let digest = try Digest(bundle) ?? BundleInspection(path: FilePath(bundle)).digest
      try store.trust(bundle: digest)
      var count = 0
      for key in try store.importedActions() where try store.origins(of: key).contains(where: { $0.digest == digest }) {
        count += 1
      }
      return (digest, count)
    }
    if json {
      return printDocument([
        "digest": .string(digest.description), "store": .string(location.store.string), "results": JSONValue(count),
        "exit": 0,
      ])
    }
    Answer.print("\(digest) is trusted in \(location.store), which has \(Wording.count(count)) of its results")
  }
}

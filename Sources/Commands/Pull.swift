import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import PipelineExecution
import Registries
import Sharing
import SystemPackage

/// `pull`: takes a bundle out of a registry into the store.
struct Pull: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Take a bundle out of an OCI registry into the store: every byte verified, all of it or nothing.",
    discussion: """
      Only what the store lacks travels, and a pull that was cut off goes on where it stopped. Afterwards `run` of the \
      bundled pipeline finds everything fresh. Credentials and TLS are as for `push`.
      """)

  @Argument(help: ArgumentHelp("oci://host[:port]/repository[:tag|@digest].", valueName: "reference"))
  var reference: String
  @OptionGroup var destination: BundleDestination

  func validate() throws { _ = try target() }

  private func target() throws -> OCIReference {
    do { return try OCIReference(reference) } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let target = try target()
    let bar = TransferBar("fetching")
    let bundle = try bundled {
      try RegistryBundle(target, options: .ofEnvironment()) { bar.show($0, of: $1) }
    }
    try destination.take(
      checking: { _ = try bundle.index(limit: BundleLimits().index) },
      importing: { store, folder in
        defer { bar.end() }
        let imported = try store.importBundle(from: bundle, writingTo: folder)
        bar.end()
        if !destination.json { Diagnostics.say("\(bundle.name)  \(bundle.summary.text(verb: "fetched"))") }
        return (imported, bundle.summary.members)
      })
  }
}

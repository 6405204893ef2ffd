import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import PipelineExecution
import StageKit
import SystemPackage

/// `bundle import`: takes a bundle into the store.
struct BundleImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take a bundle into the store: every byte verified, all of it or nothing.",
    discussion: """
      Afterwards `run` of the bundled pipeline finds everything fresh, also where its sources are absent, and says which \
      bundle it came with. For another pipeline file the results are fresh after `bundle trust`, or under --trust imported.
      """)

  @Argument(
    help: ArgumentHelp("The bundle: an archive, or a folder that holds an image layout.", valueName: "X.tar.zst"))
  var bundle: String
  @OptionGroup var destination: BundleDestination

  func run() throws {
    try destination.take(
      checking: { _ = try BundleReader(path: FilePath(bundle)) },
      importing: { store, folder in
        let bar = TransferBar("reading")
        defer { bar.end() }
        return (try store.importBundle(FilePath(bundle), writingTo: folder) { bar.show($0, of: $1 ?? 0) }, [])
      })
  }
}

/// Where a bundle goes, from a file or from a registry.
struct BundleDestination: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also write the pipeline file, own stages and bundled sources to this folder, which is new, empty, holds a store "
        + "alone, or holds nothing but the same files.", valueName: "DIR"))
  var to: String?
  @Flag(
    help: """
      The folder may hold other files too, which stay; regular files of the names that the import writes are replaced. \
      Nothing is reached through a link.
      """)
  var force = false
  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near DIR.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  /// Takes a bundle into the store, writes its files, and says so.
  ///
  /// - Parameters:
  ///   - check: Looks whether there is a bundle at all: one that can't be used makes no store either.
  ///   - takeIn: Takes it in, writes to the folder, and gives members that the answer has besides.
  /// - Throws: `CommandFailure`.
  func take(
    checking check: () throws -> Void,
    importing takeIn: (Store, BundleFolder?) throws -> (ImportedBundle, [(String, JSONValue)])
  ) throws {
    let folder = to.map { BundleFolder(FilePath($0), replacing: force) }
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory.pushing(folder?.path ?? ""))
    let (imported, members) = try bundled {
      try folder?.check(besides: location.store)
      if (try? Store.open(location.store, creating: false)) == nil { try check() }
      var options = Store.Options()
      options.threads = Processors.available
      let store = try Store.open(location.store, creating: true, options: options)
      // What an import that was killed has left is as large as its bundle.
      _ = try? store.sweepWorkFolders()
      return try takeIn(store, folder)
    }
    let description = imported.description
    if json {
      var document: JSONObject = [
        "pipeline": .string(description.pipeline), "file": imported.file.map { .string($0.string) } ?? .null,
        "digest": .string("\(imported.manifest)"), "settings": .array(description.settings.map { .string($0) }),
        "store": .string(location.store.string),
        "actions": JSONValue(description.actions.count), "complete": JSONValue(imported.complete),
      ]
      for (name, value) in members { document[name] = value }
      document["exit"] = 0
      return printDocument(.object(document))
    }
    let all = imported.complete == description.actions.count ? "" : ", \(imported.complete) with all their files"
    Diagnostics.say("\(description.pipeline)  \(description.actions.count) actions\(all) → \(location.store)")
    if let file = imported.file {
      let settings = description.settings.map { " --set \(Shell.quoted($0))" }.joined()
      let place = store.map { " --store \(Shell.quoted($0))" } ?? ""
      Diagnostics.say("Run  apprentice run \(Shell.quoted(file.string))\(settings)\(place)")
    }
  }
}

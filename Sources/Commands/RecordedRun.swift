import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Registries
import Sharing
import SystemPackage

/// Where a bundle is that is to be run again.
enum BundlePlace {
  case file(FilePath)
  case registry(OCIReference)

  /// A file, or `oci://host/repository:tag`.
  init(_ text: String) throws(OCIReferenceError) {
    self = text.hasPrefix("oci://") ? .registry(try OCIReference(text)) : .file(FilePath(text))
  }

  /// Takes the bundle into a store.
  func take(
    _ scope: ImportScope, into store: Store, writingTo folder: BundleFolder? = nil
  ) throws -> ImportedBundle {
    switch self {
    case .file(let path): return try store.importBundle(path, scope, writingTo: folder)
    case .registry(let reference):
      let bar = TransferBar("fetching")
      defer { bar.end() }
      let bundle = try RegistryBundle(reference, options: .ofEnvironment()) { bar.show($0, of: $1) }
      return try store.importBundle(from: bundle, scope, writingTo: folder)
    }
  }
}

/// What a bundle says of the actions that were run, and the files that they made.
final class RecordedRun {
  let description: BundleDescription
  /// Outputs by port of every action, in plan order.
  let outputs: [[(port: String, digest: Digest)]]
  /// Where the result of every action was made, in plan order; null where that is not in the bundle.
  let environments: [JSONValue]
  private let place: BundlePlace
  private let folder: FilePath
  private var unpacked: Store?

  /// Reads what a bundle says; one in a registry is fetched whole.
  ///
  /// - Parameters:
  ///   - place: The bundle.
  ///   - folder: A new folder, in which its files are unpacked when they are needed.
  /// - Throws: `BundleError`, `ArchiveError`, `RegistryError`, `StoreError` or `Errno`.
  init(_ place: BundlePlace, in folder: FilePath) throws {
    self.place = place
    self.folder = folder
    switch place {
    case .file(let path):
      let inspection = try BundleInspection(path: path)
      description = inspection.description
      outputs = inspection.outputs
      environments = inspection.environments
    case .registry:
      let store = try Store.open(folder, creating: true)
      let imported = try place.take(.everything, into: store)
      description = imported.description
      outputs = imported.outputs
      environments = imported.environments
      unpacked = store
    }
  }

  /// A store with all that the bundle holds.
  func files() throws -> Store {
    if let unpacked { return unpacked }
    let store = try Store.open(folder, creating: true)
    _ = try place.take(.everything, into: store)
    unpacked = store
    return store
  }
}

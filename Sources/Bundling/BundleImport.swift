public import ArtifactStore
public import CanonicalJSON
public import ContentAddressing
public import SystemPackage

/// A bundle that was taken into a store.
public struct ImportedBundle: Sendable {
  /// What the bundle says of itself.
  public var description: BundleDescription
  /// The digest of the bundle's own manifest.
  public var manifest: Digest
  /// Outputs by port of every action, in plan order.
  public var outputs: [[(port: String, digest: Digest)]]
  /// Where the result of every action was made, in plan order.
  public var environments: [JSONValue]
  /// The pipeline file, where it was written.
  public var file: FilePath?
  /// The number of actions of which the store has the whole result now.
  public var complete: Int
}

/// What of a bundle is taken into a store.
public enum ImportScope: Sendable {
  /// Everything.
  case everything
  /// The pipeline, own stages and sources, and no result: for running it again.
  case withoutResults
}

extension Store {
  /// Takes a bundle in: all of it, each byte verified before any of it can be seen, or nothing.
  ///
  /// - Parameters:
  ///   - path: The bundle.
  ///   - scope: What is taken in.
  ///   - folder: Where the pipeline file, own stages and sources are written; nil for nowhere.
  ///   - progress: Is told how much of the file has been read.
  /// - Returns: What was taken in.
  /// - Throws: `BundleError`, `BundleFolder.Unfit`, `ArchiveError`, `StoreError` or `Errno`; the store then is as it
  ///   was.
  public func importBundle(
    _ path: FilePath, _ scope: ImportScope = .everything, writingTo folder: BundleFolder? = nil,
    progress: (Int, Int?) -> Void = { _, _ in }
  ) throws -> ImportedBundle {
    try folder?.check(besides: self.path)
    let reader = try BundleReader(path: path)
    let intake = try beginIntake()
    do {
      return try withoutActuallyEscaping(progress) { progress in
        let visitor = ImportVisitor(path.string, intake, of: self, scope, folder) {
          progress(reader.progress.read, reader.progress.of)
        }
        try reader.read(visitor)
        return try visitor.finish()
      }
    } catch {
      intake.discard()
      if let damage = error as? DamagedBlob { throw BundleError(path.string, .content("\(damage)")) }
      throw error
    }
  }
}

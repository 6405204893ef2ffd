public import ArtifactStore
import ContentAddressing
import Glibc
public import SystemPackage

/// The folder that receives a bundle's pipeline file, the code of its own stages, and the sources whose place is below.
public struct BundleFolder: Sendable {
  /// The folder; made where there is none.
  public var path: FilePath
  /// Whether a different file that stands there is replaced.
  public var isReplacing: Bool

  /// A folder, not yet looked at.
  public init(_ path: FilePath, replacing: Bool = false) {
    self.path = path
    isReplacing = replacing
  }

  /// A different file stands where one of the bundle is to be.
  public struct Occupied: Error, Equatable, CustomStringConvertible {
    /// The file.
    public var path: FilePath

    /// One sentence.
    public var description: String { "\(path) is there already, with other content" }
  }

  private struct Place {
    var path: FilePath
    var digest: Digest
    var isProgram: Bool
  }

  /// Where the pipeline file and the code of own stages are to be.
  private func places(_ description: BundleDescription, _ manifest: (Digest) throws -> Manifest?, _ own: Digest) throws
    -> [Place]
  {
    guard let pipeline = try manifest(own)?.file(Store.bundlePipeline) else { return [] }
    var places = [Place(path: path.appending(description.file), digest: pipeline.digest, isProgram: false)]
    for stage in description.stages {
      for layer in try manifest(stage.manifest)?.layers ?? [] {
        guard let title = layer.title else { continue }
        let place = path.pushing(FilePath(stage.folder)).pushing(FilePath(title))
        places.append(Place(path: place, digest: layer.digest, isProgram: stage.programs.contains(title)))
      }
    }
    return places
  }

  /// Looks whether everything may be written there, before anything of the bundle is published.
  ///
  /// - Parameters:
  ///   - description: What the bundle says of itself.
  ///   - own: The digest of its own manifest.
  ///   - manifest: A manifest of the bundle by its digest.
  /// - Throws: `Occupied` or `StoreError`.
  func prepare(for description: BundleDescription, _ own: Digest, _ manifest: (Digest) throws -> Manifest?) throws {
    // The folder itself, or the one in which it would be made; a file in its place lets no name stand below it.
    var place = path
    while access(place.string, F_OK) != 0, errno == ENOENT, place.removeLastComponent() {}
    guard access(place.appending(".").string, W_OK | X_OK) == 0 else {
      throw StoreError.system(operation: "write to", path: path, code: errno)
    }
    if isReplacing { return }
    for place in try places(description, manifest, own) {
      guard let file = try? FileDescriptor.open(place.path, .readOnly, options: [.closeOnExec, .nonBlocking]) else {
        continue
      }
      var hasher = FileHasher()
      let present = try? file.closeAfter { try hasher.content(of: file) }
      guard present?.digest == place.digest else { throw Occupied(path: place.path) }
    }
  }

  /// Writes the files of a bundle that was taken into a store.
  ///
  /// - Returns: The pipeline file.
  /// - Throws: `Occupied` or `StoreError`.
  public func write(_ bundle: ImportedBundle, from store: Store) throws -> FilePath {
    let description = bundle.description
    func manifest(_ digest: Digest) throws -> Manifest { try store.manifest(digest, neededBy: path.string) }
    try prepare(for: description, bundle.manifest, manifest)
    for place in try places(description, manifest, bundle.manifest) {
      let bytes = try store.document(place.digest, neededBy: place.path.string)
      try Self.write(bytes, to: place.path, isProgram: place.isProgram)
    }
    try writeSources(of: description, from: store)
    return path.appending(description.file)
  }

  private func writeSources(of description: BundleDescription, from store: Store) throws {
    for source in description.sources where source.setting == nil {
      let below = source.path.hasPrefix("./") ? String(source.path.dropFirst(2)) : source.path
      guard FileTitle.isValid(below), let manifest = try? store.manifest(source.manifest, neededBy: below) else {
        continue
      }
      for layer in manifest.layers {
        guard let title = layer.title, try store.has(layer.digest, size: layer.size) else { continue }
        var place = path.pushing(FilePath(below))
        if source.isFolder { place.push(FilePath(title)) }
        guard access(place.string, F_OK) != 0 else { continue }
        try FileSystem.makeFolders(place.removingLastComponent())
        try store.copyFile(layer.digest, to: place)
      }
    }
  }

  private static func write(_ bytes: [UInt8], to path: FilePath, isProgram: Bool) throws {
    try FileSystem.makeFolders(path.removingLastComponent())
    // What stands there may be a link that leads elsewhere.
    if unlink(path.string) != 0, errno != ENOENT {
      throw StoreError.system(operation: "replace", path: path, code: errno)
    }
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate],
        permissions: FilePermissions(rawValue: isProgram ? 0o755 : 0o644))
      _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch Errno.noSpace {
      throw StoreError.diskFull(path)
    } catch let error as Errno {
      throw StoreError.system(operation: "write", path: path, code: error.rawValue)
    }
  }
}

public import ArtifactStore
import CanonicalJSON
public import ContentAddressing
import Glibc
public import SystemPackage

/// A bundle that was taken into a store.
public struct ImportedBundle: Sendable {
  /// What the bundle says of itself.
  public var description: BundleDescription
  /// The digest of the bundle's own manifest.
  public var manifest: Digest
  /// The bytes of the pipeline file.
  public var pipeline: [UInt8]
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
  ///   - progress: Is told how much of the file has been read.
  /// - Returns: What was taken in.
  /// - Throws: `BundleError`, `ArchiveError`, `StoreError` or `Errno`; the store then is as it was.
  public func importBundle(
    _ path: FilePath, _ scope: ImportScope = .everything, progress: (Int, Int?) -> Void = { _, _ in }
  ) throws -> ImportedBundle {
    let reader = try BundleReader(path: path)
    let intake = try beginIntake()
    do {
      return try withoutActuallyEscaping(progress) { progress in
        let visitor = ImportVisitor(path.string, intake, scope) {
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

extension ImportedBundle {
  /// Writes the pipeline file, the code of own stages, and the sources whose place is below the folder.
  ///
  /// - Parameters:
  ///   - folder: The folder; made where there is none.
  ///   - store: The store that the bundle was taken into.
  ///   - replacing: Whether a different file that stands there is replaced.
  /// - Returns: The pipeline file.
  /// - Throws: `StoreError` or `Errno`.
  public func write(to folder: FilePath, from store: Store, replacing: Bool) throws -> FilePath {
    var files: [(path: FilePath, bytes: [UInt8], isProgram: Bool)] = []
    let file = folder.appending(description.file)
    files.append((file, pipeline, false))
    for stage in description.stages {
      for layer in try store.manifest(stage.manifest, neededBy: "stage \(stage.folder)").layers {
        guard let title = layer.title else { continue }
        let path = folder.pushing(FilePath(stage.folder)).pushing(FilePath(title))
        let bytes = try store.document(layer.digest, neededBy: "stage \(stage.folder)")
        files.append((path, bytes, stage.programs.contains(title)))
      }
    }
    if !replacing {
      for file in files {
        guard let present = try? Self.read(file.path), present != file.bytes else { continue }
        throw StoreError.invalidName(
          file.path.string, rule: "no other file of this name there: name another folder with --to, or use --force")
      }
    }
    for file in files { try Self.write(file.bytes, to: file.path, isProgram: file.isProgram) }
    try writeSources(below: folder, from: store)
    return file
  }

  private func writeSources(below folder: FilePath, from store: Store) throws {
    for source in description.sources where source.setting == nil {
      let path = source.path.hasPrefix("./") ? String(source.path.dropFirst(2)) : source.path
      guard FileTitle.isValid(path), let manifest = try? store.manifest(source.manifest, neededBy: path) else {
        continue
      }
      for layer in manifest.layers {
        guard let title = layer.title, try store.has(layer.digest, size: layer.size) else { continue }
        var place = folder.pushing(FilePath(path))
        if source.isFolder { place.push(FilePath(title)) }
        guard access(place.string, F_OK) != 0 else { continue }
        try Self.makeFolders(place.removingLastComponent())
        try store.copyFile(layer.digest, to: place)
      }
    }
  }

  private static func read(_ path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
      var bytes: [UInt8] = []
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
      defer { buffer.deallocate() }
      while true {
        let count = try file.read(into: buffer)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
      }
    }
  }

  private static func write(_ bytes: [UInt8], to path: FilePath, isProgram: Bool) throws {
    try makeFolders(path.removingLastComponent())
    // What stands there may be a link that leads elsewhere.
    if unlink(path.string) != 0, errno != ENOENT { throw Errno(rawValue: errno) }
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .exclusiveCreate],
      permissions: FilePermissions(rawValue: isProgram ? 0o755 : 0o644))
    _ = try file.closeAfter { try file.writeAll(bytes) }
  }

  private static func makeFolders(_ path: FilePath) throws {
    if path.isEmpty || mkdir(path.string, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, path.lastComponent != nil else { throw Errno(rawValue: errno) }
    try makeFolders(path.removingLastComponent())
    guard mkdir(path.string, 0o777) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
  }
}

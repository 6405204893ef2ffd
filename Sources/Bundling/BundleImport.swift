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

/// Puts what comes into an intake, and checks what the documents say.
private final class ImportVisitor: BundleVisitor {
  private let name: String
  private let intake: Intake
  private let scope: ImportScope
  private let advance: () -> Void
  private var outline: BundleOutline?
  private var wanted: Set<Digest>?
  private var kept: Set<Digest> = []
  private var documents: [Digest: [UInt8]] = [:]
  private var pending: [[UInt8]] = []

  init(_ name: String, _ intake: Intake, _ scope: ImportScope, advance: @escaping () -> Void) {
    self.name = name
    self.intake = intake
    self.scope = scope
    self.advance = advance
  }

  func document(_ bytes: [UInt8], digest: Digest) { pending.append(bytes) }

  func documentsEnd(_ outline: BundleOutline) throws -> Bool {
    self.outline = outline
    var wanted: Set<Digest> = []
    for (digest, manifest) in outline.manifests {
      let isResult = manifest.artifactType == MediaType.result
      let kinds: [KindName] = [BundleContents.kind, BundleContents.stageKind, .source]
      guard scope == .everything || kinds.contains(where: { manifest.kind == $0 }) else { continue }
      wanted.insert(digest)
      for layer in manifest.layers + [manifest.config] { wanted.insert(layer.digest) }
      if isResult || manifest.kind == BundleContents.kind || manifest.kind == BundleContents.stageKind {
        // Own code is written out to a folder, and documents are checked.
        for layer in manifest.layers where layer.size <= 4 << 20 { kept.insert(layer.digest) }
      }
    }
    let pending = pending
    self.pending = []
    for bytes in pending where wanted.contains(Digest(hashing: bytes)) { try intake.add(bytes) }
    self.wanted = wanted
    return true
  }

  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
    guard wanted?.contains(digest) ?? false else { return true }
    var bytes: [UInt8] = []
    let keeps = kept.contains(digest) && size <= 4 << 20
    let advance = advance
    try intake.receive(digest, size: size) { buffer in
      let count = try next(buffer)
      if keeps { bytes += buffer[..<count] }
      advance()
      return count
    }
    if keeps { documents[digest] = bytes }
    return true
  }

  /// Checks what the documents say, and publishes.
  func finish() throws -> ImportedBundle {
    guard let outline, let file = outline.own.manifest.file(Store.bundleDescription),
      let pipelineFile = outline.own.manifest.file(BundleContents.pipelineTitle),
      let bytes = documents[file.digest], let pipeline = documents[pipelineFile.digest]
    else {
      throw BundleError(name, .document("the bundle's manifest", reason: "it lacks a document, or one is too large"))
    }
    let description: BundleDescription
    do { description = try BundleDescription(json: JSONValue(parsing: bytes)) } catch {
      throw BundleError(name, .document(Store.bundleDescription, reason: "\(error)"))
    }
    for action in description.actions { try check(action, outline) }
    for stage in description.stages where outline.manifests[stage.manifest]?.kind != BundleContents.stageKind {
      throw BundleError(name, .document("stage \(stage.folder)", reason: "its code is not in the bundle"))
    }
    // The index is made anew: what a tool did to it on the way does not matter.
    var index = ImageIndex(manifests: [outline.own.manifest.descriptor])
    for (digest, manifest) in outline.manifests.sorted(by: { $0.key < $1.key }) where digest != outline.own.digest {
      if wanted?.contains(digest) ?? false { index.manifests.append(manifest.descriptor) }
    }
    let reference = try intake.add(index.canonical)
    let actions = scope == .everything ? description.actions : []
    let complete = try intake.publish(
      pipeline: description.pipeline,
      actions: actions.map { ActionRecord(label: $0.label, key: $0.key, result: $0.result) },
      references: [(Store.bundleReference(outline.own.digest), reference)], origin: outline.own.digest.description)
    return ImportedBundle(
      description: description, manifest: outline.own.digest, pipeline: pipeline, complete: complete)
  }

  private func check(_ action: BundleDescription.Action, _ outline: BundleOutline) throws {
    let place = "action \(action.label)"
    guard let manifest = outline.manifests[action.result], manifest.artifactType == MediaType.result,
      manifest.file("key.json")?.digest == action.key.digest, let outputs = manifest.file("outputs.json"),
      manifest.file("environment.json") != nil
    else { throw BundleError(name, .document(place, reason: "\(action.result) is not its result")) }
    guard scope == .everything else { return }
    do {
      _ = try KeyDocument(json: JSONValue(parsing: documents[action.key.digest] ?? []))
      let members = try JSONValue(parsing: documents[outputs.digest] ?? []).object?.members ?? []
      for member in members where member.value.string.flatMap({ Digest($0) }) == nil {
        throw ManifestError(member: member.name, expected: "a digest")
      }
    } catch {
      throw BundleError(name, .document(place, reason: "\(error)"))
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

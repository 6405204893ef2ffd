import ArtifactStore
public import Bundling
public import ContentAddressing
import Glibc
public import Registries
import SystemPackage

/// What went to a registry or came from it.
public struct TransferSummary: Sendable, Hashable {
  /// Blobs and manifests in all.
  public var blobs = 0
  /// Their bytes.
  public var bytes = 0
  /// Those that had to travel.
  public var movedBlobs = 0
  /// Their bytes.
  public var movedBytes = 0

  /// Nothing.
  public init() {}

  init(all: [Int], moved: [Int]) {
    blobs = all.count
    bytes = sum(all)
    movedBlobs = moved.count
    movedBytes = sum(moved)
  }

  /// Counts another part of the same.
  mutating func add(_ other: TransferSummary) {
    blobs += other.blobs
    bytes = sum([bytes, other.bytes])
    movedBlobs += other.movedBlobs
    movedBytes = sum([movedBytes, other.movedBytes])
  }
}

extension Registry {
  /// Sends a bundle under a tag: first blobs, then manifests, the index last, so that what can be found is whole.
  ///
  /// - Parameters:
  ///   - contents: The bundle.
  ///   - tag: The name that it gets.
  ///   - progress: Is told how many bytes have gone, and of how many.
  /// - Returns: What there was to send, and the digest of the index.
  /// - Throws: `RegistryError`, or `StoreError` where a blob is missing or damaged here.
  public func push(
    _ contents: BundleContents, as tag: String, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> (summary: TransferSummary, index: Digest) {
    let index = contents.index.canonical
    // A registry takes a manifest when it has all that it names as blobs, be that a manifest, too.
    let named = contents.manifests.filter { contents.ownFiles.contains($0.digest) }
    let summary = try send(
      contents.blobs + named, manifests: contents.manifests, index: index, as: tag, progress: progress)
    return (summary, Digest(hashing: index))
  }

  /// Sends blobs, manifests and the index that lists them; only what the registry lacks.
  func send(
    _ blobs: [BundleContents.Blob], manifests: [BundleContents.Blob], index: [UInt8], as tag: String,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> TransferSummary {
    let missing = try lacking(blobs) { try hasBlob($0.digest, size: $0.size, for: .push) }
    let absent = try lacking(manifests) { try digest(of: .digest($0.digest), for: .push) != nil }
    let moved = missing + absent
    let meter = Meter(total: sum(moved.map(\.size)), progress)
    // The longest first, so that no thread is left with it alone.
    try Workers.forEach(missing.sorted { $0.size > $1.size }, atOnce: options.connections) { blob in
      try self.send(blob) { meter.add($0) }
    }
    try Workers.forEach(absent, atOnce: options.connections) { manifest in
      try self.put(try Self.bytes(of: manifest), mediaType: MediaType.manifest, as: .digest(manifest.digest))
      meter.add(manifest.size)
    }
    if try digest(of: .tag(tag), for: .push) != Digest(hashing: index) {
      try put(index, mediaType: MediaType.index, as: .tag(tag))
    }
    return TransferSummary(all: (blobs + manifests).map(\.size), moved: moved.map(\.size))
  }

  /// The blobs that the registry lacks, in their order.
  private func lacking(
    _ blobs: [BundleContents.Blob], _ isThere: @Sendable (BundleContents.Blob) throws -> Bool
  ) throws -> [BundleContents.Blob] {
    let present = Findings()
    try Workers.forEach(blobs, atOnce: options.connections) { blob in
      if try isThere(blob) { present.insert(blob.digest) }
    }
    let found = present.digests
    return blobs.filter { !found.contains($0.digest) }
  }

  private func send(_ blob: BundleContents.Blob, _ progress: @escaping (Int) -> Void) throws {
    switch blob.source {
    case .bytes(let bytes): try upload(blob.digest, size: blob.size, from: .bytes(bytes), progress: progress)
    case .file(let path):
      do {
        try upload(blob.digest, size: blob.size, from: .file(path), progress: progress)
      } catch {
        try Self.checkLocal(blob, path, reference)
        throw error
      }
    }
  }

  /// Whether the fault of a refused blob is on this side.
  private static func checkLocal(_ blob: BundleContents.Blob, _ path: FilePath, _ reference: OCIReference) throws {
    var hasher = FileHasher()
    let content: FileHasher.Content
    do { content = try hasher.content(of: path) } catch Errno.noSuchFileOrDirectory {
      throw StoreError.missing(blob.digest, neededBy: reference.description)
    } catch { return }
    if content.digest != blob.digest {
      throw StoreError.damaged([DamagedBlob(digest: blob.digest, fault: .content(found: content.digest))])
    }
  }

  private static func bytes(of blob: BundleContents.Blob) throws -> [UInt8] {
    switch blob.source {
    case .bytes(let bytes): return bytes
    case .file(let path):
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      return try file.closeAfter {
        try [UInt8](unsafeUninitializedCapacity: blob.size) { buffer, count in
          while count < blob.size {
            let part = try file.read(
              into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]))
            if part == 0 { break }
            count += part
          }
        }
      }
    }
  }
}

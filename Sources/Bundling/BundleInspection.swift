import ArtifactStore
public import CanonicalJSON
public import ContentAddressing
public import SystemPackage

/// What a bundle holds, read without taking anything in.
public struct BundleInspection: Sendable {
  /// What the bundle says of itself.
  public var description: BundleDescription
  /// The manifests.
  public var outline: BundleOutline
  /// Outputs by port of every action, in plan order.
  public var outputs: [[(port: String, digest: Digest)]]
  /// Where the result of every action was made, in plan order; null where that is not in the bundle.
  public var environments: [JSONValue]
  /// The content of scores.json by the digest of the scores artifact.
  public var scores: [Digest: JSONValue]

  /// Reads a bundle as far as is needed: documents and scores, not the weights.
  ///
  /// - Throws: `BundleError`, `ArchiveError` or `Errno`.
  public init(path: FilePath) throws {
    let visitor = InspectionVisitor(name: path.string)
    try BundleReader(path: path).read(visitor)
    guard let bundle = visitor.bundle else {
      throw BundleError(path.string, .document(Store.bundleDescription, reason: "it is not in the bundle"))
    }
    outline = bundle.outline
    description = bundle.description
    outputs = bundle.outputs
    environments = bundle.environments
    scores = [:]
    for (digest, manifest) in outline.manifests {
      guard let file = manifest.file("scores.json") else { continue }
      scores[digest] = visitor.scores[file.digest]
    }
  }

  /// The digest of the bundle's own manifest, by which it is trusted.
  public var digest: Digest { outline.own.digest }
}

/// Reads and hashes everything, holds it to all that an import asks, and keeps nothing.
///
/// - Parameters:
///   - path: The bundle.
///   - progress: Is told how much of the file has been read.
/// - Returns: What it holds: the number of blobs and of their bytes.
/// - Throws: `BundleError`, `ArchiveError` or `Errno`.
public func verifyBundle(
  _ path: FilePath, progress: (Int, Int?) -> Void = { _, _ in }
) throws -> (blobs: Int, bytes: Int) {
  let reader = try BundleReader(path: path)
  return try withoutActuallyEscaping(progress) { progress in
    let visitor = VerifyingVisitor(name: path.string) { progress(reader.progress.read, reader.progress.of) }
    try reader.read(visitor)
    return (visitor.blobs, visitor.bytes)
  }
}

/// Keeps what the documents say, and scores.
private final class InspectionVisitor: BundleVisitor {
  private static let mostOfScores = 4 << 20
  private static let mostOfAllScores = 64 << 20

  private let name: String
  private(set) var bundle: CheckedBundle?
  private(set) var scores: [Digest: JSONValue] = [:]
  private var wanted: Set<Digest> = []

  init(name: String) { self.name = name }

  func document(_ bytes: [UInt8], digest: Digest) { keep(bytes, digest) }

  func manifestsEnd(_ outline: BundleOutline) -> Bool {
    var total = 0
    for manifest in outline.manifests.values {
      guard let file = manifest.file("scores.json"), file.size <= Self.mostOfScores,
        total + file.size <= Self.mostOfAllScores, wanted.insert(file.digest).inserted
      else { continue }
      total += file.size
    }
    return true
  }

  func documentsEnd(_ bundle: CheckedBundle) -> Bool {
    self.bundle = bundle
    return !wanted.isEmpty
  }

  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
    guard wanted.contains(digest) else { return true }
    var bytes = [UInt8](repeating: 0, count: size)
    var count = 0
    while count < size {
      let part = try bytes.withUnsafeMutableBytes { buffer in
        try next(UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      }
      if part == 0 { break }
      count += part
    }
    let found = Digest(hashing: bytes)
    guard found == digest else {
      throw BundleError(name, .content("blob \(digest): its bytes have the digest \(found)"))
    }
    keep(bytes, digest)
    return bundle == nil || !wanted.isEmpty
  }

  private func keep(_ bytes: [UInt8], _ digest: Digest) {
    if wanted.remove(digest) != nil { scores[digest] = try? JSONValue(parsing: bytes) }
  }
}

/// Hashes every blob.
private final class VerifyingVisitor: BundleVisitor {
  let name: String
  let advance: () -> Void
  var blobs = 0
  var bytes = 0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

  init(name: String, advance: @escaping () -> Void) {
    self.name = name
    self.advance = advance
  }

  deinit { buffer.deallocate() }

  func document(_ bytes: [UInt8], digest: Digest) {
    blobs += 1
    self.bytes += bytes.count
  }

  func manifestsEnd(_ outline: BundleOutline) -> Bool { true }
  func documentsEnd(_ bundle: CheckedBundle) -> Bool { true }

  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
    var hasher = SHA256Hasher()
    var count = 0
    while true {
      let part = try next(buffer)
      if part == 0 { break }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<part]))
      count += part
      advance()
    }
    let found = hasher.finish()
    guard found == digest, count == size else {
      throw BundleError(name, .content("blob \(digest): its bytes have the digest \(found)"))
    }
    blobs += 1
    bytes += count
    return true
  }
}

public import CanonicalJSON
public import ContentAddressing
import Glibc
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
    let reader = try BundleReader(path: path)
    try reader.read(visitor)
    guard let outline = visitor.outline, let description = visitor.description else {
      throw BundleError(path.string, .document(bundleDescriptionTitle, reason: "it is not in the bundle"))
    }
    self.outline = outline
    self.description = description
    outputs = try description.actions.map { try visitor.outputs(of: $0) }
    environments = description.actions.map { action in
      let file = outline.manifests[action.result]?.file("environment.json")
      return file.flatMap { visitor.small[$0.digest] }.flatMap { try? JSONValue(parsing: $0) } ?? .null
    }
    scores = [:]
    for (digest, manifest) in outline.manifests {
      guard let file = manifest.file("scores.json"), let bytes = visitor.small[file.digest] else { continue }
      scores[digest] = try? JSONValue(parsing: bytes)
    }
  }
}

let bundleDescriptionTitle = "bundle.json"

/// Reads and hashes everything, and keeps nothing.
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

/// Keeps documents and small files.
final class InspectionVisitor: BundleVisitor {
  private let name: String
  private(set) var outline: BundleOutline?
  private(set) var description: BundleDescription?
  private(set) var small: [Digest: [UInt8]] = [:]
  private var wanted: Set<Digest> = []
  private var results: Set<Digest> = []

  init(name: String) { self.name = name }

  func document(_ bytes: [UInt8], digest: Digest) {}

  func documentsEnd(_ outline: BundleOutline) throws -> Bool {
    self.outline = outline
    for manifest in outline.manifests.values {
      let titles = ["key.json", "environment.json", "outputs.json", "scores.json", bundleDescriptionTitle]
      for layer in manifest.layers where titles.contains(layer.title ?? "") && layer.size <= 4 << 20 {
        wanted.insert(layer.digest)
      }
    }
    return !wanted.isEmpty
  }

  func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
    guard wanted.remove(digest) != nil else { return true }
    var bytes = [UInt8](repeating: 0, count: size)
    var count = 0
    while count < size {
      let part = try bytes.withUnsafeMutableBytes { buffer in
        try next(UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      }
      if part == 0 { break }
      count += part
    }
    guard Digest(hashing: bytes) == digest else {
      throw BundleError(name, .content("blob \(digest): its bytes have the digest \(Digest(hashing: bytes))"))
    }
    small[digest] = bytes
    if digest == outline?.own.manifest.file(bundleDescriptionTitle)?.digest { try readDescription(bytes) }
    return !wanted.isEmpty
  }

  private func readDescription(_ bytes: [UInt8]) throws {
    do { description = try BundleDescription(json: JSONValue(parsing: bytes)) } catch {
      throw BundleError(name, .document(bundleDescriptionTitle, reason: "\(error)"))
    }
  }

  /// The outputs of an action, whose result must be of this action.
  func outputs(of action: BundleDescription.Action) throws -> [(port: String, digest: Digest)] {
    let place = "action \(action.label)"
    guard let manifest = outline?.manifests[action.result], manifest.artifactType == MediaType.result,
      manifest.file("key.json")?.digest == action.key.digest
    else { throw BundleError(name, .document(place, reason: "\(action.result) is not its result")) }
    guard let file = manifest.file("outputs.json"), let bytes = small[file.digest],
      let members = (try? JSONValue(parsing: bytes))?.object?.members
    else { throw BundleError(name, .document(place, reason: "it has no outputs.json")) }
    return try members.map { member in
      guard let digest = member.value.string.flatMap({ Digest($0) }) else {
        throw BundleError(name, .document(place, reason: "the output \(member.name) is no digest"))
      }
      return (member.name, digest)
    }
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

  func documentsEnd(_ outline: BundleOutline) -> Bool { true }

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

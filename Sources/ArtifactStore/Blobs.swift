public import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
import SystemPackage

/// The largest document that is read as a whole: registries take manifests of up to 4 MiB.
let documentLimit = 32 << 20

extension Store {
  /// Whether the store has a blob, of a size where one is given; bytes are not read.
  public func has(_ digest: Digest, size: Int? = nil) throws(StoreError) -> Bool {
    guard let status = try FileSystem.status(blobPath(digest)), status.kind == .file else { return false }
    return size == nil || status.size == size
  }

  /// The bytes of a document: a manifest, a key document, a part of a result.
  ///
  /// They are hashed before they are used.
  ///
  /// - Throws: `StoreError.missing`, or `.damaged` when the blob has been moved to quarantine.
  public func document(_ digest: Digest, neededBy user: String) throws(StoreError) -> [UInt8] {
    guard let bytes = try FileSystem.read(blobPath(digest), limit: documentLimit) else {
      throw .missing(digest, neededBy: user)
    }
    let found = Digest(hashing: bytes)
    if found != digest { throw .damaged([quarantine(DamagedBlob(digest: digest, fault: .content(found: found)))]) }
    return bytes
  }

  /// Keeps a document that can be made again at any time, and so is not synced.
  func keep(_ bytes: [UInt8]) throws(StoreError) -> Digest {
    let digest = Digest(hashing: bytes)
    if try has(digest, size: bytes.count) { return digest }
    let temporary = workFolder.appending(".new-" + nonce())
    try FileSystem.create(temporary, bytes, mode: 0o444)
    try FileSystem.rename(temporary, to: blobPath(digest))
    return digest
  }

  /// A document as JSON.
  ///
  /// - Throws: `StoreError.missing`, `.damaged`, or `.malformed` where it is no JSON.
  public func json(_ digest: Digest, neededBy user: String) throws(StoreError) -> JSONValue {
    let bytes = try document(digest, neededBy: user)
    do { return try JSONValue(parsing: bytes) } catch {
      throw .malformed(place: "blob \(digest)", reason: error.description)
    }
  }

  /// A manifest.
  ///
  /// - Throws: `StoreError.missing`, `.damaged`, or `.malformed` where the blob is no manifest.
  public func manifest(_ digest: Digest, neededBy user: String) throws(StoreError) -> Manifest {
    if let manifest = memory.withLock({ $0.manifests[digest] }) { return manifest }
    let json = try json(digest, neededBy: user)
    do {
      let manifest = try Manifest(json: json)
      memory.withLock { $0.manifests[digest] = manifest }
      return manifest
    } catch {
      throw .malformed(place: "manifest \(digest)", reason: error.description)
    }
  }

  /// The key document of an action that was published.
  ///
  /// - Throws: `StoreError.missing`, `.damaged` or `.malformed`.
  public func keyDocument(_ key: ActionKey) throws(StoreError) -> KeyDocument {
    let json = try json(key.digest, neededBy: "action \(key)")
    do { return try KeyDocument(json: json) } catch {
      throw .malformed(place: "key document \(key)", reason: error.description)
    }
  }

  /// Hashes an artifact whole before it is used: every file's bytes, once per process and state of the file.
  ///
  /// Damaged blobs go to quarantine, so that the action that makes them is a miss afterwards.
  ///
  /// - Returns: The artifact's manifest.
  /// - Throws: `StoreError.damaged` that lists all damaged blobs, or `.missing`.
  @discardableResult
  public func verify(artifact digest: Digest) throws(StoreError) -> Manifest {
    if try FileSystem.status(blobPath(digest)) == nil {
      memory.withLock { $0.manifests[digest] = nil }
    }
    let manifest = try manifest(digest, neededBy: "an action's input")
    let layers = manifest.layers
    let findings = concurrentMap(layers.count, threads: options.threads) { index, hasher in
      self.inspect(layers[index].digest, size: layers[index].size, with: &hasher)
    }
    var damaged: [DamagedBlob] = []
    for (layer, finding) in zip(layers, findings) {
      switch finding {
      case .intact: break
      case .damaged(let blob): if !damaged.contains(blob) { damaged.append(blob) }
      case .absent: throw .missing(layer.digest, neededBy: "artifact \(digest) (\(layer.title ?? "a file"))")
      case .failed(let error): throw error
      }
    }
    if !damaged.isEmpty { throw .damaged(damaged.map(quarantine)) }
    return manifest
  }

  /// What hashing a blob showed.
  enum Finding: Sendable {
    case intact(FileStatus)
    case damaged(DamagedBlob)
    case absent
    case failed(StoreError)
  }

  /// Hashes a blob, unless this process has done so and the file still looks the same.
  func inspect(_ digest: Digest, size: Int?, with hasher: inout FileHasher, anew: Bool = false) -> Finding {
    do throws(StoreError) {
      let path = blobPath(digest)
      guard let status = try FileSystem.status(path) else { return .absent }
      guard status.kind == .file else { return .damaged(DamagedBlob(digest: digest, fault: .notAFile)) }
      if let size, size != status.size {
        return .damaged(DamagedBlob(digest: digest, fault: .size(expected: size, found: status.size)))
      }
      if !anew, let known = memory.withLock({ $0.verified[digest] }), known.isSameContent(as: status) {
        return .intact(status)
      }
      let content: FileHasher.Content
      do { content = try hasher.content(of: path) } catch {
        switch error.rawValue {
        case ENOENT: return .absent
        case EIO: return .damaged(DamagedBlob(digest: digest, fault: .unreadable(code: EIO)))
        default: return .failed(StoreError("read", path, error.rawValue))
        }
      }
      guard content.digest == digest else {
        return .damaged(DamagedBlob(digest: digest, fault: .content(found: content.digest)))
      }
      memory.withLock { $0.verified[digest] = status }
      return .intact(status)
    } catch { return .failed(error) }
  }

  /// Makes a blob that is found in use young, so that a collection that is under way leaves it.
  func renew(_ digest: Digest, _ status: FileStatus) throws(StoreError) {
    // A changed time makes others look at it again, so not every time; a store that is only read stays as it is.
    guard options.movesDamaged, wallClock() - status.changed > 3_600_000_000_000 else { return }
    let path = blobPath(digest)
    guard path.withPlatformString({ chmod($0, 0o444) }) == 0, let now = try FileSystem.status(path) else { return }
    guard now.inode == status.inode, now.size == status.size, now.modified == status.modified else { return }
    memory.withLock { $0.verified[digest] = now }
  }

  /// Moves a damaged blob out of the way, where the store can be written to.
  func quarantine(_ blob: DamagedBlob) -> DamagedBlob {
    memory.withLock {
      $0.verified[blob.digest] = nil
      $0.manifests[blob.digest] = nil
    }
    guard options.movesDamaged else { return blob }
    var blob = blob
    let target = quarantineFolder.appending(blob.digest.hexadecimal + "." + nonce())
    do throws(StoreError) {
      try FileSystem.makeFolders(quarantineFolder)
      try FileSystem.rename(blobPath(blob.digest), to: target)
      blob.quarantined = target
    } catch {}  // A store that is only read keeps it; the finding is told all the same.
    return blob
  }
}

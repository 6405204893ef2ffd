import CanonicalJSON
public import ContentAddressing
import Glibc
import SystemPackage

extension Store {
  /// The rule for names of references, which is OCI's for tags, so that every tool can ask for one.
  public static let referenceRule =
    "a letter, digit or '_', then up to 127 letters, digits, '.', '_' or '-'"

  /// Whether a text can name a reference.
  public static func isReferenceName(_ name: String) -> Bool {
    func isWord(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard let first = name.utf8.first, name.utf8.count <= 128, isWord(first) else { return false }
    return name.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
  }

  /// Names an artifact, a result or an index; a reference of that name is replaced.
  ///
  /// - Throws: `StoreError.invalidName`, `.missing` where the store lacks the blob, or a failure of the system.
  public func setReference(_ name: String, to digest: Digest) throws(StoreError) {
    guard Store.isReferenceName(name) else { throw .invalidName(name, rule: Store.referenceRule) }
    if try reference(name) == digest { return }
    guard try has(digest) else { throw .missing(digest, neededBy: "reference \(name)") }
    let path = refsFolder.appending(name)
    // A folder that stands in its place would bar it for ever.
    if let status = try FileSystem.status(path), status.kind != .file, options.movesDamaged {
      try FileSystem.makeFolders(quarantineFolder)
      try FileSystem.rename(path, to: quarantineFolder.appending("reference-" + name + "." + nonce()))
    }
    try FileSystem.replace(path, Array("\(digest)\n".utf8))
    try rebuildIndex()
  }

  /// Makes a reference the newest, as if it had been set now.
  ///
  /// - Throws: `StoreError` where the system refuses.
  func renewReference(_ name: String) throws(StoreError) {
    try FileSystem.call("touch", refsFolder.appending(name)) { utimensat(AT_FDCWD, $0, nil, 0) }
  }

  /// Names the results of a run, for tools that know OCI and nothing of us.
  ///
  /// The name stands for one flat index over the manifests of the results and their artifacts, which is how they are
  /// carried; nothing of ours rests on it.
  ///
  /// - Parameters:
  ///   - name: The name, such as that of the pipeline.
  ///   - results: The results, in the order of the plan.
  /// - Throws: `StoreError.invalidName`, or a failure of the system.
  public func setReference(_ name: String, toIndexOf results: [ActionResult]) throws(StoreError) {
    var seen: Set<Digest> = []
    let manifests = results.flatMap { [$0.manifest] + $0.outputs.map(\.artifact.manifest) }
    let descriptors = manifests.map(\.descriptor).filter { seen.insert($0.digest).inserted }
    try setReference(name, to: keep(ImageIndex(manifests: descriptors).canonical))
  }

  /// Forgets a name; what it named is kept until it is collected.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func removeReference(_ name: String) throws(StoreError) {
    guard Store.isReferenceName(name) else { throw .invalidName(name, rule: Store.referenceRule) }
    try FileSystem.remove(refsFolder.appending(name))
    try rebuildIndex()
  }

  /// What a name stands for, or nil.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func reference(_ name: String) throws(StoreError) -> Digest? {
    let path = refsFolder.appending(name)
    // A folder or a pipe in its place names nothing; `fsck` tells of it.
    guard Store.isReferenceName(name), try FileSystem.status(path)?.kind == .file,
      let bytes = try FileSystem.read(path)
    else { return nil }
    return Digest(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
  }

  /// Whether there is a reference that leads nowhere: it is damaged, or what it named is gone.
  ///
  /// - Throws: `StoreError` where the system refuses.
  package func isDangling(_ name: String) throws(StoreError) -> Bool {
    guard Store.isReferenceName(name), try FileSystem.status(refsFolder.appending(name)) != nil else { return false }
    guard let digest = try reference(name) else { return true }
    return try !has(digest)
  }

  /// All names with what they stand for, in the order of their bytes.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func references() throws(StoreError) -> [(name: String, digest: Digest)] {
    var result: [(name: String, digest: Digest)] = []
    for name in try FileSystem.list(refsFolder) {
      if let digest = try reference(name) { result.append((name, digest)) }
    }
    return result
  }

  /// Makes `index.json` anew from the references, which are the truth.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func rebuildIndex() throws(StoreError) {
    try FileSystem.withLock(leasesFolder.appending(".index")) { () throws(StoreError) in
      var manifests: [Descriptor] = []
      for (name, digest) in try references() {
        guard let bytes = try FileSystem.read(blobPath(digest), limit: documentLimit),
          let json = try? JSONValue(parsing: bytes), let mediaType = json["mediaType"]?.string
        else { continue }
        manifests.append(
          Descriptor(
            mediaType: mediaType, digest: digest, size: bytes.count, artifactType: json["artifactType"]?.string,
            annotations: [Descriptor.referenceAnnotation: name]))
      }
      let bytes = ImageIndex(manifests: manifests).canonical
      if let status = try FileSystem.status(indexFile), status.kind != .file, options.movesDamaged {
        try FileSystem.rename(indexFile, to: quarantineFolder.appending("index.json." + nonce()))
      }
      if try FileSystem.read(indexFile) != bytes { try FileSystem.replace(indexFile, bytes) }
    }
  }

  /// All blobs whose digests begin with the given hexadecimal digits, at most `limit` of them.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func digests(startingWith prefix: String, limit: Int = 16) throws(StoreError) -> [Digest] {
    if let digest = Digest(hexadecimal: prefix) { return try has(digest) ? [digest] : [] }
    return Array(
      try FileSystem.list(blobsFolder).lazy.filter { $0.hasPrefix(prefix) }.compactMap { Digest(hexadecimal: $0) }
        .prefix(limit))
  }
}

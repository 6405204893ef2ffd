public import ContentAddressing

extension Registry {
  /// A manifest or an index, as it came.
  public struct Document: Sendable {
    /// Its bytes.
    public var bytes: [UInt8]
    /// Their digest, computed here.
    public var digest: Digest
    /// What the registry calls it.
    public var mediaType: String
  }

  private static let accepted = "\(MediaType.index), \(MediaType.manifest)"

  /// The digest of what a version stands for, as the registry says; nil where there is none.
  ///
  /// - Throws: `RegistryError`.
  public func digest(of version: OCIReference.Version, for access: RepositoryAccess = .pull) throws -> Digest? {
    let address = try address("manifests/\(version)")
    return try persistently {
      let answer = try exchange(
        HTTPRequest(method: "HEAD", address: address, headers: [("Accept", Self.accepted)]), access)
      if answer.status == 404 { return nil }
      guard answer.isSuccess else { throw refusal(answer, "manifest \(version)") }
      if case .digest(let digest) = version { return digest }
      return answer.headers["docker-content-digest"].flatMap { Digest($0) }
    }
  }

  /// A manifest or an index.
  ///
  /// - Parameters:
  ///   - version: Which; under a digest the bytes are checked.
  ///   - limit: The most bytes that are taken.
  /// - Returns: The document; nil where there is none.
  /// - Throws: `RegistryError`.
  public func document(_ version: OCIReference.Version, limit: Int) throws -> Document? {
    let address = try address("manifests/\(version)")
    return try persistently {
      let request = HTTPRequest(method: "GET", address: address, headers: [("Accept", Self.accepted)])
      let answer = try exchange(request, .pull, limit: limit)
      if answer.status == 404 { return nil }
      guard answer.status == 200 else { throw refusal(answer, "manifest \(version)") }
      let digest = Digest(hashing: answer.body)
      if case .digest(let wanted) = version, wanted != digest {
        throw error(.damaged("manifest \(wanted): its bytes have the digest \(digest)"))
      }
      if let told = answer.headers["docker-content-digest"], told.hasPrefix("sha256:"), Digest(told) != digest {
        throw error(.damaged("manifest \(version) is said to be \(told); its bytes have the digest \(digest)"))
      }
      let mediaType = (answer.headers["content-type"] ?? "").prefix { $0 != ";" && $0 != " " }
      return Document(bytes: answer.body, digest: digest, mediaType: String(mediaType))
    }
  }

  /// Writes a manifest or an index; all that it names must be there.
  ///
  /// - Parameters:
  ///   - bytes: The document.
  ///   - mediaType: What it is.
  ///   - version: The name or digest that it is to be found under.
  /// - Throws: `RegistryError`.
  public func put(_ bytes: [UInt8], mediaType: String, as version: OCIReference.Version) throws {
    let address = try address("manifests/\(version)")
    try persistently {
      let request = HTTPRequest(
        method: "PUT", address: address, headers: [("Content-Type", mediaType)], body: .bytes(bytes), patience: 5)
      let answer = try exchange(request, .push)
      guard answer.isSuccess else { throw refusal(answer, "manifest \(version)") }
      try check(answer, Digest(hashing: bytes))
    }
  }

  /// What was written must be what was sent, where the registry says what it wrote.
  func check(_ answer: HTTPAnswer, _ digest: Digest) throws(RegistryError) {
    guard let told = answer.headers["docker-content-digest"].flatMap({ Digest($0) }), told != digest else { return }
    throw error(.damaged("\(digest) arrived there as \(told)"))
  }
}

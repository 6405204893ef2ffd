import COpenSSL

/// An incremental SHA-256, through OpenSSL, which uses the processor's own instructions for it.
public struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  // Fetched once: OpenSSL 3 looks an algorithm up by name in microseconds, which many small blobs would feel.
  nonisolated(unsafe) private static let algorithm: OpaquePointer = {
    // The system's openssl.cnf can have no say in a SHA-256; leaving it unread saves a millisecond at start.
    OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else { fatalError("OpenSSL offers no SHA-256") }
    return algorithm
  }()

  /// A hasher that has seen nothing.
  public init() {
    guard let context = EVP_MD_CTX_new() else { fatalError("out of memory") }
    self.context = context
    reset()
  }

  deinit { EVP_MD_CTX_free(context) }

  private func reset() {
    let status = EVP_DigestInit_ex2(context, SHA256Hasher.algorithm, nil)
    precondition(status == 1, "OpenSSL could not begin a SHA-256")
  }

  /// Hashes more bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    let status = EVP_DigestUpdate(context, base, bytes.count)
    precondition(status == 1, "OpenSSL could not continue a SHA-256")
  }

  /// Hashes more bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of all bytes since the last one; the hasher begins anew.
  public mutating func finish() -> Digest {
    let digest = withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
      let status = EVP_DigestFinal_ex(context, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
      precondition(status == 1, "OpenSSL could not end a SHA-256")
      return Digest(bytes: UnsafeRawBufferPointer(buffer))
    }
    reset()
    return digest
  }
}

extension Digest {
  /// The digest of some bytes.
  public init(hashing bytes: UnsafeRawBufferPointer) {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    self = hasher.finish()
  }

  /// The digest of some bytes.
  public init(hashing bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { Digest(hashing: $0) }
  }
}

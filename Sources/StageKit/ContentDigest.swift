import ContentAddressing
public import SystemPackage

/// SHA-256 for stages, which see no store: what they write of a file's identity, and what they check when they read
/// their own checkpoints back.
public enum ContentDigest {
  /// The digest of some bytes, 64 hexadecimal digits.
  @Sendable
  public static func sha256(_ bytes: UnsafeRawBufferPointer) -> String { Digest(hashing: bytes).hexadecimal }

  /// The digest of a file, 64 hexadecimal digits.
  ///
  /// - Throws: `Errno` where it can't be read.
  public static func sha256(of file: FilePath) throws -> String {
    var hasher = FileHasher()
    return try hasher.content(of: file).digest.hexadecimal
  }
}

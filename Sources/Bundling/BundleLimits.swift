/// How large what a bundle says may be, so that a hostile one costs neither memory nor disk.
public struct BundleLimits: Sendable {
  /// The bytes of one manifest; registries take as many.
  public var manifest = 4 << 20
  /// The bytes of the index.
  public var index = 16 << 20
  /// The bytes of all manifests.
  public var manifests = 64 << 20
  /// The bytes of `bundle.json`.
  public var description = 16 << 20
  /// The bytes of another document, such as a key document or the pipeline file.
  public var document = 4 << 20
  /// The bytes of all documents.
  public var documents = 256 << 20
  /// The power of two of zstd's window; what `bundle export` writes needs 23 at most.
  public var windowLog = 27

  /// The limits that hold unless said otherwise.
  public init() {}
}

import ContentAddressing
import Registries
import SystemPackage
import TestSupport

extension FakeRegistry {
  /// One that names what it holds as we do.
  convenience init() { self.init { Digest(hashing: $0).description } }

  /// Puts a blob in.
  @discardableResult
  func add(_ bytes: [UInt8]) -> Digest {
    let digest = Digest(hashing: bytes)
    change { $0.blobs[digest.description] = bytes }
    return digest
  }

  /// A client of the repository `group/name` that soon loses patience.
  func client(_ configuration: FilePath? = nil, _ adjust: (inout RegistryOptions) -> Void = { _ in }) throws -> Registry
  {
    try Registry(OCIReference(reference("group/name")), options: Self.options(configuration, adjust))
  }

  static func options(_ configuration: FilePath? = nil, _ adjust: (inout RegistryOptions) -> Void = { _ in })
    -> RegistryOptions
  {
    var options = RegistryOptions(configuration: DockerConfiguration(file: configuration))
    options.firstDelay = 0.01
    options.stall = 10
    adjust(&options)
    return options
  }
}

/// Keeps what comes.
final class Bucket: BlobReceiver {
  var bytes: [UInt8] = []
  var count: Int { bytes.count }
  func write(_ part: UnsafeRawBufferPointer) { bytes += part }
}

/// Bytes without a pattern that a mistake could hide in.
func noise(_ count: Int) -> [UInt8] {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 56)
  }
}

/// The error that a registry gives.
func fault(_ body: () throws -> Void) -> RegistryError? {
  do {
    try body()
    return nil
  } catch { return error as? RegistryError }
}

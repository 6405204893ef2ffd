public import SystemPackage

/// Where the checkpoints of a run lie, and what they are bound to.
public struct CheckpointPlace: Sendable {
  /// The folder, which need not exist.
  public var folder: FilePath
  /// What names the action that the checkpoints belong to, such as its key; those of another are not used.
  public var action: String
  /// A digest of bytes that no accident leaves as it is, such as SHA-256, as text.
  public var digest: @Sendable (UnsafeRawBufferPointer) -> String

  /// A place.
  public init(folder: FilePath, action: String, digest: @escaping @Sendable (UnsafeRawBufferPointer) -> String) {
    self.folder = folder
    self.action = action
    self.digest = digest
  }
}

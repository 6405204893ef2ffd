/// The moments of publishing at which a test may kill the process.
package enum Failpoint: String, CaseIterable, Sendable {
  /// A file is hashed and still has its own name.
  case fileHashed
  /// A file has become a blob; the manifest that lists it is not written.
  case blobMoved
  /// An artifact's manifest is a blob; the result is not written.
  case manifestWritten
  /// The result's manifest is a blob; nothing is synced.
  case resultWritten
  /// All blobs are on the disk; the action entry is not there.
  case synced
  /// The action entry is written under a temporary name.
  case entryWritten
  /// The action entry is there; its folder is not synced.
  case entryMoved
}

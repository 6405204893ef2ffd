import ArtifactStore
import Glibc
package import StageKit
package import SystemPackage

/// Which exit status an error asks for.
package enum FailureStatus {
  /// What went wrong, in words and with the status that the command line ends with.
  ///
  /// - Parameters:
  ///   - error: What was thrown.
  ///   - folders: Where files were written, with the names that messages give these folders.
  /// - Returns: The failure.
  package static func failure(
    _ error: any Error, writing folders: [(name: String, path: FilePath)] = []
  ) -> StageFailure {
    switch error {
    case let failure as StageFailure: return failure
    case let error as StoreError:
      return StageFailure("\(error)", status: ExitStatus(rawValue: error.exitStatus) ?? .stageFailed)
    case let problem as SourceProblem: return StageFailure("\(problem)", status: .invalid)
    case let error as Errno where error == .fileTooLarge:
      let file = FileSizeLimit.reached(below: folders) ?? "a file"
      return diskFull("\(file) can't be written: \(error)", sizeRemedy)
    case let error as Errno where error == .diskQuotaExceeded: return diskFull("\(error)", quotaRemedy)
    case let error as Errno where error == .noSpace: return diskFull("\(error)", roomRemedy)
    case let error:
      let text = "\(error)"
      if text.contains("No space left on device") { return diskFull(text, roomRemedy) }
      if text.contains("Disk quota exceeded") { return diskFull(text, quotaRemedy) }
      if text.contains("File too large") { return diskFull(text, sizeRemedy) }
      return StageFailure(text)
    }
  }

  /// What helps where a limit on the size of a file is reached.
  private static let sizeRemedy =
    "raise the limit on the size of a file (ulimit -f), or write to a disk that takes larger ones"
  /// What helps where a user may write no more.
  private static let quotaRemedy = "free some space or raise the quota, and run again"
  private static let roomRemedy = "free some space and run again"

  /// Whether a remedy is for a limit that was reached though the disk has room.
  static func isForLimit(_ remedy: String?) -> Bool { remedy == sizeRemedy || remedy == quotaRemedy }

  /// Whether a file system has no room left for what a stage writes.
  static func isDiskFull(at path: FilePath) -> Bool {
    FileSystem.freeBytes(at: path).map { $0 < 64 << 10 } ?? false
  }

  private static func diskFull(_ text: String, _ remedy: String) -> StageFailure {
    StageFailure(text, remedy: remedy, status: .diskFull)
  }
}

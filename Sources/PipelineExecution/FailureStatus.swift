import ArtifactStore
import Glibc
package import StageKit
import SystemPackage

/// Which exit status an error asks for.
package enum FailureStatus {
  /// What went wrong, in words and with the status that the command line ends with.
  package static func failure(_ error: any Error) -> StageFailure {
    switch error {
    case let failure as StageFailure: return failure
    case let error as StoreError:
      return StageFailure("\(error)", status: ExitStatus(rawValue: error.exitStatus) ?? .stageFailed)
    case let problem as SourceProblem: return StageFailure("\(problem)", status: .invalid)
    case let error as Errno where error == .noSpace || error == .diskQuotaExceeded: return diskFull("\(error)")
    case let error:
      let text = "\(error)"
      return text.contains("No space left on device") ? diskFull(text) : StageFailure(text)
    }
  }

  /// Whether a file system has no room left for what a stage writes.
  static func isDiskFull(at path: FilePath) -> Bool {
    FileSystem.freeBytes(at: path).map { $0 < 64 << 10 } ?? false
  }

  private static func diskFull(_ text: String) -> StageFailure {
    StageFailure(text, remedy: "free some space and run again", status: .diskFull)
  }
}

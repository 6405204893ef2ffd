import ArgumentParser
import Glibc
import PipelineLanguage
import Records
import StageKit
import SystemPackage

/// A verb's failure, already in words.
struct CommandFailure: Error {
  var status: ExitStatus
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// Turns errors into sentences on stderr and exit statuses; the one place that does.
enum Diagnostics {
  /// Prints a line to stderr.
  static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// What the process ends with.
  static func status(of error: any Error) -> ExitStatus {
    switch error {
    case let failure as CommandFailure: failure.status
    case let failure as StageFailure: failure.status
    case is ParameterError, is ConnectionError, is PipelineProblems: .invalid
    case let errno as Errno where errno == .noSpace || errno == Errno(rawValue: EDQUOT): .diskFull
    default: .stageFailed
    }
  }

  /// One sentence.
  static func message(of error: any Error) -> String {
    switch error {
    case let failure as CommandFailure: failure.message
    case let errno as Errno where status(of: errno) == .diskFull: "the disk is full"
    default: "\(error)"
    }
  }

  /// Ends the process at once: the matrix library would first wait for threads that this process never used.
  static func end(_ status: ExitStatus) -> Never {
    fflush(nil)
    _exit(status.rawValue)
  }

  /// Ends the process, as ArgumentParser would for its own errors (help, version, syntax).
  static func exit(_ error: any Error) -> Never {
    if error is ExitCode || error is CleanExit || error is ValidationError || Self.isParserError(error) {
      Apprentice.exit(withError: error)
    }
    // A problem starts with its place, which editors and terminals turn into a link.
    say(error is PipelineProblems ? message(of: error) : "error: " + message(of: error))
    end(status(of: error))
  }

  /// ArgumentParser's own syntax errors are of a type that it does not publish.
  private static func isParserError(_ error: any Error) -> Bool {
    String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}

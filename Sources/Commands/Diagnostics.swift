import ArgumentParser
import Glibc
import PipelineExecution
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
  /// Prints a text to stderr; control characters in it, which may come from anywhere, are made visible.
  static func say(_ text: String) {
    var line =
      text.split(separator: "\n", omittingEmptySubsequences: false).map { part in
        part.utf8.count <= 4000 ? VisibleText.lines(String(part)) : VisibleText.line(String(part), limit: 4000)
      }.joined(separator: "\n") + "\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// What the process ends with.
  static func status(of error: any Error) -> ExitStatus {
    switch error {
    case let failure as CommandFailure: failure.status
    case let failure as StageFailure: failure.status
    case is ParameterError, is ConnectionError, is PipelineProblems: .invalid
    case let errno as Errno where [.noSpace, .diskQuotaExceeded, .fileTooLarge].contains(errno): .diskFull
    default: .stageFailed
    }
  }

  /// One sentence.
  static func message(of error: any Error) -> String {
    switch error {
    case let failure as CommandFailure: failure.message
    case let errno as Errno where errno == .noSpace: "the disk is full"
    case let errno as Errno where status(of: errno) == .diskFull: FailureStatus.failure(errno).description
    default: "\(error)"
    }
  }

  /// Ends the process at once: the matrix library would first wait for threads that this process never used.
  ///
  /// An answer that could not be written is no success: a full device ends it with 7, a closed pipe silently with 141.
  static func end(_ status: Int32) -> Never {
    guard let code = Answer.flush() else { _exit(status) }
    if code == EPIPE { _exit(141) }
    say("error: the answer can't be written to stdout: \(Errno(rawValue: code))")
    let failure = status == 0 ? ExitStatus.stageFailed.rawValue : status
    _exit(code == ENOSPC || code == EDQUOT ? ExitStatus.diskFull.rawValue : failure)
  }

  /// Ends the process: with the sentence of an error, or as ArgumentParser has it (help, version, syntax).
  static func exit(_ error: any Error) -> Never {
    if let code = error as? ExitCode { end(code.rawValue) }
    if error is CleanExit || error is ValidationError || Self.isParserError(error) {
      let code = Apprentice.exitCode(for: error)
      let text = Apprentice.fullMessage(for: error)
      if code.isSuccess { Answer.print(text) } else { say(text) }
      end(code.rawValue)
    }
    // A problem starts with its place, which editors and terminals turn into a link.
    say(error is PipelineProblems ? message(of: error) : "error: " + message(of: error))
    end(status(of: error).rawValue)
  }

  /// ArgumentParser's own syntax errors are of a type that it does not publish.
  private static func isParserError(_ error: any Error) -> Bool {
    String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}

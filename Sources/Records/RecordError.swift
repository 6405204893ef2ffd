public import SystemPackage

/// A place in a file that can't be used: a row that is not what its kind or the user's parameters demand.
public struct RecordError: Error, Sendable, CustomStringConvertible {
  /// The file.
  public var file: FilePath
  /// The line from 1, or nil where the whole file is meant.
  public var line: Int?
  /// What is wrong and what was expected.
  public var reason: String

  /// An error.
  public init(file: FilePath, line: Int? = nil, reason: String) {
    self.file = file
    self.line = line
    self.reason = reason
  }

  /// The same further down: for lines that were counted from the beginning of a part.
  package func moved(by lines: Int) -> RecordError {
    RecordError(file: file, line: line.map { $0 + lines }, reason: reason)
  }

  /// One sentence that begins with the place.
  public var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}

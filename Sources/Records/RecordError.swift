import CanonicalJSON
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

  /// One sentence that begins with the place, on one line and of bounded length whatever the file holds.
  public var description: String {
    let place = file.string.shown(limit: 4096)
    let reason = reason.shown(limit: 1000)
    return line.map { "\(place):\($0): \(reason)" } ?? "\(place): \(reason)"
  }
}

public import SystemPackage

/// A place in a user's file that can't be used.
public struct CorpusError: Error, Sendable, CustomStringConvertible {
  /// The file.
  public var file: FilePath
  /// The line from 1 on which the row begins, or nil where the whole file is meant.
  public var line: Int?
  /// What was found and what was expected.
  public var reason: String

  /// An error.
  public init(file: FilePath, line: Int? = nil, reason: String) {
    self.file = file
    self.line = line
    self.reason = reason
  }

  /// One sentence that begins with the place.
  public var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}

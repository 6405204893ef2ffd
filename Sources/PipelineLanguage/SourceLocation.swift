public import SystemPackage

/// A place in a file: line and column count from 1, columns in Unicode scalars.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  /// The file, as the user named it.
  public var file: FilePath
  /// The line, from 1.
  public var line: Int
  /// The column, from 1.
  public var column: Int

  /// A place.
  public init(file: FilePath, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`.
  public var description: String { "\(file.string):\(line):\(column)" }
}

/// Where a value was written.
public enum ValueOrigin: Sendable, Hashable, CustomStringConvertible {
  /// In a pipeline file or a manifest.
  case file(SourceLocation)
  /// On the command line: the argument as it was written, such as `--set lambda=0.2`.
  case commandLine(String)
  /// In the environment variable of this name.
  case environment(String)

  /// `file:line:column`, `--set lambda=0.2`, or `$NAME`.
  public var description: String {
    switch self {
    case .file(let location): location.description
    case .commandLine(let argument): argument
    case .environment(let name): "$\(name)"
    }
  }
}

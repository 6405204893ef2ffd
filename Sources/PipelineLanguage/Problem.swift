public import CanonicalJSON
import SystemPackage

/// One thing that is wrong with a pipeline file, a manifest or a setting.
public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where.
  public var origin: ValueOrigin
  /// What stands there.
  public var found: String
  /// What could stand there.
  public var expected: String
  /// The valid name or text nearest to what was found, or nil.
  public var nearest: String?

  /// A problem.
  public init(_ origin: ValueOrigin, found: String, expected: String, nearest: String? = nil) {
    self.origin = origin
    self.found = found
    self.expected = expected
    self.nearest = nearest
  }

  /// `file:line:column: found …, expected … (did you mean …?)`, on one line.
  public var description: String {
    let hint = nearest.map { " (did you mean \($0)?)" } ?? ""
    return "\(origin): found \(found), expected \(expected)\(hint)"
  }

  /// File, line, column, found, expected and nearest.
  ///
  /// A setting stands as `--set k=v` in place of the file, at line and column 1.
  public var json: JSONValue {
    let (file, line, column) =
      switch origin {
      case .file(let location): (location.file.string, location.line, location.column)
      case .commandLine, .environment: (origin.description, 1, 1)
      }
    return [
      "file": .string(file), "line": JSONValue(line), "column": JSONValue(column), "found": .string(found),
      "expected": .string(expected), "nearest": nearest.map { .string($0) } ?? .null,
    ]
  }
}

/// All that is wrong with a pipeline file; nothing of it runs.
public struct PipelineProblems: Error, Sendable, CustomStringConvertible {
  /// The problems: settings first, then in the order of the files' lines.
  public var problems: [Problem]

  /// Some problems.
  public init(_ problems: [Problem]) { self.problems = problems }

  /// A line each.
  public var description: String { problems.map(\.description).joined(separator: "\n") }

  /// `{"problems": […]}`.
  public var json: JSONValue { ["problems": .array(problems.map(\.json))] }
}

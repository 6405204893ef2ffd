public import CanonicalJSON
public import SystemPackage

/// A row of a user's file: named fields and the place where it begins.
public struct CorpusRow: Sendable {
  /// The file.
  public var file: FilePath
  /// The line from 1 on which the row begins.
  public var line: Int
  /// The fields in the order of the file.
  public var fields: JSONObject

  /// A row.
  public init(file: FilePath, line: Int, fields: JSONObject) {
    self.file = file
    self.line = line
    self.fields = fields
  }

  /// An error at this row.
  public func failure(_ reason: String) -> CorpusError { CorpusError(file: file, line: line, reason: reason) }
}

/// How rows are written in a file.
public enum CorpusFormat: String, Sendable, CaseIterable {
  /// A JSON object a line.
  case jsonl
  /// Comma-separated values with a header, RFC 4180.
  case csv
  /// Tab-separated values with a header, without quotes.
  case tsv

  /// The format that a file's name tells, or nil.
  public init?(file: FilePath) {
    switch file.extension?.lowercased() {
    case "jsonl", "ndjson": self = .jsonl
    case "csv": self = .csv
    case "tsv": self = .tsv
    default: return nil
    }
  }

  /// Reads a file row by row.
  ///
  /// - Parameters:
  ///   - file: The file, UTF-8, with or without a byte order mark.
  ///   - body: Called with each row in order.
  /// - Throws: `CorpusError` with file and line, and what `body` throws.
  public func read(_ file: FilePath, _ body: (CorpusRow) throws -> Void) throws {
    let text = try CorpusText(file)
    switch self {
    case .jsonl: try JSONLinesReader(text: text).read(body)
    case .csv: try DelimitedReader(text: text, dialect: .csv).read(body)
    case .tsv: try DelimitedReader(text: text, dialect: .tsv).read(body)
    }
  }
}

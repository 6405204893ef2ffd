public import CanonicalJSON
public import Records
public import SystemPackage

/// A row of a user's file: named fields and the place where it begins.
public struct CorpusRow: Sendable {
  /// The file; a member of an archive as if the archive were a folder.
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
  public func failure(_ reason: String) -> RecordError { RecordError(file: file, line: line, reason: reason) }
}

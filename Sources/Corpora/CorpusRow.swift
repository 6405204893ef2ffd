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

  /// The value of a field, or of a field inside one: `answers.text` where no field is called so.
  public subscript(name: String) -> JSONValue? {
    if let value = fields[name] { return value }
    guard name.utf8.contains(UInt8(ascii: ".")) else { return nil }
    var value = JSONValue.object(fields)
    for part in name.split(separator: ".") {
      guard let member = value.object?[String(part)] else { return nil }
      value = member
    }
    return value
  }

  /// An error at this row.
  public func failure(_ reason: String) -> RecordError { RecordError(file: file, line: line, reason: reason) }
}

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

  /// Whether names of fields are language codes, in which case does not count, nor whether `-` or `_` stands within.
  public var namesAreLanguages = false
  /// What stands between several values of a field where they become one text; nil where a field that holds a list is no
  /// text.
  public var join: String?
  /// Names that could have been asked for where `fields` holds only those that were, for messages.
  var otherNames: [String]?
  /// Names of fields, for messages.
  public var names: [String] { otherNames ?? fields.names }

  /// The value of a field, or of a field inside one: `answers.text` where no field is called so.
  public subscript(name: String) -> JSONValue? {
    if let value = fields[name] { return value }
    if namesAreLanguages {
      let code = Self.language(name)
      return fields.members.first { Self.language($0.name).elementsEqual(code) }?.value
    }
    guard name.utf8.contains(UInt8(ascii: ".")) else { return nil }
    var value = JSONValue.object(fields)
    for part in name.utf8.split(separator: UInt8(ascii: ".")) {
      guard let member = value.object?[String(decoding: part, as: UTF8.self)] else { return nil }
      value = member
    }
    return value
  }

  /// A language code as codes are compared: `en-US` for `EN_us`.
  static func language(_ code: String) -> [UInt8] {
    code.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
  }

  /// An error at this row.
  public func failure(_ reason: String) -> RecordError { RecordError(file: file, line: line, reason: reason) }
}

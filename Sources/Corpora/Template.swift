import CanonicalJSON
public import Records

/// A text with `{field}` in place of fields (`{field.member}` of an object's members); `{{` and `}}` stand for braces.
public struct Template: Sendable, Hashable {
  enum Part: Sendable, Hashable {
    case text(String)
    case field(String)
  }

  /// A template that can't be read.
  public struct Malformed: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public var description: String
  }

  private let parts: [Part]

  /// Parses a template.
  ///
  /// - Parameter text: Text with `{field}`.
  /// - Throws: `Malformed` where a brace has no partner.
  public init(_ text: String) throws(Malformed) { parts = try Self.parts(of: text) }

  init(parts: [Part]) { self.parts = parts }

  /// The names of the fields in the order in which they stand.
  public var fields: [String] { parts.compactMap { if case .field(let name) = $0 { name } else { nil } } }

  static func parts(of text: String) throws(Malformed) -> [Part] {
    var parts: [Part] = []
    var literal = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      if character == "{" || character == "}", rest.first == character {
        rest.removeFirst()
        literal.append(character)
      } else if character == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw Malformed(description: "template \"\(text)\": '{' is not closed; write '{{' for a brace")
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        literal = ""
        parts.append(.field(String(rest[..<end])))
        rest = rest[rest.index(after: end)...]
      } else if character == "}" {
        throw Malformed(description: "template \"\(text)\": '}' closes nothing; write '}}' for a brace")
      } else {
        literal.append(character)
      }
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    return parts
  }

  /// The text for a row: texts as they are, numbers and Booleans as JSON prints them.
  ///
  /// - Parameter row: The row.
  /// - Returns: The text.
  /// - Throws: `RecordError` where the row lacks a field, or it is null, a list or an object.
  public func text(for row: CorpusRow) throws(RecordError) -> String {
    if parts.count == 1, case .field(let name) = parts[0] { return try Self.scalar(name, row) }
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .field(let name): text += try Self.scalar(name, row)
      }
    }
    return text
  }

  /// The texts for a row: where the template is one field that holds a list, a text for each element.
  ///
  /// - Parameter row: The row.
  /// - Returns: The texts.
  /// - Throws: `RecordError` as `text(for:)` does.
  public func texts(for row: CorpusRow) throws(RecordError) -> [String] {
    if parts.count == 1, case .field(let name) = parts[0], case .array(let elements)? = row[name] {
      var texts: [String] = []
      for element in elements {
        guard let text = Self.print(element) else {
          throw row.failure("field \"\(name)\": expected texts in the list, found \(element.typeName)")
        }
        texts.append(text)
      }
      return texts
    }
    return [try text(for: row)]
  }

  private static func scalar(_ name: String, _ row: CorpusRow) throws(RecordError) -> String {
    guard let value = row[name] else {
      throw row.failure("there is no field \"\(name)\"; the row has \(row.fields.names.joined(separator: ", "))")
    }
    guard let text = print(value) else {
      throw row.failure("field \"\(name)\": expected a text or a number, found \(value.typeName)")
    }
    return text
  }

  private static func print(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .number, .bool: value.text
    case .null, .array, .object: nil
    }
  }
}

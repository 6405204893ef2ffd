public import CanonicalJSON
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
  /// The texts and names as bytes: Swift's strings are equal where texts only look alike.
  private var bytes: [[UInt8]] {
    parts.map {
      switch $0 {
      case .text(let text): [0] + text.utf8
      case .field(let name): [1] + name.utf8
      }
    }
  }

  /// Whether two templates give the same bytes for every row.
  public static func == (left: Template, right: Template) -> Bool { left.bytes == right.bytes }
  /// Hashes the parts.
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// Parses a template.
  ///
  /// - Parameter text: Text with `{field}`.
  /// - Throws: `Malformed` where a brace has no partner.
  public init(_ text: String) throws(Malformed) { parts = try Self.parts(of: text) }

  init(parts: [Part]) { self.parts = parts }

  /// The names of the fields in the order in which they stand.
  public var fields: [String] { parts.compactMap { if case .field(let name) = $0 { name } else { nil } } }

  static func parts(of text: String) throws(Malformed) -> [Part] {
    let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
    // Bytes, not characters: a brace with a combining mark behind it is a brace all the same.
    let bytes = Array(text.utf8)
    var parts: [Part] = []
    var literal: [UInt8] = []
    var index = 0
    func flush() {
      if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
      literal = []
    }
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      guard byte == open || byte == close else {
        literal.append(byte)
        continue
      }
      if index < bytes.count, bytes[index] == byte {
        index += 1
        literal.append(byte)
      } else if byte == open {
        guard let end = bytes[index...].firstIndex(of: close) else {
          throw Malformed(description: "template \"\(text.shown())\": '{' is not closed; write '{{' for a brace")
        }
        flush()
        parts.append(.field(String(decoding: bytes[index..<end], as: UTF8.self)))
        index = end + 1
      } else {
        throw Malformed(description: "template \"\(text.shown())\": '}' closes nothing; write '}}' for a brace")
      }
    }
    flush()
    return parts
  }

  /// The text for a row: texts as they are, numbers as they are written, Booleans as JSON prints them.
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
          throw row.failure("field \"\(name.shown())\": expected texts in the list, found \(element.typeName)")
        }
        texts.append(text)
      }
      return texts
    }
    return [try text(for: row)]
  }

  private static func scalar(_ name: String, _ row: CorpusRow) throws(RecordError) -> String {
    guard let value = row[name] else {
      throw row.failure("there is no field \"\(name.shown())\"; the row has \(row.names.shownList())")
    }
    if let join = row.join, case .array(let elements) = value {
      return elements.compactMap(Self.print).joined(separator: join)
    }
    guard let text = print(value) else {
      throw row.failure("field \"\(name.shown())\": expected a text or a number, found \(value.typeName)")
    }
    return text
  }

  /// A value as a text, or nil where it is none.
  public static func print(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .number, .numeral, .bool: value.text
    case .null, .array, .object: nil
    }
  }
}

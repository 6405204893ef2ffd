import CanonicalJSON

/// The reverse of a template: takes a text apart into fields.
///
/// `{word} {phones}` gives each field the shortest text up to the next literal part and the last field the rest. A field
/// called `_` is left out. `{{` and `}}` stand for braces.
public struct LinePattern: Sendable, Hashable {
  private let lead: [UInt8]
  /// Fields, each with the literal behind it; empty behind the last means the rest.
  private let fields: [(name: String, end: [UInt8])]

  /// Parses a pattern.
  ///
  /// - Parameter text: Text with `{field}`.
  /// - Throws: `Template.Malformed` where a brace has no partner or nothing stands between two fields.
  public init(_ text: String) throws(Template.Malformed) {
    var lead: [UInt8] = []
    var fields: [(name: String, end: [UInt8])] = []
    for part in try Template.parts(of: text) {
      switch part {
      case .text(let literal):
        if fields.isEmpty { lead = Array(literal.utf8) } else { fields[fields.count - 1].end = Array(literal.utf8) }
      case .field(let name):
        if let last = fields.last, last.end.isEmpty {
          throw Template.Malformed(
            description: "pattern \"\(text.shown())\": nothing stands between {\(last.name)} and {\(name)}")
        }
        fields.append((name, []))
      }
    }
    guard !fields.isEmpty else { throw Template.Malformed(description: "pattern \"\(text.shown())\" has no {field}") }
    self.lead = lead
    self.fields = fields
  }

  /// The fields of a text, or nil where it does not match.
  func match(_ text: String) -> [(name: String, value: String)]? {
    let bytes = Array(text.utf8)
    guard bytes.starts(with: lead) else { return nil }
    var position = lead.count
    var values: [(name: String, value: String)] = []
    for (index, field) in fields.enumerated() {
      var end = bytes.count
      if !field.end.isEmpty {
        if index == fields.count - 1 {
          end -= field.end.count
          guard end >= position, bytes[end...].elementsEqual(field.end) else { return nil }
        } else {
          guard let found = Self.find(field.end, in: bytes, from: position) else { return nil }
          end = found
        }
      }
      if field.name != "_" { values.append((field.name, String(decoding: bytes[position..<end], as: UTF8.self))) }
      position = end + field.end.count
    }
    return values
  }

  private static func find(_ literal: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index + literal.count <= bytes.count {
      if bytes[index] == literal[0], bytes[index..<(index + literal.count)].elementsEqual(literal) { return index }
      index += 1
    }
    return nil
  }

  /// Equal in all parts.
  public static func == (left: LinePattern, right: LinePattern) -> Bool {
    left.lead == right.lead
      && left.fields.elementsEqual(right.fields) { $0.name.hasSameBytes(as: $1.name) && $0.end == $1.end }
  }

  /// Hashes the parts.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(lead)
    for field in fields { hasher.combine(field.end) }
  }
}

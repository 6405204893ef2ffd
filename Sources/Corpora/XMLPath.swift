import CanonicalJSON

/// A path to elements or attributes: `modifiedtripleset/mtriple`, `lex[@comment="good"]/text`, `lex/@lid`.
///
/// A small part of XPath: steps to children by name or `*`, each with at most one predicate `[@name="value"]`, and
/// `@name` for an attribute at the end; `.` is the element itself. A name without prefix matches whatever the prefix.
struct XMLPath: Sendable {
  struct Step: Sendable {
    /// nil for any.
    var name: String?
    var predicate: (name: String, value: String)?

    func matches(_ local: String, _ prefix: String?, _ value: (String) -> String?) -> Bool {
      if let name {
        let written = name.utf8.contains(UInt8(ascii: ":")) ? (prefix.map { $0 + ":" } ?? "") + local : local
        guard name.hasSameBytes(as: written) else { return false }
      }
      guard let predicate else { return true }
      return value(predicate.name)?.hasSameBytes(as: predicate.value) ?? false
    }
  }

  /// The steps to elements; empty for the element itself.
  private(set) var steps: [Step] = []
  /// The attribute at the end, or nil for the element's text.
  private(set) var attribute: String?

  /// Parses a path.
  /// - Throws: `Template.Malformed`.
  init(_ text: String) throws(Template.Malformed) {
    func malformed(_ reason: String) -> Template.Malformed {
      Template.Malformed(description: "path \"\(text.shown())\": \(reason)")
    }
    var pieces: [[UInt8]] = [[]]
    var quote: UInt8?
    for byte in text.utf8 {
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: "/") {
        pieces.append([])
        continue
      }
      pieces[pieces.count - 1].append(byte)
    }
    guard quote == nil else { throw malformed("a quote is not closed") }
    // The root's own slash.
    if pieces.count > 1, pieces[0].isEmpty { pieces.removeFirst() }
    for (index, bytes) in pieces.enumerated() {
      let isLast = index == pieces.count - 1
      let piece = String(decoding: bytes, as: UTF8.self)
      if pieces.count == 1, piece == "." { return }
      if isLast, !steps.isEmpty, piece == "text()" { return }
      if bytes.first == UInt8(ascii: "@") {
        guard isLast, bytes.count > 1, Self.isName(bytes.dropFirst()) else {
          throw malformed("an attribute is @name and stands at the end")
        }
        attribute = String(decoding: bytes.dropFirst(), as: UTF8.self)
        return
      }
      steps.append(try Self.step(bytes, malformed))
    }
  }

  private static func step(
    _ bytes: [UInt8], _ malformed: (String) -> Template.Malformed
  ) throws(Template.Malformed) -> Step {
    let name = bytes.prefix { $0 != UInt8(ascii: "[") }
    guard isName(name) || name.elementsEqual("*".utf8) else {
      throw malformed("expected the name of an element between the slashes")
    }
    var step = Step(name: name.elementsEqual("*".utf8) ? nil : String(decoding: name, as: UTF8.self))
    guard name.count < bytes.count else { return step }
    let inner = bytes[(name.count + 1)...]
    let equals = inner.firstIndex(of: UInt8(ascii: "=")) ?? inner.endIndex
    let attribute = inner[..<equals]
    let value = inner[equals...].dropFirst()
    guard attribute.first == UInt8(ascii: "@"), isName(attribute.dropFirst()), value.last == UInt8(ascii: "]"),
      value.count >= 3, let open = value.first, open == UInt8(ascii: "\"") || open == UInt8(ascii: "'"),
      value.dropLast().last == open, !value.dropFirst().dropLast(2).contains(open)
    else { throw malformed("a step has at most one predicate, [@name=\"value\"]") }
    step.predicate = (
      String(decoding: attribute.dropFirst(), as: UTF8.self),
      String(decoding: value.dropFirst().dropLast(2), as: UTF8.self)
    )
    return step
  }

  private static func isName(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && !bytes.contains { $0 <= 0x20 || "[]()@='\"*<>&/".utf8.contains($0) }
  }
}

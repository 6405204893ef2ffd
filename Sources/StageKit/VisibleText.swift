/// Text that others have written, made fit for a terminal: what would move its cursor, change its title or turn its lines
/// around is shown as `\u{1b}` instead.
package enum VisibleText {
  /// A text with its lines and tabs as they are and every other control character made visible.
  package static func lines(_ text: String) -> String { visible(text) { $0 == "\n" || $0 == "\t" } }

  /// A text on one line, at most so many characters of it.
  package static func line(_ text: String, limit: Int = 2000) -> String {
    let line = visible(text) { _ in false }
    guard line.utf8.count > limit, line.unicodeScalars.count > limit else { return line }
    return String(String.UnicodeScalarView(line.unicodeScalars.prefix(limit - 1))) + "…"
  }

  /// A JSON text with the hidden characters of its strings as JSON's own escapes: the document is the same.
  package static func escapedJSON(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHidden) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      // Between values stand blanks and line ends alone, which stay.
      if isHidden(scalar), scalar.value >= 0x7F {
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func visible(_ text: String, keeping isKept: (Unicode.Scalar) -> Bool) -> String {
    guard text.unicodeScalars.contains(where: { isHidden($0) && !isKept($0) }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isHidden(scalar), !isKept(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Control characters of ASCII and Latin-1, separators of lines, and what overrides the direction of writing.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

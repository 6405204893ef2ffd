/// HTML or SVG text that can only be put together escaped.
struct Markup: Sendable {
  /// The text so far.
  private(set) var source = ""

  init() {}

  /// Text of anyone's, escaped.
  static func text(_ text: String) -> Markup {
    var markup = Markup()
    markup.source = escape(text)
    return markup
  }

  /// Markup that this module itself writes down.
  static func literal(_ text: StaticString) -> Markup {
    var markup = Markup()
    markup.source = "\(text)"
    return markup
  }

  /// An element.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: Markup...
  ) -> Markup {
    element(name, attributes, children)
  }

  /// An element with a list of children.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: [Markup]
  ) -> Markup {
    var markup = Markup()
    markup.source = "<\(name)"
    for (name, value) in attributes { markup.source += " \(name)=\"\(escape(value))\"" }
    markup.source += ">"
    for child in children { markup.source += child.source }
    if !isVoid(name) { markup.source += "</\(name)>" }
    return markup
  }

  static func += (left: inout Markup, right: Markup) { left.source += right.source }
  static func + (left: Markup, right: Markup) -> Markup {
    var sum = left
    sum += right
    return sum
  }

  /// The five characters that mean something to HTML, and controls that no browser shows.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      // Controls, and marks that would turn the direction of the text after them.
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}":
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isVoid(_ name: StaticString) -> Bool { ["br", "hr", "meta", "col"].contains("\(name)") }
}

extension Markup {
  /// An element that holds text only.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], text: String
  ) -> Markup {
    element(name, attributes, [.text(text)])
  }
}

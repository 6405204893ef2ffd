import CanonicalJSON

/// Some cells of a grid, as `iq@seed=2` or `iq@*` selects them.
enum CellSelection: Equatable {
  case all
  case matching([Condition])

  /// A value that an axis must have.
  struct Condition: Equatable {
    var axis: String
    /// The value, or nil where any will do.
    var value: JSONValue?
    /// The value as cell names print it, for strings that look like numbers.
    var text: String

    func accepts(_ candidate: JSONValue) -> Bool {
      guard let value else { return true }
      return candidate == value || candidate.string.map { $0.hasSameBytes(as: text) } ?? false
    }
  }

  /// Reads what stands after the `@`: `*`, or `axis=value` with commas between; a value may be quoted.
  ///
  /// - Returns: nil where the text is neither.
  init?(_ text: Substring) {
    if text == "*" {
      self = .all
      return
    }
    var conditions: [Condition] = []
    var rest = text
    while true {
      guard let equals = rest.firstIndex(of: "="), equals > rest.startIndex else { return nil }
      let axis = String(rest[..<equals])
      rest = rest[rest.index(after: equals)...]
      let isQuoted = rest.first == "\""
      guard let end = isQuoted ? Self.endOfQuoted(rest) : rest.firstIndex(of: ",") ?? rest.endIndex else { return nil }
      let spelling = String(rest[..<end])
      if isQuoted {
        guard let value = try? JSONValue(parsing: spelling), let string = value.string else { return nil }
        conditions.append(Condition(axis: axis, value: value, text: string))
      } else {
        guard !spelling.isEmpty else { return nil }
        let isAny = spelling == "*"
        conditions.append(
          Condition(axis: axis, value: isAny ? .none : .some(CoreSchema.resolve(spelling)), text: spelling))
      }
      rest = rest[end...]
      if rest.isEmpty { break }
      guard rest.first == "," else { return nil }
      rest.removeFirst()
    }
    self = .matching(conditions)
  }

  /// The place after the closing quote of a quoted text.
  private static func endOfQuoted(_ text: Substring) -> Substring.Index? {
    var index = text.index(after: text.startIndex)
    while index < text.endIndex {
      switch text[index] {
      case "\"": return text.index(after: index)
      case "\\":
        index = text.index(after: index)
        guard index < text.endIndex else { return nil }
      default: break
      }
      index = text.index(after: index)
    }
    return nil
  }

  /// Whether a cell is selected.
  func accepts(_ cell: JSONObject) -> Bool {
    switch self {
    case .all: true
    case .matching(let conditions):
      conditions.allSatisfy { condition in cell[condition.axis].map(condition.accepts) ?? false }
    }
  }

  /// The axes that the selection names.
  var axes: [String] { if case .matching(let conditions) = self { conditions.map(\.axis) } else { [] } }
}

/// A reference to a port of a stage, or of some of its cells: `iq@seed=2.curves`.
struct PortReference: Equatable {
  var stage: String
  /// What stands after the `@`, or nil where there is none.
  var selection: CellSelection?
  /// The part after the last dot, or nil where there is none.
  var port: String?

  /// Reads a reference; nil where a selection is malformed.
  ///
  /// - Parameters:
  ///   - text: The reference.
  ///   - isPort: Whether what follows the last dot is taken for a port; `0.1` in `iq@lambda=0.1` is none.
  init?(_ text: String, isPort: (_ stage: String, _ port: String) -> Bool = { _, _ in true }) {
    let at = text.firstIndex(of: "@")
    let dot = Self.lastDot(text)
    let nameEnd = at ?? dot ?? text.endIndex
    stage = String(text[..<nameEnd])
    var end = text.endIndex
    if let dot {
      let name = String(text[text.index(after: dot)...])
      if at == nil || isPort(stage, name) {
        port = name
        end = dot
      }
    }
    guard let at else { return }
    guard at < end, let selection = CellSelection(text[text.index(after: at)..<end]) else { return nil }
    self.selection = selection
  }

  /// The last dot outside quotes.
  private static func lastDot(_ text: String) -> String.Index? {
    var last: String.Index?
    var isQuoted = false
    for index in text.indices {
      switch text[index] {
      case "\"": isQuoted.toggle()
      case "." where !isQuoted: last = index
      default: break
      }
    }
    return last
  }

  /// Whether a text is a path and no reference: it holds a `/` outside quotes.
  static func isPath(_ text: String) -> Bool {
    var isQuoted = false
    var afterAt = false
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "@"): afterAt = true
      case UInt8(ascii: "\"") where afterAt: isQuoted.toggle()
      case UInt8(ascii: "/") where !isQuoted: return true
      default: break
      }
    }
    return false
  }
}

extension String {
  /// A foreign text as a message shows it: on one line, no longer than a bound, and without characters that a terminal
  /// would obey or that would change the order of what stands beside them; those are written as `\u{1b}`.
  ///
  /// - Parameter limit: How many Unicode scalars are shown; what is cut off is replaced by `…`.
  /// - Returns: The text.
  package func shown(limit: Int = 120) -> String {
    if utf8.count <= limit, utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return self }
    var shown = ""
    for (index, scalar) in unicodeScalars.enumerated() {
      if index == limit {
        shown += "…"
        break
      }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned:
        switch scalar {
        case "\n": shown += "\\n"
        case "\r": shown += "\\r"
        case "\t": shown += "\\t"
        default: shown += "\\u{\(String(scalar.value, radix: 16))}"
        }
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}

extension Sequence<String> {
  /// Foreign names as a message lists them: the first ones, each shown, and how many more there are.
  package func shownList(most: Int = 20, limit: Int = 40) -> String {
    let all = Array(self)
    let list = all.prefix(most).map { $0.shown(limit: limit) }.joined(separator: ", ")
    return all.count > most ? "\(list) and \(all.count - most) more" : list
  }
}

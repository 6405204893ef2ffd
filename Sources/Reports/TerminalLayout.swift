/// Lines for a terminal: columns that stand below each other, sentences that are broken.
enum TerminalLayout {
  /// The most columns of a line that can be broken.
  static let width = 100

  /// Rows as lines: the first column begins at the left, the others end at the right.
  static func aligned(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { cells in
      cells.enumerated().map { place, cell in
        let fill = String(repeating: " ", count: widths[place] - cell.count)
        return place == 0 ? cell + fill : fill + cell
      }.joined(separator: "   ").trimmedAtEnd
    }
  }

  /// A sentence in lines, broken behind a clause where one ends late in the line, else at a blank; a word that is longer
  /// than a line stands whole.
  static func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var rest = Array(text)[...]
    while rest.count > width {
      let line = rest.prefix(width + 1)
      let blanks = line.indices.filter { line[$0] == " " && $0 > line.startIndex }
      let clauses = blanks.filter { (line[$0 - 1] == ";" || line[$0 - 1] == ".") && $0 - line.startIndex > width / 2 }
      guard let end = clauses.last ?? blanks.last ?? rest.dropFirst().firstIndex(of: " ") else { break }
      lines.append(String(rest[..<end]))
      rest = rest[(end + 1)...]
    }
    return lines + [String(rest)]
  }
}

extension String {
  fileprivate var trimmedAtEnd: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

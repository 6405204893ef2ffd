import CanonicalJSON
import Glibc
import Records

/// What a row of a plain text is.
public struct TextLayout: Sendable, Hashable {
  /// What separates rows.
  public enum Unit: Sendable, Hashable {
    /// Every line is a row, an empty one too.
    case line
    /// Rows are separated by empty lines.
    case paragraph
    /// The file is one row.
    case file
    /// Rows are separated by lines that match a glob, which belong to no row.
    case separated(by: String)
  }

  /// What separates rows.
  public var unit: Unit
  /// Where a comment begins that ends with the line, or nil; a line of comment only is passed over.
  public var comment: String?
  /// Patterns that take a row apart; the first that matches counts.
  ///
  /// Without any the row is the field `text`.
  public var patterns: [LinePattern]

  /// A layout; the default is a row a line.
  public init(unit: Unit = .line, comment: String? = nil, patterns: [LinePattern] = []) {
    self.unit = unit
    self.comment = comment
    self.patterns = patterns
  }
}

/// Rows of a plain text; lines end with LF or CRLF, or with CR where a text has no LF.
struct TextReader {
  let input: TextInput
  let layout: TextLayout

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var lines = LineReader(input)
    var block: [String] = []
    var blockLine = 1
    var blockBytes = 0
    func endBlock() throws {
      while let last = block.last, last.isEmpty { block.removeLast() }
      if !block.isEmpty { try body(row(block.joined(separator: "\n"), line: blockLine)) }
      block = []
      blockBytes = 0
    }
    while let bytes = try lines.next() {
      guard let line = uncommented(try input.text(bytes.withoutCarriageReturn, line: lines.line)) else { continue }
      switch layout.unit {
      case .line:
        try body(row(line, line: lines.line))
        continue
      case .paragraph where line.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }:
        try endBlock()
        continue
      case .separated(let pattern) where fnmatch(pattern, line, 0) == 0:
        try endBlock()
        continue
      case .paragraph, .separated, .file: break
      }
      if block.isEmpty {
        // Empty lines at the beginning belong to no row.
        if line.isEmpty { continue }
        blockLine = lines.line
      }
      block.append(line)
      blockBytes += line.utf8.count + 1
      guard blockBytes <= CorpusLimits.rowBytes else {
        throw RecordError(
          file: input.file, line: blockLine, reason: "begins a row longer than \(CorpusLimits.rowBytes >> 20) MiB")
      }
    }
    try endBlock()
  }

  /// The line without its comment; nil where there is nothing else.
  private func uncommented(_ line: String) -> String? {
    guard let comment = layout.comment, let range = line.utf8.firstRange(of: comment.utf8) else { return line }
    var rest = line.utf8[..<range.lowerBound]
    while let last = rest.last, last == 0x20 || last == 0x09 { rest = rest.dropLast() }
    return rest.isEmpty ? nil : String(Substring(rest))
  }

  private func row(_ text: String, line: Int) throws(RecordError) -> CorpusRow {
    if layout.patterns.isEmpty { return CorpusRow(file: input.file, line: line, fields: ["text": .string(text)]) }
    for pattern in layout.patterns {
      guard let fields = pattern.match(text) else { continue }
      return CorpusRow(
        file: input.file, line: line, fields: JSONObject(fields.map { (name: $0.name, value: .string($0.value)) }))
    }
    throw RecordError(file: input.file, line: line, reason: "matches no pattern: \"\(text.shown(limit: 60))\"")
  }
}

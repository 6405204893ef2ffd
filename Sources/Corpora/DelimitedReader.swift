import CanonicalJSON

/// Rows of a CSV or TSV file, whose first row names the columns.
///
/// CSV as RFC 4180 has it: a field in quotes may hold commas, line ends and doubled quotes; rows end with LF, CRLF or CR.
struct DelimitedReader {
  enum Dialect {
    case csv
    case tsv

    var separator: UInt8 { self == .csv ? UInt8(ascii: ",") : 0x09 }
    var quotes: Bool { self == .csv }
  }

  let text: CorpusText
  let dialect: Dialect

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var scanner = Scanner(text: text, dialect: dialect)
    guard let header = try scanner.row() else {
      throw CorpusError(file: text.file, reason: "is empty; expected a header that names the columns")
    }
    for (index, name) in header.fields.enumerated() where header.fields[..<index].contains(name) {
      throw CorpusError(file: text.file, line: header.line, reason: "the header names column \"\(name)\" twice")
    }
    while let row = try scanner.row() {
      guard row.fields.count == header.fields.count else {
        throw CorpusError(
          file: text.file, line: row.line,
          reason: "has \(row.fields.count) fields, the header names \(header.fields.count)")
      }
      let members = zip(header.fields, row.fields).map { (name: $0, value: JSONValue.string($1)) }
      try body(CorpusRow(file: text.file, line: row.line, fields: JSONObject(members)))
    }
  }

  private struct Scanner {
    let text: CorpusText
    let dialect: Dialect
    var position = 0
    var line = 1

    init(text: CorpusText, dialect: Dialect) {
      self.text = text
      self.dialect = dialect
    }

    /// The next row that is not an empty line, or nil at the end.
    mutating func row() throws(CorpusError) -> (line: Int, fields: [String])? {
      while position < text.bytes.count {
        let start = line
        var fields: [String] = []
        while true {
          let (field, wasQuoted) = try field()
          fields.append(field)
          if position < text.bytes.count, text.bytes[position] == dialect.separator {
            position += 1
            continue
          }
          let isEmptyLine = fields.count == 1 && field.isEmpty && !wasQuoted
          endLine()
          if isEmptyLine { break }
          return (start, fields)
        }
      }
      return nil
    }

    private mutating func endLine() {
      guard position < text.bytes.count else { return }
      if text.bytes[position] == 0x0D { position += 1 }
      if position < text.bytes.count, text.bytes[position] == 0x0A { position += 1 }
      line += 1
    }

    private mutating func field() throws(CorpusError) -> (String, wasQuoted: Bool) {
      let bytes = text.bytes
      if dialect.quotes, position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
        return (try quoted(), true)
      }
      let start = position
      while position < bytes.count {
        let byte = bytes[position]
        if byte == dialect.separator || byte == 0x0A || byte == 0x0D { break }
        if dialect.quotes, byte == UInt8(ascii: "\"") {
          throw CorpusError(
            file: text.file, line: line,
            reason: "a quote inside a field that is not quoted; put the field in quotes and double the quote")
        }
        position += 1
      }
      return (String(decoding: bytes[start..<position], as: UTF8.self), false)
    }

    private mutating func quoted() throws(CorpusError) -> String {
      let bytes = text.bytes
      let start = line
      var content: [UInt8] = []
      position += 1
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        guard byte == UInt8(ascii: "\"") else {
          if byte == 0x0A { line += 1 }
          content.append(byte)
          continue
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
          content.append(byte)
          position += 1
          continue
        }
        guard position == bytes.count || [dialect.separator, 0x0A, 0x0D].contains(bytes[position]) else {
          throw CorpusError(
            file: text.file, line: line, reason: "text after a closing quote; double a quote inside a quoted field")
        }
        return String(decoding: content, as: UTF8.self)
      }
      throw CorpusError(file: text.file, line: start, reason: "a quoted field is not closed")
    }
  }
}

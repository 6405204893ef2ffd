import CanonicalJSON
import Records
import SystemPackage

/// Rows of a CSV or TSV file, whose first row names the columns.
///
/// CSV as RFC 4180 has it, perhaps with another delimiter than the comma: a field in quotes may hold delimiters, line ends
/// and doubled quotes; rows end with LF, CRLF or CR.
struct DelimitedReader {
  enum Dialect {
    case csv(delimiter: UInt8)
    case tsv

    var separator: UInt8 { if case .csv(let delimiter) = self { delimiter } else { 0x09 } }
    var quotes: Bool { if case .csv = self { true } else { false } }
  }

  let input: TextInput
  let dialect: Dialect

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var rows = DelimitedRows(input: input, dialect: dialect)
    guard let header = try rows.next() else {
      throw RecordError(file: input.file, reason: "is empty; expected a header that names the columns")
    }
    try header.fields.checkDistinct(input.file, line: header.line)
    // Some headers end with a remark that begins with # and has no column below it.
    let remarks = header.fields.count > 1 && header.fields.last?.utf8.first == UInt8(ascii: "#") ? 1 : 0
    while let row = try rows.next() {
      guard row.fields.count == header.fields.count || row.fields.count == header.fields.count - remarks else {
        throw RecordError(
          file: input.file, line: row.line,
          reason: "has \(row.fields.count) fields, the header names \(header.fields.count)")
      }
      let members = zip(header.fields, row.fields).map { (name: $0, value: JSONValue.string($1)) }
      try body(CorpusRow(file: input.file, line: row.line, fields: JSONObject(members)))
    }
  }
}

/// The rows of a CSV or TSV file as lists of fields.
private struct DelimitedRows {
  let input: TextInput
  let dialect: DelimitedReader.Dialect
  private var line = 1

  init(input: TextInput, dialect: DelimitedReader.Dialect) {
    self.input = input
    self.dialect = dialect
  }

  /// The next row that is not an empty line, or nil at the end.
  mutating func next() throws -> (line: Int, fields: [String])? {
    while let count = try extent() {
      let bytes = UnsafeRawBufferPointer(rebasing: input.window[..<count])
      var scanner = Scanner(input: input, bytes: bytes, dialect: dialect, line: line)
      let start = line
      let fields = try scanner.row()
      line = scanner.line
      input.consume(scanner.position)
      if let fields { return (start, fields) }
    }
    return nil
  }

  /// How many bytes the next row has, its end included; nil at the end of the file.
  ///
  /// Quotes are only counted here: a malformed row may come out too long, never too short, and `Scanner` says what is
  /// wrong with it.
  private func extent() throws -> Int? {
    var index = 0
    var isQuoted = false
    while true {
      let window = input.window
      while index < window.count {
        let byte = window[index]
        index += 1
        if byte == UInt8(ascii: "\""), dialect.quotes { isQuoted.toggle() }
        guard !isQuoted else { continue }
        if byte == 0x0A { return index }
        if byte == 0x0D {
          if index == window.count { _ = try input.more(line: line) }
          return index < input.window.count && input.window[index] == 0x0A ? index + 1 : index
        }
      }
      let more: Bool
      do {
        more = try input.more(line: line)
      } catch {
        // Where a quote is at fault, that is the better message.
        var scanner = Scanner(input: input, bytes: input.window, dialect: dialect, line: line)
        _ = try scanner.row()
        throw error
      }
      if !more { return input.window.isEmpty ? nil : input.window.count }
    }
  }

  private struct Scanner {
    let input: TextInput
    let bytes: UnsafeRawBufferPointer
    let dialect: DelimitedReader.Dialect
    var line: Int
    var position = 0

    /// The fields of the row, or nil where it is an empty line.
    mutating func row() throws(RecordError) -> [String]? {
      var fields: [String] = []
      while true {
        let (field, wasQuoted) = try field()
        fields.append(field)
        if position < bytes.count, bytes[position] == dialect.separator {
          position += 1
          continue
        }
        endLine()
        return fields.count == 1 && field.isEmpty && !wasQuoted ? nil : fields
      }
    }

    private mutating func endLine() {
      guard position < bytes.count else { return }
      if bytes[position] == 0x0D { position += 1 }
      if position < bytes.count, bytes[position] == 0x0A { position += 1 }
      line += 1
    }

    private mutating func field() throws(RecordError) -> (String, wasQuoted: Bool) {
      if dialect.quotes, position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
        return (try quoted(), true)
      }
      let start = position
      while position < bytes.count {
        let byte = bytes[position]
        if byte == dialect.separator || byte == 0x0A || byte == 0x0D { break }
        if dialect.quotes, byte == UInt8(ascii: "\"") {
          throw RecordError(
            file: input.file, line: line,
            reason: "a quote inside a field that is not quoted; put the field in quotes and double the quote")
        }
        position += 1
      }
      return (try input.text(UnsafeRawBufferPointer(rebasing: bytes[start..<position]), line: line), false)
    }

    private mutating func quoted() throws(RecordError) -> String {
      let start = line
      var content: [UInt8] = []
      position += 1
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        guard byte == UInt8(ascii: "\"") else {
          // A line ends with LF, CRLF or CR, within quotes as between rows.
          if byte == 0x0A || byte == 0x0D && !(position < bytes.count && bytes[position] == 0x0A) { line += 1 }
          content.append(byte)
          continue
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
          content.append(byte)
          position += 1
          continue
        }
        guard position == bytes.count || [dialect.separator, 0x0A, 0x0D].contains(bytes[position]) else {
          let opened = start == line ? "" : "; the quote was opened on line \(start)"
          throw RecordError(
            file: input.file, line: line,
            reason: "text after a closing quote; double a quote inside a quoted field\(opened)")
        }
        return try content.withUnsafeBytes { bytes in
          Result { () throws(RecordError) in try input.text(bytes, line: start) }
        }.get()
      }
      throw RecordError(file: input.file, line: start, reason: "a quoted field is not closed")
    }
  }
}

extension [String] {
  /// Refuses names of columns that stand twice, compared by bytes.
  func checkDistinct(_ file: FilePath, line: Int) throws(RecordError) {
    var seen: Set<[UInt8]> = []
    for name in self where !seen.insert(Array<UInt8>(name.utf8)).inserted {
      guard !name.isEmpty else {
        throw RecordError(
          file: file, line: line,
          reason:
            "the header has several columns without a name; name them, or take out what spreadsheets leave at its end"
        )
      }
      throw RecordError(file: file, line: line, reason: "the header names column \"\(name.shown())\" twice")
    }
  }
}

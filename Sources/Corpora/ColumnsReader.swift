import CanonicalJSON
import Records

/// Rows whose fields are separated by any white space, the first of which names the columns.
struct ColumnsReader {
  let input: TextInput

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var lines = LineReader(input)
    var header: [String]?
    while let bytes = try lines.next() {
      if bytes.isBlank { continue }
      let text = try input.text(bytes.withoutCarriageReturn, line: lines.line)
      let fields = text.utf8.split { $0 == 0x20 || $0 == 0x09 }.map { String(Substring($0)) }
      guard let names = header else {
        try fields.checkDistinct(input.file, line: lines.line)
        header = fields
        continue
      }
      guard fields.count == names.count else {
        throw RecordError(
          file: input.file, line: lines.line, reason: "has \(fields.count) fields, the header names \(names.count)")
      }
      let members = zip(names, fields).map { (name: $0, value: JSONValue.string($1)) }
      try body(CorpusRow(file: input.file, line: lines.line, fields: JSONObject(members)))
    }
    if header == nil {
      throw RecordError(file: input.file, reason: "is empty; expected a header that names the columns")
    }
  }
}

import CanonicalJSON
import Records

/// Rows of a JSONL file; lines of white space only are passed over.
struct JSONLinesReader {
  let input: TextInput

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var lines = LineReader(input)
    while let bytes = try lines.next() {
      if bytes.isBlank { continue }
      let value = try Self.value(bytes, line: lines.line, input)
      guard let object = value.object else {
        throw RecordError(
          file: input.file, line: lines.line, reason: "expected a JSON object, found \(value.typeName)")
      }
      try body(CorpusRow(file: input.file, line: lines.line, fields: object))
    }
  }

  /// The value that bytes hold.
  /// - Throws: `RecordError` with line and column.
  static func value(_ bytes: UnsafeRawBufferPointer, line: Int, _ input: TextInput) throws(RecordError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: bytes)
    } catch {
      if String(validating: bytes, as: UTF8.self) == nil { throw input.notUTF8(bytes, line: line) }
      throw RecordError(
        file: input.file, line: line + error.line - 1,
        reason: "not valid JSON (column \(error.column)): \(error.reason)")
    }
  }
}

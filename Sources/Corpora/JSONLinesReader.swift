import CanonicalJSON

/// Rows of a JSONL file; lines of white space only are passed over.
struct JSONLinesReader {
  let text: CorpusText

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var line = 0
    for bytes in text.bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      line += 1
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      let value: JSONValue
      do throws(JSONError) {
        value = try bytes.withUnsafeBytes { bytes in Result { () throws(JSONError) in try JSONValue(parsing: bytes) } }
          .get()
      } catch {
        throw CorpusError(
          file: text.file, line: line, reason: "not valid JSON (column \(error.column)): \(error.reason)")
      }
      guard let object = value.object else {
        throw CorpusError(file: text.file, line: line, reason: "expected a JSON object, found \(value.typeName)")
      }
      try body(CorpusRow(file: text.file, line: line, fields: object))
    }
  }
}

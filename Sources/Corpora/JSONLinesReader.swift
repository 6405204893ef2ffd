import CanonicalJSON
import Records

/// Rows of a JSONL file; lines of white space only are passed over.
struct JSONLinesReader {
  let input: TextInput
  /// How many threads parse; rows come in the order of the file all the same.
  let threads: Int
  /// What a thread made of its part of the lines.
  private struct Part: Sendable {
    /// The objects with their lines, from 1 in this part.
    var rows: [(line: Int, fields: JSONObject)] = []
    /// What ended the part before its end.
    var failure: RecordError?
    var lineCount = 0
  }

  func read(_ body: (CorpusRow) throws -> Void) throws {
    var before = 0
    while true {
      let lines = try input.lines(threads << 18, line: before + 1)
      if lines.isEmpty { return }
      let file = input.file
      let parts = concurrently(lines.lineParts(threads)) { bytes in
        var part = Part()
        part.lineCount = bytes.forEachLine { line, number in
          guard part.failure == nil, !line.isBlank else { return }
          do throws(RecordError) {
            let value = try JSONDocumentReader.value(line, line: number, file)
            guard let object = value.object else {
              throw RecordError(
                file: file, line: number,
                reason: "expected a JSON object, found \(value.typeName)"
                  + (value.array == nil ? "" : "; if the file is one array, set format to json"))
            }
            part.rows.append((number, object))
          } catch {
            part.failure = error
            // A line that ends within its value is one of many of a document.
            if error.reason.hasSuffix("found end of text") {
              part.failure?.reason += "; a row is one line here: if the file is one array, set format to json"
            }
          }
        }
        return part
      }
      for part in parts {
        for row in part.rows { try body(CorpusRow(file: file, line: before + row.line, fields: row.fields)) }
        if let failure = part.failure { throw failure.moved(by: before) }
        before += part.lineCount
      }
    }
  }
}

import Corpora
import Testing

private let lines = "; if the file holds JSON lines, an object a line, set format to jsonl"

@Suite struct JSONDocumentTests {
  @Test(
    "rows are the elements of an array, or of the one array of objects that an object holds",
    arguments: [
      ("[{\"a\":1},\n {\"a\":\"],\\\"}\"}]", [#"1 {"a":1}"#, #"2 {"a":"],\"}"}"#]),
      ("{\"version\":[1,[2]],\n\"data\":[{\"a\":[{}]}],\"empty\":[]}", [#"2 {"a":[{}]}"#]),
      (" [ ] \n", []), ("[{\"a\":1},\r\n{\"a\":2},\r{\"a\":3}]", [#"1 {"a":1}"#, #"2 {"a":2}"#, #"3 {"a":3}"#]),
    ])
  func rows(text: String, expected: [String]) throws {
    #expect(try Reading.rows(Array(text.utf8), CorpusReader(format: .json)) == expected)
  }

  @Test(
    "what is no such file is refused with its line",
    arguments: [
      ("", "1: is empty; expected an array of objects"),
      ("3", "1: expected an array of objects, or an object that holds one\(lines)"),
      ("{\"a\":1}", "1: expected an array of objects, or an object that holds one\(lines)"),
      ("[{\"a\":1},\n2]", "2: expected an object in the array, found a number"),
      ("{\"a\":[{}],\n\"b\":[{}]}", "2: holds two arrays of objects, \"a\" and \"b\"; keep one"),
      ("[{\"a\":1}", "1: not valid JSON (column 9): expected ',' or ']'"),
      ("[{\"a\":1}\n {\"a\":2}]", "2: not valid JSON (column 2): expected ',' or ']'"),
      // Columns count from the beginning of the line, not of the row.
      ("[{\"a\":}]", "1: not valid JSON (column 7): expected a value, found '}'"),
      ("[{\"a\":1},\n {\"a\":1}, {\"a\":}]", "2: not valid JSON (column 16): expected a value, found '}'"),
      ("[{\"a\":1}]x", "1: text after the end of the JSON value\(lines)"),
      ("[" + String(repeating: "[", count: 100_000), "1: not valid JSON: nested deeper than 512"),
    ])
  func refused(text: String, expected: String) {
    #expect(Reading.failure(Array(text.utf8), CorpusReader(format: .json)) == expected)
  }

  @Test(
    "JSON lines are read in a .json and an array in a .jsonl, unless the format was declared",
    arguments: [
      ("{\"a\":1}\n\n{\"a\":2}\n", CorpusFormat.json, [#"1 {"a":1}"#, #"3 {"a":2}"#]),
      ("\r{\"a\":1}\r{\"a\":2}\r", .json, [#"2 {"a":1}"#, #"3 {"a":2}"#]),
      // Each line holds an array of objects, which alone would be a document.
      ("{\"m\":[{\"a\":1}]}\n{\"m\":[{\"a\":2}]}", .json, [#"1 {"m":[{"a":1}]}"#, #"2 {"m":[{"a":2}]}"#]),
      ("{\"m\":[{\"a\":1}]}\n", .json, [#"1 {"a":1}"#]),
      (" \n[{\"a\":1},\n{\"a\":2}]", .jsonl, [#"2 {"a":1}"#, #"3 {"a":2}"#]),
    ])
  func form(text: String, format: CorpusFormat, expected: [String]) throws {
    #expect(
      try Reading.rows(Array(text.utf8), CorpusReader(format: format, isFormatGuessed: true)) == expected)
  }

  @Test(
    "where the format was declared, the error names the other one",
    arguments: [
      ("{\"a\":1}\n{\"a\":2}\n", CorpusFormat.json, "set format to jsonl"),
      ("[{\"a\":1}]", .jsonl, "set format to json"),
      ("{\n\"a\":1}", .jsonl, "set format to json"),
    ])
  func declared(text: String, format: CorpusFormat, expected: String) {
    #expect(Reading.failure(Array(text.utf8), CorpusReader(format: format)).hasSuffix(expected))
  }
}

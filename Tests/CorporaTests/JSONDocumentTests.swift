import Corpora
import Testing

@Suite struct JSONDocumentTests {
  @Test(
    "rows are the elements of an array, or of the one array of objects that an object holds",
    arguments: [
      ("[{\"a\":1},\n {\"a\":\"],\\\"}\"}]", [#"1 {"a":1}"#, #"2 {"a":"],\"}"}"#]),
      ("{\"version\":[1,[2]],\n\"data\":[{\"a\":[{}]}],\"empty\":[]}", [#"2 {"a":[{}]}"#]),
      (" [ ] \n", []),
    ])
  func rows(text: String, expected: [String]) throws {
    #expect(try Reading.rows(Array(text.utf8), CorpusReader(format: .json)) == expected)
  }

  @Test(
    "what is no such file is refused with its line",
    arguments: [
      ("", "1: is empty; expected an array of objects"),
      ("3", "1: expected an array of objects, or an object that holds one"),
      ("{\"a\":1}", "1: expected an array of objects, or an object that holds one"),
      ("[{\"a\":1},\n2]", "2: expected an object in the array, found a number"),
      ("{\"a\":[{}],\n\"b\":[{}]}", "2: holds two arrays of objects, \"a\" and \"b\"; keep one"),
      ("[{\"a\":1}", "1: not valid JSON: expected ',' or ']'"),
      ("[{\"a\":1}\n{\"a\":2}]", "2: not valid JSON: expected ',' or ']'"),
      ("[{\"a\":}]", "1: not valid JSON (column 6): expected a value, found '}'"),
      ("[{\"a\":1}]x", "1: text after the end of the JSON value"),
      ("[" + String(repeating: "[", count: 100_000), "1: not valid JSON: nested deeper than 512"),
    ])
  func refused(text: String, expected: String) {
    #expect(Reading.failure(Array(text.utf8), CorpusReader(format: .json)) == expected)
  }
}

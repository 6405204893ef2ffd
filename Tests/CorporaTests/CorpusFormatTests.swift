import CanonicalJSON
import Corpora
import SystemPackage
import TestSupport
import Testing

@Suite struct CorpusFormatTests {
  /// The rows of a text, as texts of their fields with line numbers.
  private func rows(_ text: String, _ format: CorpusFormat) throws -> [String] {
    try TemporaryFolder.with { folder in
      let file = try TemporaryFolder.write(text, to: folder.appending("rows"))
      var rows: [String] = []
      try format.read(file) { rows.append("\($0.line) " + JSONValue.object($0.fields).text) }
      return rows
    }
  }

  private func failure(_ text: String, _ format: CorpusFormat) -> String {
    do {
      _ = try rows(text, format)
      return "no error"
    } catch let error as CorpusError {
      return "\(error.line.map(String.init) ?? "-"): \(error.reason)"
    } catch {
      return "\(error)"
    }
  }

  @Test("a quoted CSV field may hold commas, quotes and line ends; rows keep the line on which they begin")
  func quotedFields() throws {
    let text = "mr,ref\r\n\"a, b\",\"say \"\"hi\"\"\nthere\"\r\nplain,\r\n"
    #expect(
      try rows(text, .csv) == [
        #"2 {"mr":"a, b","ref":"say \"hi\"\nthere"}"#, #"4 {"mr":"plain","ref":""}"#,
      ])
  }

  @Test("line ends may be LF, CRLF or CR and the last may be missing", arguments: ["\n", "\r\n", "\r"])
  func lineEnds(end: String) throws {
    #expect(
      try rows("a,b\(end)1,2\(end)3,4", .csv).map { $0.dropFirst(2) } == [#"{"a":"1","b":"2"}"#, #"{"a":"3","b":"4"}"#])
  }

  @Test("a byte order mark is no part of the first column's name")
  func byteOrderMark() throws {
    #expect(try rows("\u{FEFF}a,b\n1,2\n", .csv) == [#"2 {"a":"1","b":"2"}"#])
  }

  @Test("TSV knows no quotes")
  func tabs() throws {
    #expect(try rows("a\tb\n\"x\t\"y\"\n", .tsv) == [#"2 {"a":"\"x","b":"\"y\""}"#])
  }

  @Test(
    "a malformed row is named by its line",
    arguments: [
      ("a,b\n1,2\n3\n", "3: has 1 fields, the header names 2"),
      ("a,b\n1,\"2\n", "2: a quoted field is not closed"),
      ("a,b\n1,\"2\"x\n", "2: text after a closing quote; double a quote inside a quoted field"),
      ("a,b\n1,2\"\n", "2: a quote inside a field that is not quoted; put the field in quotes and double the quote"),
      ("a,a\n1,2\n", "1: the header names column \"a\" twice"),
      ("", "-: is empty; expected a header that names the columns"),
    ])
  func malformedCSV(text: String, expected: String) { #expect(failure(text, .csv) == expected) }

  @Test(
    "a malformed JSONL row is named by its line and column",
    arguments: [
      ("{\"a\":1}\n{\"a\":}\n", "2: not valid JSON (column 6): expected a value, found '}'"),
      ("{\"a\":1}\n\n[1]\n", "3: expected a JSON object, found an array"),
      ("{\"a\":1,\"a\":2}\n", "1: not valid JSON (column 8): member \"a\" stands twice"),
    ])
  func malformedJSON(text: String, expected: String) { #expect(failure(text, .jsonl) == expected) }

  @Test("practice row 38: rows may have other keys than the rows before; only what a template names must be there")
  func heterogeneousRows() throws {
    try TemporaryFolder.with { folder in
      let file = try TemporaryFolder.write(
        #"{"q":"1","a":null}"# + "\n" + #"{"q":"2","extra":[1,{}]}"# + "\n" + #"{"q":[]}"#,
        to: folder.appending("rows"))
      let template = try Template("{q}")
      var texts: [String] = []
      #expect(throws: CorpusError.self) {
        try CorpusFormat.jsonl.read(file) { texts.append(try template.text(for: $0)) }
      }
      #expect(texts == ["1", "2"])
      do {
        try CorpusFormat.jsonl.read(file) { _ = try template.text(for: $0) }
      } catch let error as CorpusError {
        #expect(error.line == 3)
        #expect(error.reason == "field \"q\": expected a text or a number, found an array")
      }
    }
  }

  @Test("compressed files and broken UTF-8 are refused with a remedy")
  func unreadable() throws {
    try TemporaryFolder.with { folder in
      let file = folder.appending("rows.jsonl")
      for (bytes, expected) in [
        ([0x1F, 0x8B, 0x08] as [UInt8], "is compressed with gzip; unpack it first"),
        ([0x0A, 0xFF], "is not valid UTF-8; convert the file, for example with iconv"),
      ] {
        try FileDescriptor.open(
          file, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite
        ).closeAfter { _ = try FileDescriptor.open(file, .writeOnly).writeAll(bytes) }
        do {
          try CorpusFormat.jsonl.read(file) { _ in }
          Issue.record("the file was read")
        } catch let error as CorpusError {
          #expect(error.reason == expected)
        }
      }
    }
  }
}

@Suite struct TemplateTests {
  private let row = CorpusRow(
    file: "rows", line: 7, fields: ["a": "x", "n": 1.5, "list": ["p", "q"], "object": [:]])

  @Test("fields are put in place, doubled braces stand for braces, numbers print as JSON")
  func substitution() throws {
    #expect(try Template("{a}-{n} {{a}}").text(for: row) == "x-1.5 {a}")
    #expect(try Template("{list}").texts(for: row) == ["p", "q"])
    #expect(try Template("{a}").texts(for: row) == ["x"])
  }

  @Test("a field that is not there is named with those that are")
  func missingField() throws {
    do {
      _ = try Template("{b}").text(for: row)
      Issue.record("the field was found")
    } catch {
      #expect("\(error)" == "rows:7: there is no field \"b\"; the row has a, n, list, object")
    }
  }

  @Test("a brace without partner is refused", arguments: ["{a", "a}", "{{a}"])
  func unbalanced(text: String) { #expect(throws: Template.Malformed.self) { try Template(text) } }
}

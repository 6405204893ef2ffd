import CanonicalJSON
import Corpora
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct CorpusFormatTests {
  @Test("JSONL gives the same rows and the same failure on any number of threads, the rows before it first")
  func threads() throws {
    let lines = (1...20_000).map {
      $0 % 7 == 0 ? "" : "{\"n\":\($0),\"text\":\"\(String(repeating: "é", count: $0 % 90))\"}"
    }
    func rows(_ lines: [String], _ threads: Int) -> (rows: [String], failure: String) {
      var rows: [String] = []
      var failure = "none"
      do {
        try Reading.each(
          Array(lines.joined(separator: "\n").utf8), CorpusReader(format: .jsonl, threads: threads)
        ) { rows.append("\($0.line) \($0["n"] ?? .null)") }
      } catch { failure = "\(error)" }
      return (rows, failure)
    }
    let one = rows(lines, 1)
    #expect(one.rows.count == 20_000 - 20_000 / 7 && one.failure == "none")
    var damaged = lines
    damaged[18_000] = "{\"n\":}"
    damaged[18_500] = "["
    let stopped = rows(damaged, 1)
    #expect(stopped.failure.hasPrefix("rows:18001: "), "\(stopped.failure)")
    for threads in [2, 3] {
      #expect(rows(lines, threads) == one)
      #expect(rows(damaged, threads) == stopped)
    }
  }

  /// The rows of a text, as texts of their fields with line numbers.
  private func rows(_ text: String, _ format: CorpusFormat) throws -> [String] {
    try Reading.rows(Array(text.utf8), CorpusReader(format: format))
  }

  private func failure(_ text: String, _ format: CorpusFormat) -> String {
    do {
      _ = try rows(text, format)
      return "no error"
    } catch let error as RecordError {
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
    // A comma is text where another character is the delimiter.
    #expect(
      try Reading.rows(
        Array("mr;ref\na, b;\"x;y\"\n".utf8), CorpusReader(format: .csv, delimiter: UInt8(ascii: ";"))) == [
          #"2 {"mr":"a, b","ref":"x;y"}"#
        ])
    // Quotes tell an empty field from an empty line.
    #expect(try rows("a\n\"\"\n\nb\n", .csv) == [#"2 {"a":""}"#, #"4 {"a":"b"}"#])
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
      (
        "a,b\n1,\"x\ny\n\"2\"\n",
        "4: text after a closing quote; double a quote inside a quoted field; the quote was opened on line 2"
      ),
      ("a,b\r1,\"x\ry\"\r3\r", "4: has 1 fields, the header names 2"),
      ("a,b\n\"1\"\u{301},2\n", "2: text after a closing quote; double a quote inside a quoted field"),
      (
        "a,b\n1\u{0},2\n",
        "2: holds a NUL byte; take it out, or set encoding to utf-16le if that is what it is"
      ),
      ("a,b\n1,2\"\n", "2: a quote inside a field that is not quoted; put the field in quotes and double the quote"),
      ("a,a\n1,2\n", "1: the header names column \"a\" twice"),
      (
        "a,b,,\n1,2,,\n",
        "1: the header has several columns without a name; name them, or take out what spreadsheets leave at its end"
      ),
      ("", "-: is empty; expected a header that names the columns"),
    ])
  func malformedCSV(text: String, expected: String) { #expect(failure(text, .csv) == expected) }

  @Test(
    "a malformed JSONL row is named by its line and column",
    arguments: [
      ("{\"a\":1}\n{\"a\":}\n", "2: not valid JSON (column 6): expected a value, found '}'"),
      ("{\"a\":1}\n\n[1]\n", "3: expected a JSON object, found an array; if the file is one array, set format to json"),
      ("{\"a\":1,\"a\":2}\n", "1: not valid JSON (column 8): member \"a\" stands twice"),
    ])
  func malformedJSON(text: String, expected: String) { #expect(failure(text, .jsonl) == expected) }

  @Test("names that Swift takes for one are two: columns and fields are compared by bytes")
  func bytes() throws {
    #expect(try rows("\u{E9},e\u{301}\n1,2\n", .csv) == ["2 {\"\u{E9}\":\"1\",\"e\u{301}\":\"2\"}"])
    try Reading.each(Array("\u{E9},e\u{301}\n1,2\n".utf8), CorpusReader(format: .csv)) { row in
      let text = try Template("{e\u{301}}{\u{E9}}").text(for: row)
      #expect(text == "21")
    }
    #expect(failure("a a\n1 2\n", .columns) == "1: the header names column \"a\" twice")
  }

  @Test(
    "a number becomes text as it is written, in every form of JSON",
    arguments: [
      "12345678901234567890123", "9007199254740993", "-0", "1.0", "0.10", "1e400", "1E5", "-1.50e-3", "17", "-17", "0",
    ])
  func numbers(text: String) throws {
    let line = "{\"a\":\(text),\"b\":[\(text)]}"
    for (whole, format) in [(line, CorpusFormat.jsonl), ("[\(line)]", .json)] {
      try Reading.each(Array(whole.utf8), CorpusReader(format: format)) { row in
        let (one, list) = (try Template("{a}").text(for: row), try Template("{b}").texts(for: row))
        #expect(one == text && list == [text])
      }
    }
  }

  @Test("what a file holds is shown in a message on one line, without control characters, and not without end")
  func messages() throws {
    let names = (0..<5000).map { "\u{1B}]0;\($0)\u{7}\u{202E}\u{9B}" } + ["line\u{2028}end"]
    let text = names.joined(separator: ",") + "\n" + names.map { _ in "1" }.joined(separator: ",") + "\n"
    try Reading.each(Array(text.utf8), CorpusReader(format: .csv)) { row in
      let error = #expect(throws: RecordError.self) { try Template("{b\u{1B}\n}").text(for: row) }
      let message = try #require(error).description
      #expect(message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{202E}" })
      #expect(message.contains(#"there is no field "b\u{1b}\n"; the row has \u{1b}]0;0\u{7}\u{202e}\u{9b}, "#))
      #expect(message.hasSuffix("and 4981 more") && message.utf8.count < 1500)
    }
    let file = RecordError(file: "a\nb\u{1B}", line: 1, reason: "x\u{85}y")
    #expect(file.description == #"a\nb\u{1b}:1: x\u{85}y"#)
  }

  @Test("practice row 38: rows may have other keys than the rows before; only what a template names must be there")
  func heterogeneousRows() throws {
    let text = #"{"q":"1","a":null}"# + "\n" + #"{"q":"2","extra":[1,{}]}"# + "\n" + #"{"q":[]}"#
    let template = try Template("{q}")
    var texts: [String] = []
    do {
      try Reading.each(Array(text.utf8), CorpusReader(format: .jsonl)) { texts.append(try template.text(for: $0)) }
      Issue.record("the list was printed")
    } catch let error as RecordError {
      #expect(texts == ["1", "2"])
      #expect(error.line == 3)
      #expect(error.reason == "field \"q\": expected a text or a number, found an array")
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

  @Test("a field inside a field is reached by a point, unless a field is called so")
  func nestedFields() throws {
    let row = CorpusRow(file: "x", line: 1, fields: ["a": ["b": ["c": 7], "d": "x"], "a.d": "plain"])
    #expect(try Template("{a.b.c} {a.d}").text(for: row) == "7 plain")
    #expect(throws: RecordError.self) { try Template("{a.c}").text(for: row) }
    #expect(throws: RecordError.self) { try Template("{a.d.e}").text(for: row) }
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

  @Test(
    "a brace is a brace whatever follows it",
    arguments: ["\u{301}", "\u{94B}\u{902}", "\u{200D}", "\u{FE0F}", "\r\n\u{301}"])
  func combining(mark: String) throws {
    #expect(Array(try Template("{a}\(mark) x").text(for: row).utf8) == Array("x\(mark) x".utf8))
    #expect(Array(try Template("{{\(mark){a}}}").text(for: row).utf8) == Array("{\(mark)x}".utf8))
    #expect(try Template("{a}\(mark)") != Template("{a}"))
  }

  @Test("templates that only look alike are two")
  func equality() throws {
    #expect(try Template("é {a}") != Template("e\u{301} {a}"))
    #expect(try Template("{é}") != Template("{e\u{301}}"))
    #expect(try Template("{a}") != Template("a") && Template("{a}") == Template("{a}"))
  }

  @Test("a brace without partner is refused", arguments: ["{a", "a}", "{{a}"])
  func unbalanced(text: String) { #expect(throws: Template.Malformed.self) { try Template(text) } }
}

import CanonicalJSON
import Corpora
import Records
import SystemPackage
import Testing

@Suite struct XMLRecordTests {
  private let entries = """
    <benchmark><entries>
      <entry category="A" eid="Id1">
        <modifiedtripleset><mtriple>x | r | y</mtriple><mtriple> y | s &amp; t | z </mtriple></modifiedtripleset>
        <lex comment="good" lid="1"><text>One.</text></lex><lex comment="bad" lid="2"><text>No.</text></lex>
        <lex comment="good" lid="3"><text>Two.</text></lex>
      </entry>
      <entry category="B" eid="Id2"><modifiedtripleset><mtriple>p</mtriple></modifiedtripleset>
        <lex comment="good" lid="1"><text><![CDATA[<T>]]>h<b>re</b>e</text></lex></entry>
    </entries><entry eid="no"/></benchmark>
    """

  private func each(
    _ record: String, _ fields: [String], _ text: String? = nil, _ body: (CorpusRow) throws -> Void
  ) throws {
    let form = try XMLRecordForm(record: record, fields: fields, join: ", ")
    try Reading.each(Array((text ?? entries).utf8), CorpusReader(format: .xml, record: form), body)
  }

  private func texts(_ record: String, _ field: String, _ text: String? = nil) throws -> [String] {
    var texts: [String] = []
    try each(record, [field], text) { texts.append(try Template("{\(field)}").text(for: $0)) }
    return texts
  }

  @Test(
    "a field is a path below the record; several values are joined",
    arguments: [
      ("modifiedtripleset/mtriple", ["x | r | y, y | s & t | z", "p"]),
      ("lex[@comment=\"good\"]/text", ["One., Two.", "<T>hree"]), ("lex[@lid='1']/text", ["One.", "<T>hree"]),
      ("@category", ["A", "B"]), ("lex/@lid", ["1, 2, 3", "1"]), ("*/mtriple", ["x | r | y, y | s & t | z", "p"]),
      ("lex[@lid=\"1\"]/text/text()", ["One.", "<T>hree"]),
    ])
  func fields(path: String, expected: [String]) throws {
    #expect(try texts("benchmark/entries/entry", path) == expected)
  }

  @Test("an attribute's value is compared and told as it is meant, however its signs are written")
  func attributes() throws {
    let text = "<a><e k=\"AT&amp;T &#38;&#60;\"><b k=\"a&amp;b\">x</b><b k=\"a&#38;b\">y</b><b k=\"a\">z</b></e></a>"
    #expect(try texts("a/e", "@k", text) == ["AT&T &<"])
    #expect(try texts("a/e", "b[@k=\"a&b\"]", text) == ["x, y"])
  }

  @Test("several values are references where a template is one path alone")
  func references() throws {
    var texts: [[String]] = []
    let path = "lex[@comment=\"good\"]/text"
    try each("/benchmark/entries/entry", [path]) { texts.append(try Template("{\(path)}").texts(for: $0)) }
    #expect(texts == [["One.", "Two."], ["<T>hree"]])
  }

  @Test("a record is where its whole path is, predicates included")
  func records() throws {
    #expect(try texts("benchmark/entries/entry[@category=\"B\"]", "@eid") == ["Id2"])
    #expect(try texts("benchmark/*/entry/lex[@comment='good']", ".") == ["One.", "Two.", "<T>hree"])
    #expect(try texts("benchmark/entry", "@eid") == ["no"])
    // A record within a record is part of it.
    #expect(try texts("a/a", "@n", "<a n=\"0\"><a n=\"1\"><a n=\"2\"/></a><a n=\"3\"/></a>") == ["1", "3"])
  }

  @Test("a name without prefix matches whatever the prefix, one with a prefix as it is written")
  func prefixes() throws {
    let text = "<r xmlns:d=\"u\"><d:e d:k=\"v\"><d:t>x</d:t><t>y</t></d:e></r>"
    #expect(try texts("r/e", "t", text) == ["x, y"])
    #expect(try texts("r/d:e", "d:t", text) == ["x"])
    #expect(try texts("r/e", "@d:k", text) == ["v"])
  }

  @Test("where there is no such element, and where a record lacks a field, the message lists what there is")
  func absent() throws {
    do {
      try each("benchmark/entri", ["@eid"]) { _ in }
      Issue.record("it was read")
    } catch let error as RecordError {
      #expect(
        error.reason.hasPrefix(
          "has no element benchmark/entri, which record names; it has benchmark, benchmark/entries, benchmark/entries/entry"
        ))
    }
    do {
      try each("benchmark/entries/entry", ["lex/txt"]) { _ = try Template("{lex/txt}").text(for: $0) }
      Issue.record("it was read")
    } catch let error as RecordError {
      #expect(error.line == 2)
      #expect(
        error.reason
          == "there is no field \"lex/txt\"; the row has @category, @eid, modifiedtripleset, modifiedtripleset/mtriple, lex, lex/@comment, lex/@lid, lex/text"
      )
    }
  }

  @Test(
    "what is no path is refused",
    arguments: ["", "a//b", "a[1]", "a[@x=\"1\"][@y=\"2\"]", "a[@x=1]", "@a/b", "a[@x=\"1\"", "a b", "a/", "a[@x=\"1]"])
  func malformed(path: String) {
    #expect(throws: Template.Malformed.self) { try XMLRecordForm(record: "a", fields: [path], join: "") }
    #expect(throws: Template.Malformed.self) { try XMLRecordForm(record: path, fields: [], join: "") }
  }

  @Test("a record longer than the longest row is refused with its line, though each of its texts is short")
  func long() throws {
    let piece = Array("<t>\(String(repeating: "x", count: 1 << 20))</t>".utf8)
    let bytes = Array("<r>\n<e>".utf8) + (0..<65).flatMap { _ in piece } + Array("</e></r>".utf8)
    let form = try XMLRecordForm(record: "r/e", fields: ["t"], join: "")
    let error = #expect(throws: RecordError.self) {
      try CorpusReader(format: .xml, record: form).read(MemoryBytes(bytes), file: "rows") { _ in }
    }
    #expect(error?.description == "rows:2: begins a row longer than 64 MiB")
  }
}

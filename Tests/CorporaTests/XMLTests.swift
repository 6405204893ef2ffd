import CanonicalJSON
import Corpora
import Records
import SystemPackage
import Testing

@Suite struct XMLTests {
  private func rows(_ text: String, _ format: CorpusFormat) throws -> [String] {
    try Reading.rows(Array(text.utf8), CorpusReader(format: format))
  }
  private func failure(_ text: String, _ format: CorpusFormat) -> String {
    Reading.failure(Array(text.utf8), CorpusReader(format: format))
  }

  private func dataset(_ document: String) -> String {
    "<?xml version='1.0' encoding='utf-8'?>\n<dataset id=\"t\"><doc id=\"d\" origlang=\"de\">\n\(document)</doc></dataset>"
  }
  private let source = "<src lang=\"de\"><p><seg id=\"1\">Eins &amp; zwei</seg><seg id=\"2\">Zwei</seg></p></src>\n"

  @Test("a row per segment: source, references by translator, outputs by system, aligned by the segment's id")
  func wmt() throws {
    let text = dataset(
      source + "<ref translator=\"A\"><p><seg id=\"2\">Two</seg><seg id=\"1\">One</seg></p></ref>"
        + "<hyp system=\"S\"><p><seg id=\"1\">On<b>e</b>!</seg></p></hyp><hyp><seg id=\"2\">2</seg></hyp>")
    #expect(
      try rows(text, .xml) == [
        #"3 {"doc":"d","origlang":"de","seg":"1","src":"Eins & zwei","ref.A":"One","hyp.S":"One!"}"#,
        #"3 {"doc":"d","origlang":"de","seg":"2","src":"Zwei","ref.A":"Two","hyp":"2"}"#,
      ])
    // Every document has columns of its own.
    let documents = ["d", "e"].map {
      "<doc id=\"\($0)\"><src><seg id=\"1\">x</seg></src><ref><seg id=\"1\">y</seg></ref></doc>"
    }
    #expect(
      try rows("<dataset>\(documents.joined())</dataset>", .xml) == [
        #"1 {"doc":"d","seg":"1","src":"x","ref":"y"}"#, #"1 {"doc":"e","seg":"1","src":"x","ref":"y"}"#,
      ])
  }

  @Test(
    "a document whose parts disagree is refused with the line",
    arguments: [
      ("<ref><seg id=\"3\">x</seg></ref>", "4: ref has a segment 3, the source of its document has none"),
      ("<ref><seg id=\"1\">x</seg><seg id=\"1\">y</seg></ref>", "4: segment 1 stands twice in ref"),
      ("<hyp system=\"S\"/><hyp system=\"S\"/>", "4: a document has hyp.S twice"),
      ("<src/>", "4: a document has its <src> first and once"),
      ("<ref><seg>x</seg></ref>", "4: a <seg> has no id"),
    ])
  func disagreement(part: String, expected: String) { #expect(failure(dataset(source + part), .xml) == expected) }

  @Test("text between CDATA marks is text as it stands")
  func characterData() throws {
    let text = dataset("<src><seg id=\"1\">a <![CDATA[<b> & c]]> d</seg></src>")
    #expect(try rows(text, .xml) == [#"3 {"doc":"d","origlang":"de","seg":"1","src":"a <b> & c d"}"#])
  }

  @Test("an ampersand, a quote and a number in an attribute are what they are in a text")
  func attributes() throws {
    let document =
      "<dataset><doc id=\"a&amp;b\" domain=\"&#38;&#x26;\"><src><seg id=\"1&amp;2\">s &amp; t</seg></src>"
      + "<ref translator=\"R&amp;D\"><seg id=\"1&#38;2\">r</seg></ref></doc></dataset>"
    #expect(
      try rows(document, .xml) == [#"1 {"doc":"a&b","domain":"&&","seg":"1&2","src":"s & t","ref.R&D":"r"}"#])
    let memory =
      "<tmx><body><tu tuid='&lt;A&amp;amp;B&gt;&quot;&apos;'><tuv xml:lang=\"en\"><seg>x</seg></tuv></tu></body></tmx>"
    #expect(try rows(memory, .tmx) == [#"1 {"tuid":"<A&amp;B>\"'","en":"x"}"#])
  }

  @Test("a text longer than the longest row is refused with the line, and is not kept")
  func tooLong() throws {
    let head = Array(dataset("<src><seg id=\"1\">").split(separator: "</doc>")[0].utf8)
    let text = [UInt8](repeating: UInt8(ascii: "x"), count: CorpusLimits.rowBytes + 1)
    let tail = Array("</seg></src></doc></dataset>".utf8)
    let error = #expect(throws: RecordError.self) {
      try CorpusReader(format: .xml).read(MemoryBytes(head + text + tail), file: "rows") { _ in }
    }
    #expect(error?.description == "rows:3: holds a text longer than 64 MiB")
  }

  @Test("another root, a broken file and an empty one are refused")
  func malformed() {
    #expect(
      failure("<html/>", .xml)
        == "1: expected WMT's format, whose root is <dataset>; found <html>; for XML of another form set record")
    #expect(failure("<html/>", .tmx) == "1: expected a translation memory, <tmx>; found <html>")
    #expect(failure("<dataset><doc></dataset>", .xml).contains("1: is no well-formed XML: Opening and ending tag"))
    #expect(failure("<dataset>", .xml).contains("is no well-formed XML"))
    #expect(failure("", .xml).contains("is no well-formed XML"))
  }

  @Test("languages are fields; codes are left out with what they hold, highlighted text is kept")
  func tmx() throws {
    let text =
      "<!DOCTYPE tmx SYSTEM \"tmx14.dtd\"><tmx version=\"1.4\"><body>\n<tu tuid=\"7\"><tuv xml:lang=\"en\"><seg>A <ph>&lt;b <sub>x</sub>></ph><hi>B</hi></seg></tuv>"
      + "<tuv lang=\"fr\"><seg>C</seg></tuv><tuv lang=\"fr\"><seg>D</seg></tuv></tu></body></tmx>"
    #expect(try rows(text, .tmx) == [#"2 {"tuid":"7","en":"A B","fr":"C","fr.2":"D"}"#])
  }

  @Test("language codes are compared without their case, and _ is -")
  func languages() throws {
    let text =
      "<tmx><body><tu><tuv xml:lang=\"EN_us\"><seg>A</seg></tuv><tuv xml:lang=\"en-US\"><seg>B</seg></tuv>"
      + "<tuv lang=\"de\"><seg>C</seg></tuv></tu></body></tmx>"
    #expect(try rows(text, .tmx) == [#"1 {"EN_us":"A","en-US.2":"B","de":"C"}"#])
    try Reading.each(Array(text.utf8), CorpusReader(format: .tmx)) { row in
      let text = try Template("{en-us}{En_US}{EN-us.2}{DE}").text(for: row)
      #expect(text == "AABC")
      #expect(throws: RecordError.self) { try Template("{en}").text(for: row) }
    }
    // Names of columns have their case.
    try Reading.each(Array("en-US\nx\n".utf8), CorpusReader(format: .csv)) { row in
      #expect(throws: RecordError.self) { try Template("{EN-us}").text(for: row) }
    }
  }

  @Test("a unit of many texts in one language takes no more than their time, and has a name for each")
  func manyTexts() throws {
    let count = 20_000
    let text =
      "<tmx><body><tu tuid=\"7\"><tuv xml:lang=\"EN.3\"><seg>z</seg></tuv><tuv xml:lang=\"tuid\"><seg>y</seg></tuv>"
      + String(repeating: "<tuv xml:lang=\"en\"><seg>x</seg></tuv>", count: count) + "</tu></body></tmx>"
    var names: [String] = []
    try Reading.each(Array(text.utf8), CorpusReader(format: .tmx)) { names = $0.fields.names }
    #expect(names.prefix(6) == ["tuid", "EN.3", "tuid.2", "en", "en.2", "en.4"])
    #expect(names.count == count + 3 && names.last == "en.\(count + 1)")
  }

  @Test("texts of a unit that are too long together are refused with the line of the unit")
  func longUnit() throws {
    let segment = "<tuv xml:lang=\"en\"><seg>" + String(repeating: "x", count: 23 << 20) + "</seg></tuv>"
    let text = "<tmx><body>\n<tu>\(segment)\(segment)\(segment)</tu></body></tmx>"
    let error = #expect(throws: RecordError.self) {
      try Reading.each(Array(text.utf8), CorpusReader(format: .tmx)) { _ in }
    }
    #expect(error?.description == "rows:2: a unit holds more than 64 MiB of text")
  }

  @Test("texts are measured unit by unit, and one that no unit keeps bars no other")
  func longUnits() throws {
    let segment = "<tuv xml:lang=\"en\"><seg>" + String(repeating: "x", count: 33 << 20) + "</seg></tuv>"
    let stray = "<seg>" + String(repeating: "y", count: 65 << 20) + "</seg>"
    let text = "<tmx><body><tu>\(stray)\(segment)</tu><tu>\(segment)</tu></body></tmx>"
    var lengths: [Int?] = []
    try Reading.each(Array(text.utf8), CorpusReader(format: .tmx)) {
      lengths.append($0.fields["en"]?.string?.utf8.count)
    }
    #expect(lengths == [33 << 20, 33 << 20])
  }

  @Test("a document of many translators with few segments each takes no more than what it holds")
  func manyColumns() throws {
    let count = 5_000
    let source = (0..<count).map { "<seg id=\"\($0)\">s</seg>" }.joined()
    let references = (0..<count).map { "<ref translator=\"\($0)\"><seg id=\"\($0)\">r</seg></ref>" }.joined()
    let text = "<dataset><doc id=\"d\"><src>\(source)</src>\(references)</doc></dataset>"
    var rows: [String] = []
    try Reading.each(Array(text.utf8), CorpusReader(format: .xml)) {
      rows.append($0.fields.names.joined(separator: " "))
    }
    #expect(rows.count == count && rows[7] == "doc seg src ref.7")
  }

  @Test(
    "no entity is expanded and nothing outside the file is read; the error names the reference",
    arguments: [
      ("<!ENTITY a \"x\">", "<seg id=\"1\">&a;</seg>", "refers to the entity &a;"),
      ("<!ENTITY a SYSTEM \"file:///etc/passwd\">", "<seg id=\"1\">&a;</seg>", "refers to the entity &a;"),
      ("<!ENTITY a \"x\">", "<seg id=\"&a;\">b</seg>", "refers to the entity &a;"),
      (
        "<!ENTITY % a SYSTEM \"http://127.0.0.1:9/x\"> %a;", "<seg id=\"1\">b</seg>",
        "refers to the parameter entity %a;"
      ),
      (
        "<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">", "<seg id=\"1\">&c;</seg>",
        "refers to the entity &c;"
      ),
      (
        "<!ENTITY b \"lol\">", "<seg id=\"&amp;&b;\">b</seg>", "refers to the entity &b;"
      ),
      ("<!ENTITY a \"x\">", "<seg id=\"1\">&b;</seg>", "refers to the entity &b;"),
      ("<!ENTITY a SYSTEM \"x\"><!ENTITY b \"x\">", "<seg id=\"1\">&a;</seg>", "refers to the entity &a;"),
      ("<!ENTITY % a \"x\"> %a;", "<seg id=\"1\">b</seg>", "refers to the parameter entity %a;"),
      ("<!ENTITY a \"x\"><!ATTLIST seg id CDATA \"&a;\">", "<seg>b</seg>", "refers to the entity &a;"),
    ])
  func entities(declarations: String, segment: String, expected: String) {
    let text = "<!DOCTYPE dataset [\(declarations)]><dataset><doc id=\"d\"><src>\(segment)</src></doc></dataset>"
    #expect(failure(text, .xml).contains(expected))
  }

  @Test(
    "a document type may declare entities that nothing refers to, the five that need no declaration among them",
    arguments: [
      "<!ENTITY a \"x\">", "<!ENTITY lt \"&#38;#60;\"><!ENTITY amp \"&#38;#38;\">", "<!ENTITY % a \"x\">",
      "<!ENTITY a SYSTEM \"file:///etc/passwd\"><!ENTITY b \"&a;\">", "<!ENTITY a PUBLIC \"p\" \"x\" NDATA gif>",
    ])
  func declarations(declarations: String) throws {
    let text =
      "<!DOCTYPE dataset SYSTEM \"x.dtd\" [\(declarations)]>"
      + "<dataset><doc id=\"d\"><src><seg id=\"&amp;\">b &lt; c</seg></src></doc></dataset>"
    #expect(try rows(text, .xml) == [#"1 {"doc":"d","seg":"&","src":"b < c"}"#])
  }

  @Test("segments whose ids only look alike are two")
  func ids() throws {
    let text = dataset(
      "<src><seg id=\"\u{E9}\">a</seg><seg id=\"e\u{301}\">b</seg></src><ref><seg id=\"e\u{301}\">c</seg></ref>")
    #expect(try rows(text, .xml).map { $0.contains("\"ref\":\"c\"") } == [false, true])
  }
}

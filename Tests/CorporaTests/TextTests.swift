import CanonicalJSON
import Corpora
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct TextTests {
  private func rows(_ text: String, _ layout: TextLayout) throws -> [String] {
    try Reading.rows(Array(text.utf8), CorpusReader(format: .text, layout: layout))
  }

  @Test(
    "where a file has no LF its lines end with CR; where it has, a CR within a line is text",
    arguments: [
      ("a\rb\r", [#"1 {"text":"a"}"#, #"2 {"text":"b"}"#]), ("a\rb\nc", [#"1 {"text":"a\rb"}"#, #"2 {"text":"c"}"#]),
      ("a\r\rb", [#"1 {"text":"a"}"#, #"2 {"text":""}"#, #"3 {"text":"b"}"#]),
    ])
  func carriageReturns(text: String, expected: [String]) throws {
    #expect(try rows(text, TextLayout()) == expected)
  }

  @Test("a first line of any length tells how lines end", arguments: [70_000, 200_000])
  func longFirstLine(count: Int) throws {
    func lengths(_ text: String) throws -> [Int] {
      var lengths: [Int] = []
      try Reading.each(Array(text.utf8), CorpusReader(format: .text)) {
        lengths.append($0.fields["text"]?.string?.utf8.count ?? -1)
      }
      return lengths
    }
    let long = String(repeating: "x", count: count)
    #expect(try lengths("a\rb\(long)\nsecond\n") == [3 + count, 6])
    #expect(try lengths("\(long)\rsecond\r") == [count, 6])
  }

  @Test("lines that end with CR are rows of JSONL and of columns, too")
  func carriageReturnRows() throws {
    #expect(
      try Reading.rows(Array("{\"a\":1}\r{\"a\":2}\r".utf8), CorpusReader(format: .jsonl)) == [
        #"1 {"a":1}"#, #"2 {"a":2}"#,
      ])
    #expect(try Reading.rows(Array("a b\r1 2\r".utf8), CorpusReader(format: .columns)) == [#"2 {"a":"1","b":"2"}"#])
  }

  @Test("UTF-16 that nobody declared is no text with NUL between its letters")
  func undeclared() {
    #expect(
      Reading.failure([0x61, 0, 0x0A, 0], CorpusReader(format: .text))
        == "1: holds a NUL byte; take it out, or set encoding to utf-16le if that is what it is")
  }

  @Test("every line is a row, an empty one too; only LF and CRLF end lines; the last needs no end")
  func lines() throws {
    #expect(
      try rows("a\r\n\nb\u{2028}c\u{0C}d", TextLayout()) == [
        #"1 {"text":"a"}"#, #"2 {"text":""}"#, "3 {\"text\":\"b\u{2028}c\\fd\"}",
      ])
    #expect(try rows("a\n", TextLayout()) == [#"1 {"text":"a"}"#])
    #expect(try rows("", TextLayout()) == [])
  }

  @Test("paragraphs stand between empty lines, records between lines that match a glob, a file is one row")
  func units() throws {
    let text = "\n\na\nb\n\n \nc\n"
    #expect(try rows(text, TextLayout(unit: .paragraph)) == [#"3 {"text":"a\nb"}"#, #"7 {"text":"c"}"#])
    #expect(
      try rows("==1==\na\n\nb\n==2==\nc\n", TextLayout(unit: .separated(by: "==*=="))) == [
        #"2 {"text":"a\n\nb"}"#, #"6 {"text":"c"}"#,
      ])
    #expect(try rows("a\n\nb\n", TextLayout(unit: .file)) == [#"1 {"text":"a\n\nb"}"#])
    #expect(try rows("\n\na\nb\n\n", TextLayout(unit: .file)) == [#"3 {"text":"a\nb"}"#])
  }

  @Test("the first pattern that matches takes a line apart; comments are gone before")
  func patterns() throws {
    let layout = TextLayout(
      comment: "#", patterns: [try LinePattern("{word}({variant}) {_}/{phones}"), try LinePattern("{word} {phones}")])
    #expect(
      try rows("a AH0 # article\n# nothing else\na(2) x/EY1 B\n", layout) == [
        #"1 {"word":"a","phones":"AH0"}"#, #"3 {"word":"a","variant":"2","phones":"EY1 B"}"#,
      ])
    #expect(
      Reading.failure(Array("word\n".utf8), CorpusReader(format: .text, layout: layout))
        == #"1: matches no pattern: "word""#)
    // What stands before and behind a field may not share characters.
    let tight = TextLayout(patterns: [try LinePattern("ab{x}b"), try LinePattern("{all}")])
    #expect(try rows("ab\nabb\nabcb\n", tight) == [#"1 {"all":"ab"}"#, #"2 {"x":""}"#, #"3 {"x":"c"}"#])
    #expect(throws: Template.Malformed.self) { try LinePattern("{a}{b}") }
    #expect(throws: Template.Malformed.self) { try LinePattern("a") }
  }

  @Test("columns are separated by any white space")
  func columns() throws {
    #expect(
      try Reading.rows(Array("a b\n1\t2\n3   4\n".utf8), CorpusReader(format: .columns)) == [
        #"2 {"a":"1","b":"2"}"#, #"3 {"a":"3","b":"4"}"#,
      ])
    #expect(
      Reading.failure(Array("a b\n1\n".utf8), CorpusReader(format: .columns))
        == "2: has 1 fields, the header names 2")
  }

  @Test("a TSV header may end with a remark that has no column")
  func remark() throws {
    #expect(
      try Reading.rows(Array("a\tb\t# see x\n1\t2\n".utf8), CorpusReader(format: .tsv)) == [#"2 {"a":"1","b":"2"}"#])
  }
}

@Suite struct EncodingTests {
  private func rows(_ bytes: [UInt8], _ encoding: String? = nil, _ format: CorpusFormat = .text) throws -> [String] {
    let encoding = try encoding.map { try TextEncoding(named: $0) } ?? .asFileSays
    return try Reading.rows(bytes, CorpusReader(format: format, encoding: encoding))
  }

  /// The texts of a file that comes in large pieces, as files do.
  private func texts(_ bytes: [UInt8], _ encoding: String) throws -> [String] {
    var texts: [String] = []
    try Reading.each(bytes, CorpusReader(format: .text, encoding: try TextEncoding(named: encoding))) { row in
      texts.append(row.fields["text"]?.string ?? "")
    }
    return texts
  }

  private func failure(_ bytes: [UInt8], _ encoding: String? = nil, _ format: CorpusFormat = .text) throws -> String {
    let encoding = try encoding.map { try TextEncoding(named: $0) } ?? .asFileSays
    return Reading.failure(bytes, CorpusReader(format: format, encoding: encoding))
  }

  @Test("a byte order mark tells UTF-8 and UTF-16, and is no part of the text")
  func marks() throws {
    #expect(try rows([0xEF, 0xBB, 0xBF, 0xC3, 0xA9]) == [#"1 {"text":"é"}"#])
    #expect(try rows([0xFF, 0xFE, 0xE9, 0x00, 0x0A, 0x00]) == [#"1 {"text":"é"}"#])
    #expect(try rows([0xFE, 0xFF, 0x00, 0xE9]) == [#"1 {"text":"é"}"#])
    #expect(try rows([0xFE, 0xFF, 0x00, 0xE9], "utf-16") == [#"1 {"text":"é"}"#])
  }

  @Test("a declared encoding is obeyed")
  func declared() throws {
    #expect(try rows([0xE9, 0x0A], "latin-1") == [#"1 {"text":"é"}"#])
    #expect(try rows([0x80, 0x0A], "windows-1252") == [#"1 {"text":"€"}"#])
    #expect(throws: TextEncoding.Unknown.self) { try TextEncoding(named: "klingon") }
  }

  @Test(
    "a text longer than any buffer comes whole, wherever a buffer ends within a character",
    arguments: ["cp1251", "koi8-r", "utf-16le", "gb18030"], [0, 1, 2])
  func long(encoding: String, shift: Int) throws {
    let codes: [String: [UInt8]] = [
      "cp1251": [0xE0], "koi8-r": [0xC1], "utf-16le": [0x30, 0x04], "gb18030": [0xA7, 0xD1],
    ]
    let ascii: [UInt8] = encoding == "utf-16le" ? [0x78, 0] : [0x78]
    let bytes =
      Array(repeatElement(ascii, count: shift).joined())
      + Array(repeatElement(codes[encoding] ?? [], count: 140_000).joined())
    let expected = String(repeating: "x", count: shift) + String(repeating: "а", count: 140_000)
    #expect(try texts(bytes, encoding) == [expected])
  }

  @Test(
    "the last character comes where a converter waits for an accent behind it",
    arguments: [
      ("windows-1258", [0x61], "a"), ("windows-1258", [0x61, 0xCC], "à"), ("windows-1255", [0xE0], "א"),
      ("windows-1258", [0x61, 0x8A, 0x62], "a\u{8A}b"), ("tcvn", [0x61], "a"), ("big5-hkscs", [0x88, 0x66], "Ê"),
    ] as [(String, [UInt8], String)])
  func held(encoding: String, bytes: [UInt8], expected: String) throws {
    #expect(try rows(bytes, encoding) == ["1 {\"text\":\"\(expected)\"}"])
  }

  @Test("bytes that iconv refuses and browsers take cost the same each")
  func refusedBytes() throws {
    let bytes = [UInt8](repeating: 0x81, count: 300_000)
    #expect(try texts(bytes, "l1") == [String(repeating: "\u{81}", count: 300_000)])
  }

  @Test("nothing is guessed: bytes that are not what they should be are an error with line and remedy")
  func refused() throws {
    let remedy = "is not valid UTF-8; declare the file's encoding, for example with encoding: windows-1252"
    #expect(try failure([0x61, 0x0A, 0xE9, 0x0A]) == "2: " + remedy)
    #expect(try failure(Array("{\"a\":\"".utf8) + [0xE9] + Array("\"}\n".utf8), nil, .jsonl) == "1: " + remedy)
    #expect(try failure(Array("a,b\n1,".utf8) + [0xE9, 0x0A], nil, .csv) == "2: " + remedy)
    #expect(
      try failure([0x61, 0x00], "utf-16") == "-: has no byte order mark; set encoding to utf-16le or utf-16be")
    #expect(
      try failure([0xFF, 0xFE, 0x61, 0x00], "utf-8")
        == "-: has a byte order mark of UTF-16LE, but encoding says utf-8")
    #expect(try failure([0xFF, 0xFE, 0x61, 0x00, 0x62]).contains("is not valid UTF-16LE"))
    #expect(try failure([0x61, 0x0A, 0x81, 0x0A], "windows-1252").contains("2: is not valid CP1252"))
  }

  @Test(
    "a label means what browsers take it for, whatever its case and the blanks around it",
    arguments: [
      ("latin1", [0x93, 0xE9, 0x94], "“é”"), (" ISO-8859-1\t", [0x93], "“"), ("latin-1", [0x80], "€"),
      ("iso-8859-9", [0xF0, 0x93], "ğ“"), ("gb2312", [0xE6, 0x89], "鎵"), ("GB_2312-80", [0x82, 0x31], "\u{FFFF}"),
      ("gbk", [0x80], "€"), ("x-sjis", [0x87, 0x40, 0x7E], "①~"), ("Shift_JIS", [0xFB, 0xFC], "髙"),
      ("euc-kr", [0x8C, 0x63], "똠"), ("ks_c_5601-1987", [0x8C, 0x63], "똠"), ("big5", [0x87, 0x40], "䏰"),
      ("big5", [0xA1, 0x5A, 0xA1, 0xC3, 0xA1, 0xC5, 0xA1, 0xFE, 0xA2, 0x40], "╴￣ˍ／＼"),
      ("big5", [0xA2, 0xCC, 0xA2, 0xCE, 0xA3, 0xE1], "十卅€"), ("euc-jp", [0xF9, 0xA1, 0x61, 0xFC, 0xFE], "纊a＂"),
      ("euc-jp", [0xA1, 0xC1], "～"), ("tis-620", [0xA1, 0x85], "ก…"), ("unicode-1-1-utf-8", [0xC3, 0xA9], "é"),
      ("l1", [0x81], "\u{81}"), ("cp1251", [0xC0], "А"), ("koi8-r", [0xC1], "а"), ("visual", [0xE0], "א"),
    ] as [(String, [UInt8], String)])
  func labels(label: String, bytes: [UInt8], expected: String) throws {
    // A number of two bytes that is cut off is an error, not a guess.
    guard expected != "\u{FFFF}" else {
      return #expect(try failure(bytes, label).contains("is not valid GB18030"))
    }
    #expect(try rows(bytes, label) == ["1 {\"text\":\"\(expected)\"}"])
    let page = Array("<meta charset=\"\(label)\"><p>".utf8) + bytes
    #expect(
      try Reading.rows(page, CorpusReader(format: .html)) == ["1 {\"title\":\"\",\"text\":\"\(expected)\"}"])
  }

  @Test(
    "where iconv's table is another than the Encoding Standard's, the standard's counts",
    arguments: [
      ("koi8-u", [0xAE, 0x61, 0xBE, 0xAD], "ўaЎґ"), ("x-mac-cyrillic", [0xFF, 0xE0], "€а"),
      ("macintosh", [0xC6, 0xF0, 0x8E], "\u{2206}\u{F8FF}é"), ("windows-1255", [0xE0, 0xCA, 0x81], "א\u{5BA}\u{81}"),
      ("gbk", [0xA3, 0xA0, 0x61, 0xFE, 0x51, 0xFE, 0x91, 0x80], "\u{3000}a\u{E816}\u{E855}€"),
      ("gb18030", [0x81, 0x30, 0xA3, 0x30, 0xA3, 0xA0, 0xB0, 0xA1], "\u{1F8}\u{3000}啊"),
      ("big5", [0x8E, 0x69, 0xA1, 0x45, 0xFE, 0xDD, 0x61, 0xA4, 0xA4, 0xA3, 0xC0], "箸‧砉a中␀"),
      ("big5", [0x88, 0x66, 0xA1, 0xE3], "Ê～"), ("big5", [0xA4, 0xA1, 0xA1, 0x45], "丑‧"),
      ("euc-jp", [0x8F, 0xA2, 0xC3, 0xA4, 0xA2, 0x8F, 0xB0, 0xA1], "\u{A6}あ丂"),
      ("euc-jp", [0x8E, 0xB1, 0xFC, 0xFC], "ｱ￤"),
      ("windows-1255", [0xE0, 0xC7, 0x61, 0xF9, 0xD1], "א\u{5B7}aש\u{5C1}"),
      ("windows-1258", [0x61, 0xCC, 0x41, 0xD2], "a\u{300}A\u{309}"),
      (
        "gb18030", [0x82, 0x35, 0x90, 0x37, 0x82, 0x35, 0x91, 0x34, 0x84, 0x31, 0x82, 0x36, 0x84, 0x31, 0x83, 0x35],
        "\u{9FB4}\u{9FBB}\u{FE10}\u{FE19}"
      ),
    ] as [(String, [UInt8], String)])
  func exceptions(label: String, bytes: [UInt8], expected: String) throws {
    #expect(try rows(bytes, label).map { Array($0.utf8) } == [Array("1 {\"text\":\"\(expected)\"}".utf8)])
    // Wherever a buffer ends, and whatever the room.
    let count = 40_000
    let many = try texts(Array(repeatElement(bytes, count: count).joined()), label)
    #expect(many.map { Array($0.utf8) } == [Array(String(repeating: expected, count: count).utf8)])
  }

  @Test(
    "ISO-2022-JP has the characters of browsers, NEC's and IBM's among them, and its four sets",
    arguments: [
      ("\u{1B}$B!A\u{1B}(B", "～"), ("\u{1B}$B!B!]!q!r\"L\u{1B}(B~\\", "∥－￠￡￢~\\"), ("\u{1B}$B-!y!\u{1B}(Ba", "①纊a"),
      ("\u{1B}$@$\"\u{1B}(J\\~a\u{1B}(I1_\u{1B}(Bb", "あ¥‾aｱﾟb"), ("a\u{1B}$B0!", "a亜"), ("plain", "plain"),
    ])
  func iso2022JP(text: String, expected: String) throws {
    let escaped = expected.replacing("\\", with: "\\\\")
    #expect(try rows(Array(text.utf8), "iso-2022-jp") == ["1 {\"text\":\"\(escaped)\"}"])
  }

  @Test(
    "what is no ISO-2022-JP is refused with its line",
    arguments: [
      ("a\n\u{1B}$B)!", 2), ("a\n\u{1B}", 2), ("\u{1B}$B!", 1), ("\u{1B}(C", 1), ("\n\n\u{E}", 3), ("é", 1),
      ("\u{1B}(Ia", 1), ("\u{1B}$B!\u{1B}(B", 1),
    ])
  func noISO2022JP(text: String, line: Int) throws {
    #expect(
      try failure(Array(text.utf8), "iso-2022-jp")
        == "\(line): is not valid ISO-2022-JP; declare the file's encoding with encoding")
  }

  @Test("characters of one's own in EUC-JP, which browsers don't know, are refused with their line")
  func ownCharacters() throws {
    #expect(try failure([0x61, 0x0A, 0xF5, 0xA1], "euc-jp").contains("is not valid EUC-JP-MS"))
    #expect(try failure([0xFD, 0xA1], "euc-jp").contains("is not valid EUC-JP-MS"))
    #expect(try failure([0xA3, 0xE2, 0x0A], "big5").contains("1: is not valid BIG5-HKSCS"))
  }

  @Test(
    "a page declares its encoding in a meta element, not in a comment or an attribute, or as XML does",
    arguments: [
      ("<meta http-equiv=Content-Type content='text/html; Charset = \"latin1\"'>", "“"),
      ("<META\nCONTENT='a; charset=latin1;b' HTTP-EQUIV='content-type'>", "“"),
      ("<?xml version='1.0' encoding='ISO-8859-1'?>", "“"), ("<meta/charset=latin1>", "“"),
      ("<meta name=x content='charset=koi8-r'><meta charset=latin1>", "“"),
      ("<!-- <meta charset=koi8-r> --><meta charset=latin1>", "“"),
      ("<!-- > <meta charset=koi8-r> --><meta charset=latin1>", "“"),
      ("<meta http-equiv=refresh content='5; charset=koi8-r'><meta charset=latin1>", "“"),
      ("<p title='<meta charset=koi8-r>'><meta charset=latin1>", "“"),
    ])
  func declarations(head: String, expected: String) throws {
    #expect(
      try Reading.rows(Array(head.utf8) + [0x93], CorpusReader(format: .html)) == [
        "1 {\"title\":\"\",\"text\":\"\(expected)\"}"
      ])
  }

  @Test("windows-1252 and ASCII by their own names are taken strictly; an unknown label is named")
  func strict() throws {
    #expect(try failure([0xE9], "us-ascii").contains("is not valid ASCII"))
    #expect(try rows([0x93], "windows-1252") == [#"1 {"text":"“"}"#])
    #expect(try failure([0x81], "cp1252").contains("is not valid CP1252"))
    #expect(
      Reading.failure(Array("<meta charset='kling\u{1B}on'>".utf8), CorpusReader(format: .html))
        == "-: declares the encoding kling\\u{1b}on, which is unknown; set encoding")
    // UTF-16 can't be declared in letters of ASCII.
    #expect(
      try Reading.rows(Array("<meta charset=utf-16>é".utf8), CorpusReader(format: .html)) == [
        #"1 {"title":"","text":"é"}"#
      ])
  }

  @Test("XML says its encoding itself; what the user declares comes first")
  func inXML() throws {
    func tmx(_ declaration: String, _ text: [UInt8]) -> [UInt8] {
      Array("\(declaration)<tmx><body><tu><tuv xml:lang=\"en\"><seg>".utf8) + text
        + Array("</seg></tuv></tu></body></tmx>".utf8)
    }
    let latin = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"
    #expect(try rows(tmx(latin, [0xE9]), nil, .tmx) == [#"1 {"en":"é"}"#])
    #expect(try rows(tmx(latin, [0xC3, 0xA9]), "utf-8", .tmx) == [#"1 {"en":"é"}"#])
    #expect(try failure(tmx("", [0xE9]), nil, .tmx).contains("is no well-formed XML"))
    let chinese = "<?xml version=\"1.0\" encoding='GB2312'?>"
    #expect(try rows(tmx(chinese, [0xE6, 0x89]), nil, .tmx) == [#"1 {"en":"鎵"}"#])
    let wide = tmx("<?xml version=\"1.0\" encoding=\"UTF-16\"?>", [0x78]).flatMap { [$0, 0] as [UInt8] }
    #expect(try rows([0xFF, 0xFE] + wide, nil, .tmx) == [#"1 {"en":"x"}"#])
    #expect(try rows(wide, nil, .tmx) == [#"1 {"en":"x"}"#])
    #expect(
      try failure(tmx("<?xml version=\"1.0\" encoding=\"none\"?>", [0x78]), nil, .tmx)
        == "-: declares the encoding none, which is unknown; set encoding")
  }
}

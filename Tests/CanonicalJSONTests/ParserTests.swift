import CanonicalJSON
import Testing

@Suite("JSON parser")
struct ParserTests {
  @Test(
    "What is not JSON is refused with line and column",
    arguments: [
      ("", 1, 1), ("  ", 1, 3), ("{", 1, 2), ("[1,]", 1, 4), ("[1 2]", 1, 4), ("{\"a\":1,}", 1, 8),
      ("{\"a\" 1}", 1, 6), ("{a:1}", 1, 2), ("[\n  1,\n  x\n]", 3, 3), ("nul", 1, 1), ("nulL", 1, 1), ("01", 1, 2),
      ("-", 1, 2), ("1.", 1, 3), (".5", 1, 1), ("1e", 1, 3), ("+1", 1, 1), ("NaN", 1, 1), ("1e999", 1, 1),
      ("\"abc", 1, 5), ("\"\\x\"", 1, 3), ("\"a\nb\"", 1, 3), ("[1] 2", 1, 5), ("\u{feff}1", 1, 1),
      ("'a'", 1, 1), ("// c\n1", 1, 1),
    ])
  func refused(text: String, line: Int, column: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.line == line, "\(text): \(error.map(String.init(describing:)) ?? "")")
    #expect(error?.column == column, "\(text): \(error.map(String.init(describing:)) ?? "")")
  }

  @Test("A member that stands twice is refused, in small and in large objects")
  func duplicates() throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\"a\":1,\n \"a\":2}") }
    #expect(error?.description == "line 2, column 2: member \"a\" stands twice")
    #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"a":1,"\u0061":2}"#) }
    let many = (0..<100).map { "\"n\($0)\":\($0)" }.joined(separator: ",")
    #expect(try JSONValue(parsing: "{\(many)}").object?.count == 100)
    for name in ["n0", "n31", "n32", "n99"] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: "{\(many),\"\(name)\":0}") }
    }
    let withEmpty = "{\"\":0,\(many),\"\":1}"
    #expect(throws: JSONError.self) { try JSONValue(parsing: withEmpty) }
  }

  @Test("Two spellings of an accented name are two members")
  func namesAreBytes() throws {
    let value = try JSONValue(parsing: #"{"\u00e9":1,"e\u0301":2}"#)
    #expect(value["\u{e9}"] == 1)
    #expect(value["e\u{301}"] == 2)
  }

  @Test("Surrogate pairs join; a lone surrogate is refused, whichever half")
  func surrogates() throws {
    #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == "😀")
    #expect(try JSONValue(parsing: #""\uD834\uDD1E""#) == "𝄞")
    for text in [#""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\n""#, #""\ud83d\ud83d""#, #""\ud83""#] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }
  }

  @Test("Bytes that are no UTF-8 are refused: overlong forms, raw surrogates, cut sequences")
  func invalidText() {
    for bytes: [UInt8] in [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xFF], [0xF4, 0x90, 0x80, 0x80]] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    }
  }

  @Test("Nesting of 512 is read, deeper is refused rather than ending the process")
  func nesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(try JSONValue(parsing: nested(512)).array?.count == 1)
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(513)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000)) }
  }

  @Test("Numbers are read to the nearest double, integers of any length too")
  func numbers() throws {
    let cases: [(String, Double)] = [
      ("0", 0), ("-0", -0.0), ("123456789012345", 123_456_789_012_345), ("9007199254740993", 9_007_199_254_740_992),
      ("18446744073709551616", 18_446_744_073_709_551_616), ("1E+2", 100), ("1e-400", 0),
      ("2.2250738585072011e-308", Double(bitPattern: 0x000f_ffff_ffff_ffff)), ("0.1", 0.1), ("-1.5e3", -1500),
    ]
    for (text, value) in cases { #expect(try JSONValue(parsing: text) == .number(value), "\(text)") }
    #expect(JSONValue(3.0).integer == 3)
    #expect(JSONValue(3.5).integer == nil)
  }

  @Test("Objects are equal in any order of members, and hash alike; setting keeps a member's place")
  func objects() {
    let one: JSONObject = ["a": 1, "b": 2]
    let other: JSONObject = ["b": 2, "a": 1]
    #expect(one == other)
    #expect(one.hashValue == other.hashValue)
    #expect(one != ["a": 1, "b": 3])
    var changed = one
    changed["a"] = 5
    changed["c"] = 6
    #expect(changed.names == ["a", "b", "c"])
    changed["a"] = nil
    #expect(changed.names == ["b", "c"])
  }
}

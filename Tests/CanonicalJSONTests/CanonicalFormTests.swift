import CanonicalJSON
import Testing

@Suite("Canonical JSON (RFC 8785)")
struct CanonicalFormTests {
  func canonical(_ text: String) throws -> String {
    String(decoding: try JSONValue(parsing: text).canonical, as: UTF8.self)
  }

  /// RFC 8785, Appendix B, and the ECMAScript borders between notations.
  static let numbers: [(UInt64, String)] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0xc3e0_0000_0000_0000, "-9223372036854776000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
  ]

  @Test("Numbers print as RFC 8785's samples do", arguments: numbers)
  func numberSamples(bits: UInt64, expected: String) {
    #expect(JSONValue(Double(bitPattern: bits)).text == expected)
  }

  @Test("The RFC's own example of an object has the RFC's own bytes")
  func rfcExample() throws {
    let input = #"""
      {
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
      }
      """#
    #expect(
      try canonical(input)
        == #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
        + "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}")
  }

  @Test("Members are sorted by UTF-16 code units, as in the RFC's example, not by scalars")
  func sorting() throws {
    let input =
      #"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","#
      + #""\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#
    let names = try #require(JSONValue(parsing: JSONValue(parsing: input).canonical).object).names
    #expect(names == ["\r", "1", "\u{80}", "ö", "€", "😀", "\u{fb33}"])
  }

  @Test("Control characters are escaped as the RFC asks; all else stands for itself")
  func escapes() {
    #expect(JSONValue("\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}/é😀").text == "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}/é😀\"")
  }

  @Test("Canonical bytes are a fixed point: parsed and printed again they are the same")
  func fixedPoint() throws {
    let texts = [
      #"{"b":[1,2.5,{"z":null,"a":""}],"a":{"é":1,"e\u0301":2},"":[]}"#, "[]", "{}", "\"\"", "0", "[[[{}]]]",
    ]
    for text in texts {
      let once = try JSONValue(parsing: text).canonical
      #expect(try JSONValue(parsing: once).canonical == once)
    }
  }

  @Test("A float prints its own shortest form and reads back to the same float")
  func floats() throws {
    var bits: UInt32 = 1
    for _ in 0..<20_000 {
      bits = bits &* 1_664_525 &+ 1_013_904_223
      let value = Float(bitPattern: bits)
      guard value.isFinite else { continue }
      var text = JSONText()
      text.append(value)
      let read = try #require(try JSONValue(parsing: text.bytes).number)
      #expect(Float(read).bitPattern == value.bitPattern || value == 0)
    }
    var text = JSONText()
    text.append(Float(0.1))
    #expect(String(decoding: text.bytes, as: UTF8.self) == "0.1")
    #expect(JSONValue.number(shortest: 0.1).text == "0.1")
  }

  @Test("A double reads back to the same double")
  func doubles() throws {
    var bits: UInt64 = 1
    for _ in 0..<20_000 {
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: bits)
      guard value.isFinite else { continue }
      let read = try #require(try JSONValue(parsing: JSONValue(value).text).number)
      #expect(read == value)
    }
  }

  @Test("Pretty text and one-line text keep the order of members and read back equal")
  func otherForms() throws {
    let value: JSONValue = ["b": [1, ["c": nil]], "a": "x", "e": [], "o": [:]]
    #expect(value.text == #"{"b":[1,{"c":null}],"a":"x","e":[],"o":{}}"#)
    #expect(try JSONValue(parsing: value.prettyText) == value)
    #expect(value.prettyText.hasSuffix("}\n"))
  }
}

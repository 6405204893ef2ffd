import StageKit
import Testing

@Suite struct VisibleTextTests {
  @Test("what a terminal would obey, and what turns the direction of writing, is shown; lines and tabs stay in a text")
  func visible() {
    let text = "a\n\tb\u{1B}[2J\u{7F}\u{9B}c\u{202E}d\u{2066}e\u{2028}é\u{A0}"
    #expect(
      VisibleText.lines(text) == "a\n\tb\\u{1b}[2J\\u{7f}\\u{9b}c\\u{202e}d\\u{2066}e\\u{2028}é\u{A0}")
    #expect(VisibleText.line("a\nb\tc") == "a\\u{a}b\\u{9}c")
  }

  @Test("a line is no longer than its bound, counted in characters, not bytes")
  func bounded() {
    let text = String(repeating: "é", count: 10)
    #expect(VisibleText.line(text, limit: 10) == text)
    #expect(VisibleText.line(text + "é", limit: 10) == String(repeating: "é", count: 9) + "…")
  }

  @Test("hidden characters within a JSON text become JSON's own escapes, and the document stays the same")
  func escaped() {
    #expect(
      VisibleText.escapedJSON("{\"a\": \"\u{9B}x\u{202E}é\u{A0}\",\n \"b\": 1}")
        == "{\"a\": \"\\u009bx\\u202eé\u{A0}\",\n \"b\": 1}")
  }
}

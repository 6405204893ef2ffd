import Records
import Testing

@Suite struct RepeatedIDTests {
  @Test("the first id that two rows have is found with both rows, and how many repeat one")
  func found() throws {
    let repeated = try #require(RepeatedID(in: ["a", "b", "c", "b", "a", "b"]))
    #expect(repeated.id == "b" && repeated.first == 2 && repeated.second == 4 && repeated.count == 3)
    #expect(repeated.description == #"rows 2 and 4 have one id, "b" (3 rows repeat an id)"#)
    #expect(RepeatedID(in: ["a", "b"]) == nil && RepeatedID(in: [String]()) == nil)
  }

  @Test("ids are told apart by their bytes, not by what looks alike")
  func bytes() {
    #expect(RepeatedID(in: ["\u{E9}", "e\u{301}"]) == nil)
    #expect(RepeatedID(in: ["\u{E9}", "\u{E9}"]) != nil)
  }

  @Test("an id in the message is one line of bounded length")
  func shown() throws {
    let id = "a\n\u{1B}[2J" + String(repeating: "x", count: 1000)
    let text = try #require(RepeatedID(in: [id, id])).description
    #expect(text.utf8.count < 160 && !text.contains("\n") && !text.contains("\u{1B}"))
  }
}

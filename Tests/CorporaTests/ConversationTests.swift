import CanonicalJSON
import Corpora
import Records
import SystemPackage
import Testing

@Suite struct ConversationTests {
  private func row(_ messages: JSONValue) -> CorpusRow {
    CorpusRow(file: "rows", line: 2, fields: ["messages": messages])
  }
  private let messages: JSONValue = [
    ["role": "system", "content": "Be brief."], ["role": "user", "content": "Hi"],
    ["role": "assistant", "content": "Hello"],
    ["role": "user", "content": [["type": "text", "text": "1+"], ["type": "text", "text": "1?"]]],
    ["role": "assistant", "content": "2"], ["role": "user", "content": "Thanks"],
  ]

  @Test("the assistant's last message is the completion; the prompt ends where its content would begin")
  func lastTurn() throws {
    let row = try Conversation(field: "messages", turn: "<{role}> {content}\n").applied(to: row(messages))
    #expect(
      row.fields["prompt"]?.string
        == "<system> Be brief.\n<user> Hi\n<assistant> Hello\n<user> 1+1?\n<assistant> ")
    #expect(row.fields["completion"]?.string == "2")
  }

  @Test("ShareGPT's messages are read as the others are")
  func shareGPT() throws {
    let messages: JSONValue = [
      ["from": "system", "value": "Be brief."], ["from": "human", "value": "Hi"], ["from": "gpt", "value": "Hello"],
    ]
    let row = try Conversation(field: "messages", turn: "<{role}> {content}\n").applied(to: row(messages))
    #expect(row.fields["prompt"]?.string == "<system> Be brief.\n<user> Hi\n<assistant> ")
    #expect(row.fields["completion"]?.string == "Hello")
  }

  @Test(
    "what is no conversation is refused",
    arguments: [
      ("x", "field \"messages\": expected a list of messages, found a string"),
      ([["role": "user", "content": "x"]], "no message is the assistant's"),
      ([["content": "x"]], "a message lacks its role"),
      ([["from": "gpt", "content": "x"]], "has no text as its content"),
      ([["role": "assistant", "value": "x"]], "has no text as its content"),
      (
        [["role": "user", "content": [["type": "image"]]], ["role": "assistant", "content": "x"]],
        "holds a part that is no text, of type image"
      ),
      (
        [["role": "assistant", "content": nil, "tool_calls": [["id": 1]]]],
        "a message of assistant has no text as its content but a tool call"
      ),
      (
        [["role": "user\u{1B}", "content": true], ["role": "assistant", "content": "x"]], "of user\\u{1b} has no text"
      ),
      ([["role": "assistant", "content": nil]], "has no text as its content"),
    ] as [(JSONValue, String)])
  func refused(messages: JSONValue, expected: String) throws {
    let conversation = try Conversation(field: "messages", turn: "{content}")
    do {
      _ = try conversation.applied(to: row(messages))
      Issue.record("it was read")
    } catch {
      #expect("\(error)".contains(expected))
    }
  }

  @Test("a number as content is the text that it is written as")
  func numbers() throws {
    let line = #"{"m":[{"role":"user","content":1.0},{"from":"gpt","value":12345678901234567890}]}"#
    try Reading.each(Array(line.utf8), CorpusReader(format: .jsonl)) { row in
      let row = try Conversation(field: "m", turn: "{content}").applied(to: row)
      #expect(row.fields["prompt"] == "1.0" && row.fields["completion"] == "12345678901234567890")
    }
  }

  @Test("what stands behind the answer need not be text")
  func behind() throws {
    let messages: JSONValue = [
      ["role": "user", "content": "q"], ["role": "assistant", "content": "a"], ["role": "tool", "content": nil],
    ]
    #expect(
      try Conversation(field: "messages", turn: "{content}").applied(to: row(messages)).fields["completion"] == "a")
  }

  @Test("a turn needs its content") func template() {
    #expect(throws: Template.Malformed.self) { try Conversation(field: "m", turn: "{role}") }
  }

  @Test("a template in a message is one line")
  func visibleTemplate() {
    let error = #expect(throws: Template.Malformed.self) { try Conversation(field: "m", turn: "a\n\u{1B}[2J") }
    #expect(error?.description == #"template "a\n\u{1b}[2J" lacks {content}"#)
  }
}

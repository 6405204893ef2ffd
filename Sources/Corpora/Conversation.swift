import CanonicalJSON
public import Records

/// Prompt and completion made of chat messages, `[{"role": …, "content": …}]`, or `[{"from": …, "value": …}]` as ShareGPT
/// has them, whose `human` is the user and whose `gpt` the assistant.
///
/// The last message of the assistant is the completion; those before it become the prompt, each by the template of a
/// turn, and the prompt ends with what that template has before the assistant's content. Messages behind it are left out.
public struct Conversation: Sendable, Hashable {
  private let field: String
  private let turn: Template
  private let lead: Template

  /// Messages in a field.
  ///
  /// - Parameters:
  ///   - field: The field that holds the list of messages.
  ///   - turn: A template over `role` and `content`.
  /// - Throws: `Template.Malformed` where the template can't be read or lacks `{content}`.
  public init(field: String, turn: String) throws(Template.Malformed) {
    self.field = field
    self.turn = try Template(turn)
    guard let cut = try Template.parts(of: turn).firstIndex(of: .field("content")) else {
      throw Template.Malformed(description: "template \"\(turn.shown())\" lacks {content}")
    }
    lead = try Template(parts: Array(Template.parts(of: turn)[..<cut]))
  }

  /// Whether a row has no messages.
  public func isMissing(in row: CorpusRow) -> Bool { row[field].map(\.isNull) ?? true }

  /// The row with the fields `prompt` and `completion`.
  ///
  /// - Parameter row: A row that holds messages.
  /// - Returns: The row with two more fields; fields of these names are replaced.
  /// - Throws: `RecordError` where there are no messages, or none of the assistant.
  public func applied(to row: CorpusRow) throws(RecordError) -> CorpusRow {
    guard let value = row[field] else {
      throw row.failure("there is no field \"\(field.shown())\"; the row has \(row.names.shownList())")
    }
    guard let elements = value.array else {
      throw row.failure("field \"\(field.shown())\": expected a list of messages, found \(value.typeName)")
    }
    var roles: [String] = []
    for element in elements { roles.append(try Self.role(of: element, in: row)) }
    guard let last = roles.lastIndex(where: { $0.utf8.elementsEqual("assistant".utf8) }) else {
      throw row.failure("field \"\(field.shown())\": no message is the assistant's, so there is no completion")
    }
    // What stands behind the answer is not read.
    var messages: [(role: String, content: String)] = []
    for (element, role) in zip(elements, roles).prefix(last + 1) {
      messages.append((role, try Self.content(of: element, role, in: row)))
    }
    func fields(_ index: Int) -> CorpusRow {
      CorpusRow(
        file: row.file, line: row.line,
        fields: ["role": .string(messages[index].role), "content": .string(messages[index].content)])
    }
    var prompt = ""
    for index in 0..<last { prompt += try turn.text(for: fields(index)) }
    prompt += try lead.text(for: fields(last))
    var row = row
    row.fields["prompt"] = .string(prompt)
    row.fields["completion"] = .string(messages[last].content)
    return row
  }

  /// The usual name of one of ShareGPT's.
  private static func role(_ name: String) -> String {
    switch name {
    case "human": "user"
    case "gpt": "assistant"
    default: name
    }
  }

  private static func role(of element: JSONValue, in row: CorpusRow) throws(RecordError) -> String {
    guard let object = element.object, let role = object["role"]?.string ?? object["from"]?.string.map(Self.role) else {
      throw row.failure(
        "a message lacks its role; expected {\"role\": …, \"content\": …} or {\"from\": …, \"value\": …}")
    }
    return role
  }

  private static func content(
    of element: JSONValue, _ role: String, in row: CorpusRow
  ) throws(RecordError) -> String {
    let shown = role.shown(limit: 40)
    switch element[element["role"] == nil ? "value" : "content"] {
    case .string(let text)?: return text
    case let number? where number.number != nil: return number.text
    case .array(let parts):
      var text = ""
      for part in parts {
        guard part["type"]?.string == "text", let piece = part["text"]?.string else {
          let type = part["type"]?.string.map { ", of type \($0.shown(limit: 40))" } ?? ""
          throw row.failure("a message of \(shown) holds a part that is no text\(type)")
        }
        text += piece
      }
      return text
    case let other:
      let calls = (element["tool_calls"] ?? element["function_call"]).map { $0.isNull ? "" : " but a tool call" } ?? ""
      throw row.failure(
        "a message of \(shown) has no text as its content\(calls.isEmpty ? ", found \(other?.typeName ?? "nothing")" : calls)"
      )
    }
  }
}

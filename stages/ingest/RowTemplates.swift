import CanonicalJSON
import Corpora
import Records
import StageKit

/// What becomes of a row's fields.
struct RowTemplates: Sendable {
  private let conversation: Conversation?
  private let prompt: Template
  private let completion: Template
  private let references: [Template]
  private let dropsIncomplete: Bool
  /// Whether an empty completion passes, because a filter by length takes it out.
  private let allowsEmpty: Bool

  init(_ parameters: ParameterValues) throws(ParameterError) {
    func template(_ text: String, _ parameter: String) throws(ParameterError) -> Template {
      do throws(Template.Malformed) {
        return try Template(text)
      } catch {
        throw ParameterError(parameter: parameter, found: error.description, expected: "a template such as {field}")
      }
    }
    prompt = try template(parameters[IngestParameters.prompt], "prompt")
    completion = try template(parameters[IngestParameters.completion], "completion")
    var templates: [Template] = []
    for text in parameters[IngestParameters.references] { templates.append(try template(text, "references")) }
    references = templates
    let field = parameters[IngestParameters.messages]
    do throws(Template.Malformed) {
      conversation = field.isEmpty ? nil : try Conversation(field: field, turn: parameters[IngestParameters.turn])
    } catch {
      throw ParameterError(
        parameter: "turn", found: error.description, expected: "a template such as {role}: {content}")
    }
    dropsIncomplete = parameters[IngestParameters.missing] == .drop
    allowsEmpty = (parameters[IngestParameters.minCompletion] ?? 0) > 0
  }

  /// The dataset's row for a row of the file; nil where it lacks a field and is to be dropped.
  ///
  /// - Parameters:
  ///   - row: The row.
  ///   - id: What messages call it.
  /// - Returns: The row, its id still empty, or nil.
  /// - Throws: `RecordError` where a field is absent or of another type, or the completion is empty.
  func row(_ row: CorpusRow, id: @autoclosure () -> String) throws(RecordError) -> DatasetRow? {
    var row = row
    func lacks(_ template: Template) -> Bool {
      template.fields.contains { row[$0].map(\.isNull) ?? true }
    }
    if let conversation {
      if dropsIncomplete, conversation.isMissing(in: row) { return nil }
      row = try conversation.applied(to: row)
    }
    if dropsIncomplete, lacks(prompt) || lacks(completion) { return nil }
    let completion = try self.completion.text(for: row)
    guard !completion.isEmpty || allowsEmpty else {
      throw row.failure("row \(id()) has an empty completion; mend the row or the template, or set min_completion: 1")
    }
    var answers: [String] = []
    for template in references where !(dropsIncomplete && lacks(template)) { answers += try template.texts(for: row) }
    if references.isEmpty, case .array(let elements)? = row.fields["references"] {
      answers = elements.compactMap(\.string)
      guard answers.count == elements.count else { throw row.failure("field \"references\": expected a list of texts") }
    }
    if answers.isEmpty { answers = [completion] }
    return DatasetRow(id: "", prompt: try prompt.text(for: row), completion: completion, references: answers)
  }
}

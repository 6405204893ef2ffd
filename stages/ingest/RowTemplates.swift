import CanonicalJSON
import Corpora
import Records
import StageKit

/// What becomes of a row's fields.
struct RowTemplates: Sendable {
  private let prompt: Template
  private let completion: Template
  private let references: [Template]

  init(prompt: String, completion: String, references: [String]) throws(ParameterError) {
    func template(_ text: String, _ parameter: String) throws(ParameterError) -> Template {
      do throws(Template.Malformed) {
        return try Template(text)
      } catch {
        throw ParameterError(parameter: parameter, found: error.description, expected: "a template such as {field}")
      }
    }
    self.prompt = try template(prompt, "prompt")
    self.completion = try template(completion, "completion")
    var templates: [Template] = []
    for text in references { templates.append(try template(text, "references")) }
    self.references = templates
  }

  /// The dataset's row for a row of the file.
  func row(_ row: CorpusRow, id: String) throws -> DatasetRow {
    let completion = try self.completion.text(for: row)
    guard !completion.isEmpty else {
      throw row.failure("row \(id) has an empty completion; mend the row or the template")
    }
    var answers: [String] = []
    for template in references { answers += try template.texts(for: row) }
    if references.isEmpty, case .array(let elements)? = row.fields["references"] {
      answers = elements.compactMap(\.string)
      guard answers.count == elements.count else { throw row.failure("field \"references\": expected a list of texts") }
    }
    if answers.isEmpty { answers = [completion] }
    return DatasetRow(id: id, prompt: try prompt.text(for: row), completion: completion, references: answers)
  }
}

import CanonicalJSON
import Corpora
import Records
import StageKit

/// What becomes of a row's fields.
struct RowTemplates: Sendable {
  /// What a row of the file became.
  enum Outcome {
    /// A row, its id still empty; without references where the field `references` is an empty list. The templates of
    /// references that it lacks fields for are named by number, with whether the row names the fields, if only as null.
    case row(DatasetRow, lacking: [(template: Int, isNamed: Bool)])
    /// Dropped: it lacks a field.
    case incomplete
    /// Dropped: its messages are no conversation of texts that ends with the assistant's.
    case withoutConversation
  }

  /// One template for all splits, or one for each.
  private enum Templates: Sendable {
    case all(Template)
    case each([(split: Split, template: Template)])

    var templates: [Template] {
      switch self {
      case .all(let template): [template]
      case .each(let templates): templates.map(\.template)
      }
    }

    func callAsFunction(_ split: Split) -> Template? {
      switch self {
      case .all(let template): template
      case .each(let templates): templates.first { $0.split == split }?.template
      }
    }
  }

  private let conversation: Conversation?
  private let prompt: Templates
  private let completion: Templates
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
    func templates(_ value: TextOrMap, _ parameter: String) throws(ParameterError) -> Templates {
      switch value {
      case .text(let text): return .all(try template(text, parameter))
      case .map(let map):
        var templates: [(split: Split, template: Template)] = []
        for entry in map.entries {
          templates.append((try Split(named: entry.name, of: parameter), try template(entry.value, parameter)))
        }
        return .each(templates)
      }
    }
    prompt = try templates(parameters[IngestParameters.prompt], "prompt")
    completion = try templates(parameters[IngestParameters.completion], "completion")
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
    guard !field.isEmpty || parameters[IngestParameters.turn] == IngestParameters.turn.declaration.defaultValue.string
    else { throw ParameterError(parameter: "turn", found: "no messages", expected: "messages beside it") }
    dropsIncomplete = parameters[IngestParameters.missing] == .drop
    allowsEmpty = (parameters[IngestParameters.minCompletion] ?? 0) > 0
  }

  /// The templates that are for one split alone.
  var perSplit: [(parameter: String, split: Split)] {
    [("prompt", prompt), ("completion", completion)].flatMap { name, templates -> [(parameter: String, split: Split)] in
      guard case .each(let each) = templates else { return [] }
      return each.map { (name, $0.split) }
    }
  }

  /// What each template of references reads, for messages.
  var referenceFields: [String] { references.map { $0.fields.map { "{\($0)}" }.joined(separator: " ") } }

  /// The fields that the templates read.
  var fields: [String] { (prompt.templates + completion.templates + references).flatMap(\.fields) }

  /// Refuses a split for which a map of templates has none.
  func check(_ split: Split) throws(StageFailure) {
    for (templates, name) in [(prompt, "prompt"), (completion, "completion")] where templates(split) == nil {
      throw StageFailure(
        "\(name) has no template for \(split.rawValue), which the source has",
        remedy: "add one, or leave the split out with files",
        status: .invalid)
    }
  }

  /// The dataset's row for a row of the file.
  ///
  /// - Parameters:
  ///   - row: The row.
  ///   - split: Its split.
  ///   - id: What messages call it.
  /// - Returns: What became of it.
  /// - Throws: `RecordError` where a field is absent or of another type, or the completion is empty.
  func row(_ row: CorpusRow, _ split: Split, id: @autoclosure () -> String) throws(RecordError) -> Outcome {
    guard let prompt = prompt(split), let completion = completion(split) else {
      throw row.failure("there is no template for \(split.rawValue)")
    }
    var row = row
    func lacks(_ template: Template) -> Bool {
      template.fields.contains { row[$0].map(\.isNull) ?? true }
    }
    if let conversation {
      do throws(RecordError) {
        row = try conversation.applied(to: row)
      } catch {
        if dropsIncomplete { return conversation.isMissing(in: row) ? .incomplete : .withoutConversation }
        throw Self.withRemedy(error)
      }
    }
    let isIncomplete = lacks(prompt) || lacks(completion)
    if dropsIncomplete, isIncomplete { return .incomplete }
    do throws(RecordError) {
      let answer = try completion.text(for: row)
      guard !answer.isEmpty || allowsEmpty else {
        throw row.failure("row \(id()) has an empty completion; mend the row or the template, or set min_completion: 1")
      }
      return .row(
        DatasetRow(
          id: "", prompt: try prompt.text(for: row), completion: answer,
          references: try answers(row, lacks) ?? [answer]),
        lacking: dropsIncomplete
          ? references.indices.filter { lacks(references[$0]) }.map { template in
            (template, references[template].fields.allSatisfy { row[$0] != nil })
          } : [])
    } catch {
      throw isIncomplete || references.contains(where: lacks) ? Self.withRemedy(error) : error
    }
  }

  private static func withRemedy(_ error: RecordError) -> RecordError {
    RecordError(file: error.file, line: error.line, reason: error.reason + "; missing: drop leaves such rows out")
  }

  /// The right answers, nil where neither parameter nor row names any.
  private func answers(_ row: CorpusRow, _ lacks: (Template) -> Bool) throws(RecordError) -> [String]? {
    if !references.isEmpty {
      let present = references.filter { !(dropsIncomplete && lacks($0)) }
      if present.isEmpty { return nil }
      var answers: [String] = []
      for template in present { answers += try template.texts(for: row) }
      return answers
    }
    switch row.fields["references"] {
    case nil, .null?: return nil
    case .array(let elements)?:
      let answers = elements.compactMap(Template.print)
      guard answers.count == elements.count else {
        throw row.failure("field \"references\": expected a list of texts, or one text")
      }
      return answers
    case let value?:
      guard let answer = Template.print(value) else {
        throw row.failure("field \"references\": expected a list of texts, or one text, found \(value.typeName)")
      }
      return [answer]
    }
  }
}

package import CanonicalJSON
package import StageKit

/// Reads a parameter from the text of a command-line argument.
package enum ParameterText {
  /// The value of a text by declared type: texts verbatim, everything else as YAML; nil where it does not fit.
  package static func value(of text: String, as type: ParameterType) -> JSONValue? {
    switch type {
    case .string, .choice: return .string(text)
    case .optional(let wrapped): return ["null", "~", ""].contains(text) ? .null : value(of: text, as: wrapped)
    // `{train: "…", test: "…"}` is a mapping; `{mr}` and `Q: {question}` are templates.
    case .textOrMap where !(text.utf8.first == UInt8(ascii: "{") && text.utf8.last == UInt8(ascii: "}")):
      return .string(text)
    case .textOrMap:
      let log = ProblemLog()
      guard let node = YAMLReader.read(text, at: .commandLine(text), log: log), log.isEmpty, let members = node.members,
        !members.contains(where: { $0.value.isNull }),
        let map = TypedReader(log: log, subject: "a parameter").read(node, as: .map(.string))
      else { return .string(text) }
      return map
    default:
      let log = ProblemLog()
      guard let node = YAMLReader.read(text, at: .commandLine(text), log: log), log.isEmpty else { return nil }
      return TypedReader(log: log, subject: "a parameter").read(node, as: type)
    }
  }
}

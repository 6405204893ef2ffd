package import CanonicalJSON
package import StageKit

/// Reads a parameter from the text of a command-line argument.
package enum ParameterText {
  /// The value of a text by declared type: texts verbatim, everything else as YAML; nil where it can't be read.
  package static func value(of text: String, as type: ParameterType) -> JSONValue? {
    switch type {
    case .string, .choice: .string(text)
    case .optional(let wrapped): ["null", "~", ""].contains(text) ? .null : value(of: text, as: wrapped)
    default: try? JSONValue(parsing: text)
    }
  }
}

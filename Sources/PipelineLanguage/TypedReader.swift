import CanonicalJSON
import StageKit

/// Reads values by the declared type of their parameter: `1e-3` is a number, `no` a string for a string.
struct TypedReader {
  var log: ProblemLog
  /// What the value is for, such as `epochs of train-mle`.
  var subject: String

  /// The value, or nil where it does not fit, which the log then says.
  func read(_ node: YAMLNode, as type: ParameterType) -> JSONValue? {
    switch (type, node.content) {
    case (_, .invalid): return nil
    case (.optional(let wrapped), _): return node.isNull ? .null : read(node, as: wrapped, expecting: type)
    default: return read(node, as: type, expecting: type)
    }
  }

  private func read(_ node: YAMLNode, as type: ParameterType, expecting whole: ParameterType) -> JSONValue? {
    switch (type, node.content) {
    case (.list(let element), .sequence(let nodes)):
      let values = nodes.compactMap { read($0, as: element) }
      guard values.count == nodes.count else { return nil }
      return .array(values)
    case (.textOrMap, .mapping(let members)) where !members.isEmpty && !members.contains { $0.value.isNull }:
      return read(node, as: .map(.string), expecting: whole)
    case (.map(let element), .mapping(let members)):
      let object = members.compactMap { member in
        read(member.value, as: element).map { (name: member.key, value: $0) }
      }
      guard object.count == members.count else { return nil }
      return .object(JSONObject(object))
    case (_, .scalar(let text, let isPlain)):
      if let value = scalar(text, isPlain: isPlain, as: type) { return value }
    default: break
    }
    log.report(
      node.origin, found: node.shown, expected: "\(whole.expectation) for \(subject)", nearest: hint(node, as: type))
    return nil
  }

  /// The value of a scalar, or nil where it is not of the type or out of range.
  private func scalar(_ text: String, isPlain: Bool, as type: ParameterType) -> JSONValue? {
    let value: JSONValue
    switch type {
    case .string, .textOrMap:
      if text.isEmpty && isPlain { return nil }
      value = .string(text)
    case .choice: value = .string(text)
    case .integer, .number:
      guard isPlain, let number = CoreSchema.number(text) else { return nil }
      if case .integer = type, let exact = Int(text), exact.magnitude > 1 << 53 { return nil }
      value = .number(number)
    case .boolean:
      guard isPlain, let flag = CoreSchema.resolve(text).bool else { return nil }
      value = .bool(flag)
    case .optional(let wrapped): return isPlain && text.isEmpty ? .null : scalar(text, isPlain: isPlain, as: wrapped)
    case .list, .map: return nil
    }
    // No conditional expression here: JSONValue has a nil literal of its own, which would mean null.
    guard type.accepts(value) else { return nil }
    return value
  }

  /// What was probably meant.
  private func hint(_ node: YAMLNode, as type: ParameterType) -> String? {
    switch (type, node.content) {
    case (.choice(let words), .scalar(let text, _)): return Spelling.nearest(to: text, among: words)
    case (.integer, .scalar(let text, false)), (.number, .scalar(let text, false)),
      (.boolean, .scalar(let text, false)):
      return scalar(text, isPlain: true, as: type).map { _ in text }
    case (.boolean, .scalar(let text, true)):
      switch text.lowercased() {
      case "yes", "on", "y", "1": return "true"
      case "no", "off", "n", "0": return "false"
      default: return nil
      }
    case (.list(let element), .scalar(let text, let isPlain)):
      return scalar(text, isPlain: isPlain, as: element).map { _ in "[\(text)]" }
    case (.string, .mapping(let members)), (.textOrMap, .mapping(let members)):
      // `prompt: {mr}` is a mapping to YAML.
      guard members.count == 1, members[0].value.isNull else { return nil }
      return "\"{\(members[0].key)}\""
    case (.string, .scalar("", true)), (.textOrMap, .scalar("", true)): return "\"\""
    default: return nil
    }
  }
}

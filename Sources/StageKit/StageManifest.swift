import CanonicalJSON

extension StageDeclaration {
  /// The manifest as `stage.yaml` holds it: for a built-in stage generated from the declaration.
  public var manifest: String {
    var text = "name: \(name)\nrevision: \(revision)\nsummary: \(Self.scalar(summary))\n"
    text += "in:" + Self.ports(inputs) + "out:" + Self.ports(outputs)
    text += parameters.isEmpty ? "parameters: {}\n" : "parameters:\n"
    for parameter in parameters {
      text += "  \(parameter.name):\n    type: \(Self.scalar(parameter.type.name))\n"
      text += "    default: \(parameter.defaultValue.text)\n"
      if let range = parameter.type.bounds { text += "    range: \(range)\n" }
      if case .choice(let words) = parameter.type.unwrapped {
        text += "    choices: [\(words.map(Self.scalar).joined(separator: ", "))]\n"
      }
      if let unit = parameter.unit { text += "    unit: \(Self.scalar(unit))\n" }
      text += "    doc: \(Self.scalar(parameter.doc))\n"
      if !parameter.affectsResult { text += "    affects_result: false\n" }
    }
    return text
  }

  private static func ports(_ ports: [PortDeclaration]) -> String {
    guard !ports.isEmpty else { return " {}\n" }
    return ports.reduce(into: "\n") { text, port in
      text += "  \(port.name): { kind: \(port.kind.rawValue)"
      if port.isMany { text += ", many: true" }
      if port.isOptional { text += ", optional: true" }
      text += ", doc: \(scalar(port.doc)) }\n"
    }
  }

  /// A YAML scalar: plain where nothing can be misread, else double-quoted as JSON is.
  private static func scalar(_ text: String) -> String {
    let plain = text.utf8.allSatisfy {
      ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x20 || $0 == 0x2D
        || $0 == 0x5F
    }
    let reserved = ["", "null", "true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
    let startsWell = text.utf8.first.map { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A } ?? false
    return plain && startsWell && !reserved && text.last != " " ? text : JSONValue.string(text).text
  }
}

extension ParameterType {
  /// The type inside an optional one.
  package var unwrapped: ParameterType { if case .optional(let wrapped) = self { wrapped } else { self } }

  /// The range as a YAML list, or nil.
  fileprivate var bounds: String? {
    switch unwrapped {
    case .integer(let range?): "[\(range.lowerBound), \(range.upperBound)]"
    case .number(let range?): "[\(JSONValue(range.lowerBound).text), \(JSONValue(range.upperBound).text)]"
    default: nil
    }
  }
}

import CanonicalJSON

/// One text at an input port, with every `${…}` in it replaced.
struct InputText {
  /// A reference or a path.
  var text: String
  /// Where the text, or the value that it is, was written.
  var origin: ValueOrigin
  /// What it is relative to if it is a path.
  var pathOrigin: ValueOrigin
  /// The text as the file writes it, only `${matrix.…}` replaced.
  var label: String
}

extension Scope {
  /// The texts at an input port: one for a scalar, any number for a list, none for null; nil where one is wrong.
  func inputTexts(_ node: YAMLNode) -> [InputText]? {
    if node.isNull { return [] }
    guard case .sequence(let elements) = node.content else { return scalarTexts(node) }
    let texts = elements.map { element in
      element.elements == nil ? scalarTexts(element) : reportShape(element)
    }
    return texts.contains { $0 == nil } ? nil : texts.flatMap { $0 ?? [] }
  }

  private func scalarTexts(_ node: YAMLNode) -> [InputText]? {
    guard let text = node.text, !text.isEmpty else { return reportShape(node) }
    guard Template.occurs(in: text) else {
      let pathOrigin = node.pathOrigin ?? node.origin
      return [InputText(text: text, origin: node.origin, pathOrigin: pathOrigin, label: text)]
    }
    guard let template = template(text, at: node.origin) else { return nil }
    guard let name = template.exactName else { return printedText(template, node) }
    guard let value = value(of: name, at: node.origin) else { return nil }
    if value.isNull { return [] }
    let isAxis = name.hasPrefix("matrix.")
    if let elements = value.elements {
      let texts = elements.enumerated().map { index, element in paramText(element, label: "\(text)[\(index)]") }
      return texts.contains { $0 == nil } ? nil : texts.compactMap(\.self)
    }
    let printed = value.value.map { Self.print($0) } ?? ""
    return paramText(value, label: isAxis ? printed : text).map { [$0] }
  }

  /// The text that a param holds.
  private func paramText(_ node: YAMLNode, label: String) -> InputText? {
    guard let text = node.text, !text.isEmpty else {
      _ = reportShape(node)
      return nil
    }
    return InputText(text: text, origin: node.origin, pathOrigin: node.pathOrigin ?? node.origin, label: label)
  }

  /// A text with names inside; an axis' value in a selection is printed as cell names print it.
  private func printedText(_ template: Template, _ node: YAMLNode) -> [InputText]? {
    var text = ""
    var label = ""
    var pathOrigin = node.origin
    for (index, piece) in template.pieces.enumerated() {
      switch piece {
      case .text(let literal):
        text += literal
        label += literal
      case .name(let name):
        guard let found = value(of: name, at: node.origin), let value = found.value else { return nil }
        if index == 0 { pathOrigin = found.pathOrigin ?? found.origin }
        let isSelected = text.utf8.last == UInt8(ascii: "=") && text.utf8.contains(UInt8(ascii: "@"))
        let printed = isSelected ? CellName.print(value) : Self.print(value)
        text += printed
        label += name.hasPrefix("matrix.") ? printed : "${\(name)}"
      }
    }
    return [InputText(text: text, origin: node.origin, pathOrigin: pathOrigin, label: label)]
  }

  private func reportShape(_ node: YAMLNode) -> [InputText]? {
    if !node.isInvalid { log.report(node.origin, found: node.shown, expected: "stage.port, or a path with a /") }
    return nil
  }
}

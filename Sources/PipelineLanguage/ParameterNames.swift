package import StageKit

/// Answers a parameter's name that a stage does not have.
package struct ParameterNames {
  private var declaration: StageDeclaration
  private var others: [StageDeclaration]

  /// Answers for a stage.
  ///
  /// - Parameters:
  ///   - declaration: The stage.
  ///   - others: Stages that may have what was meant, the likeliest first.
  package init(_ declaration: StageDeclaration, others: [StageDeclaration]) {
    self.declaration = declaration
    self.others = others
  }

  /// What was expected, and the name that was probably meant.
  ///
  /// Names from other tools come first, then near spellings, then names that another stage has.
  package func answer(to name: String) -> (expected: String, nearest: String?) {
    let expected = "a parameter of \(declaration.name)"
    let names = declaration.parameters.map(\.name)
    if names.isEmpty { return ("no parameters: \(declaration.name) has none", nil) }
    let foreign = ForeignNames.ours(for: name)
    let spelling = Spelling.normalized(name)
    let alias = declaration.aliases.first { Spelling.normalized($0.key) == spelling }?.value
    let own = alias ?? names.first { Spelling.normalized($0) == spelling } ?? foreign.first { names.contains($0) }
    if let own { return (expected, own) }
    if declaration.input(name) != nil { return ("ports under in", "in: { \(name): … }") }
    for candidate in [name] + foreign {
      if let stage = others.first(where: { $0.parameter(candidate) != nil }) {
        return ("\(expected); \(candidate) is one of \(stage.name)", candidate == name ? nil : candidate)
      }
    }
    if let near = Spelling.nearest(to: name, among: names) { return (expected, near) }
    return ("one of \(names.joined(separator: ", ")) of \(declaration.name)", nil)
  }
}

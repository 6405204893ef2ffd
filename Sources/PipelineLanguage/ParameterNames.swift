import StageKit

/// Answers a parameter's name that a stage does not have.
struct ParameterNames {
  var declaration: StageDeclaration
  /// The declarations of the file's stages.
  var used: [StageDeclaration]

  /// What was expected, and the name that was probably meant.
  ///
  /// Names from other tools come first, then near spellings, then names that another stage has.
  func answer(to name: String, builtins: [StageDeclaration]) -> (expected: String, nearest: String?) {
    let expected = "a parameter of \(declaration.name)"
    let names = declaration.parameters.map(\.name)
    if names.isEmpty { return ("no parameters: \(declaration.name) has none", nil) }
    let foreign = ForeignNames.ours(for: name)
    let spelling = NearestName.normalized(name)
    let alias = declaration.aliases.first { NearestName.normalized($0.key) == spelling }?.value
    let own = alias ?? names.first { NearestName.normalized($0) == spelling } ?? foreign.first { names.contains($0) }
    if let own { return (expected, own) }
    if declaration.input(name) != nil { return ("ports under in", "in: { \(name): … }") }
    for candidate in [name] + foreign {
      if let stage = (used + builtins).first(where: { $0.parameter(candidate) != nil }) {
        return ("\(expected); \(candidate) is one of \(stage.name)", candidate == name ? nil : candidate)
      }
    }
    if let near = NearestName.among(names, to: name) { return (expected, near) }
    return ("one of \(names.joined(separator: ", ")) of \(declaration.name)", nil)
  }
}

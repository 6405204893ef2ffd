/// A named place where an artifact enters or leaves a stage.
public struct PortDeclaration: Sendable, Hashable {
  /// The name that pipelines use; a noun.
  public var name: String
  /// What the artifact is.
  public var kind: ArtifactKind
  /// Whether the port takes an ordered list of artifacts.
  public var isMany: Bool
  /// Whether the port may be left unconnected.
  public var isOptional: Bool
  /// One line of documentation.
  public var doc: String

  /// A port.
  public init(_ name: String, _ kind: ArtifactKind, many: Bool = false, optional: Bool = false, doc: String) {
    self.name = name
    self.kind = kind
    self.isMany = many
    self.isOptional = optional
    self.doc = doc
  }
}

/// What a stage is: pure data that planners, documentation and cluster jobs share.
public struct StageDeclaration: Sendable {
  /// The word after `uses:`.
  public var name: String
  /// Raised by one whenever the same inputs may give other bytes; stands for the code in the action key.
  public var revision: Int
  /// One sentence.
  public var summary: String
  /// Ports that artifacts enter by.
  public var inputs: [PortDeclaration]
  /// Ports that artifacts leave by.
  public var outputs: [PortDeclaration]
  /// Parameters in the order of the documentation.
  public var parameters: [ParameterDeclaration]
  /// Names that users bring from other tools, with ours: `lr` is `learning_rate`.
  public var aliases: [String: String]

  /// A declaration.
  public init(
    name: String, revision: Int, summary: String, inputs: [PortDeclaration], outputs: [PortDeclaration],
    parameters: [ParameterDeclaration], aliases: [String: String] = [:]
  ) {
    self.name = name
    self.revision = revision
    self.summary = summary
    self.inputs = inputs
    self.outputs = outputs
    self.parameters = parameters
    self.aliases = aliases
  }

  /// The input port of a name.
  public func input(_ name: String) -> PortDeclaration? { inputs.first { $0.name == name } }
  /// The output port of a name.
  public func output(_ name: String) -> PortDeclaration? { outputs.first { $0.name == name } }
  /// The parameter of a name.
  public func parameter(_ name: String) -> ParameterDeclaration? { parameters.first { $0.name == name } }
}

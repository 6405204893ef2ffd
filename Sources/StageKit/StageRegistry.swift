/// The stages that a program knows, by name.
public struct StageRegistry: Sendable {
  /// The stages in the order of their listing.
  public let stages: [any Stage.Type]

  /// A registry.
  public init(_ stages: [any Stage.Type]) { self.stages = stages }

  /// The stage of a name.
  public func stage(named name: String) -> (any Stage.Type)? { stages.first { $0.declaration.name == name } }

  /// All declarations.
  public var declarations: [StageDeclaration] { stages.map { $0.declaration } }
}

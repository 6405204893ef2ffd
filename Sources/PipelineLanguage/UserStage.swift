public import StageKit
public import SystemPackage

/// A stage of the user's own: a folder with `stage.yaml` and any program.
public struct UserStage: Sendable {
  /// What the manifest declares.
  public var declaration: StageDeclaration
  /// The folder, absolute.
  public var folder: FilePath
  /// The program and its arguments; it runs in a folder that holds copies of `code`.
  public var command: [String]
  /// Files that the program consists of, relative to the folder; their bytes belong to the action key.
  public var code: [FilePath]

  /// A stage.
  public init(declaration: StageDeclaration, folder: FilePath, command: [String], code: [FilePath]) {
    self.declaration = declaration
    self.folder = folder
    self.command = command
    self.code = code
  }
}

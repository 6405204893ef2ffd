public import SystemPackage

/// Why a model directory can't be loaded.
public struct CheckpointError: Error, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Reason: Sendable, Hashable {
    /// A file that must be there is not; what to do about it.
    case missingFile(String)
    /// A member of a JSON file is missing, of the wrong type or of a value that can't be.
    case field(String, String)
    /// A member of a JSON file asks for something that is sound and not built here.
    case unsupported(String, String)
    /// Tensors that the configuration demands and the files don't have.
    case missingTensors([String])
    /// Tensors that the files have and the configuration doesn't know.
    case extraTensors([String])
    /// A tensor of another shape or type than the configuration demands.
    case unfitTensor(String, String)
  }

  /// The file or folder.
  public var path: FilePath
  /// What is wrong.
  public var reason: Reason

  /// An error.
  public init(_ path: FilePath, _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// One sentence that begins with the place.
  public var description: String {
    switch reason {
    case .missingFile(let remedy): "\(path): there is no such file; \(remedy)"
    case .field(let name, let text), .unsupported(let name, let text): "\(path): field \(name) \(text)"
    case .missingTensors(let names): "\(path): tensor \(Self.list(names)) is missing"
    case .extraTensors(let names): "\(path): tensor \(Self.list(names)) belongs to no part of the model"
    case .unfitTensor(let name, let text): "\(path): tensor \(name) \(text)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.count == 1 ? names[0] : "\(names[0]) (and \(names.count - 1) more)"
  }
}

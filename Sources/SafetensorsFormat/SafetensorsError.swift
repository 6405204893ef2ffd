public import SystemPackage

/// Why a safetensors file was refused.
public struct SafetensorsError: Error, Sendable, CustomStringConvertible {
  /// What can be wrong.
  public enum Reason: Sendable, Equatable {
    /// The file can't be opened or read.
    case unreadable(String)
    /// Its bytes are not those that were written.
    case changed
    /// The file ends before what its header promises, or is not one at all.
    case truncated(String)
    /// The header contradicts itself or the file.
    case lying(String)
    /// A tensor that is needed is not there.
    case missing(String)
    /// A tensor has another type or shape than is needed.
    case unfit(String)
  }

  /// The file.
  public var file: FilePath
  /// What is wrong with it.
  public var reason: Reason

  /// An error.
  public init(file: FilePath, reason: Reason) {
    self.file = file
    self.reason = reason
  }

  /// One sentence with the file's name.
  public var description: String {
    switch reason {
    case .unreadable(let text): "\(file): can't be read: \(text)"
    case .changed: "\(file): its bytes are not those that were written"
    case .truncated(let text): "\(file): is cut off or no safetensors file: \(text)"
    case .lying(let text): "\(file): its header is wrong: \(text)"
    case .missing(let name): "\(file): holds no tensor \(name)"
    case .unfit(let text): "\(file): \(text)"
    }
  }
}

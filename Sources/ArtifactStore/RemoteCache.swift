public import ContentAddressing

/// Results that others made, in a place that several people share.
///
/// It is asked from threads of its own; what it gives has been verified byte by byte before the store shows it.
public protocol RemoteCache: Sendable {
  /// The place, as people name it.
  var name: String { get }
  /// Takes the result of an action over, with all that it consists of.
  ///
  /// - Parameters:
  ///   - key: The action; the result's own key document must be the one with this digest.
  ///   - store: Where the result is published.
  ///   - progress: Is told how many bytes have come, and of how many.
  /// - Returns: The result as the store has it; nil where nobody has shared one.
  /// - Throws: `RemoteCacheError`, or `StoreError` where the store can't take it.
  func fetch(
    _ key: ActionKey, into store: Store, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> ActionResult?
  /// Shares a result; one that is there already stays.
  ///
  /// - Throws: `RemoteCacheError`, or `StoreError` where the store has lost something of it.
  func offer(_ result: ActionResult, from store: Store) throws
  /// Gives up what is under way, soon.
  func cancel()
}

/// Why a remote cache did not serve.
public struct RemoteCacheError: Error, Sendable, CustomStringConvertible {
  /// What went wrong.
  public enum Fault: Sendable {
    /// It can't be used at present, for anything.
    case unreachable
    /// What it holds of this action is not what it should be.
    case damaged
    /// Whoever asked gave up.
    case cancelled
  }

  /// What went wrong.
  public var fault: Fault
  /// One sentence with the place.
  public var description: String

  /// A fault.
  public init(_ fault: Fault, _ description: String) {
    self.fault = fault
    self.description = description
  }
}

extension ActionResult {
  /// The manifests of the result and of its outputs.
  public var manifests: [(digest: Digest, manifest: Manifest)] {
    [(digest, manifest)] + outputs.map { ($0.artifact.digest, $0.artifact.manifest) }
  }
}

public import ContentAddressing

/// Why a bundle can't be used: one sentence that names the bundle and the place in it.
public struct BundleError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public enum Fault: Sendable, Equatable {
    /// An entry of the archive that a bundle can't have.
    case entry(String, reason: String)
    /// A blob that no manifest names.
    case unnamed(Digest)
    /// A blob that is there twice.
    case duplicate(String)
    /// Bytes that are not what their digest or size says.
    case content(String)
    /// Blobs that manifests name and the bundle lacks.
    case missing(first: Digest, count: Int)
    /// A document that is not as it must be.
    case document(String, reason: String)
    /// A document that is larger than any of ours.
    case tooLarge(String, size: Int, limit: Int)
    /// A blob that differs from what the store said while it was being written.
    case changed(Digest)
  }

  /// The bundle.
  public var bundle: String
  /// What is wrong.
  public var fault: Fault

  /// A fault of a bundle.
  public init(_ bundle: String, _ fault: Fault) {
    self.bundle = bundle
    self.fault = fault
  }

  /// One sentence with the place.
  public var description: String {
    switch fault {
    case .entry(let name, let reason): "\(bundle): entry \(Self.shown(name)): \(reason)"
    case .unnamed(let digest): "\(bundle): blob \(digest) is named by no manifest before it"
    case .duplicate(let name): "\(bundle): entry \(Self.shown(name)) is there twice"
    case .content(let text): "\(bundle): damaged: \(text)"
    case .missing(let first, let count):
      "\(bundle): blob \(first)\(count > 1 ? " and \(count - 1) more" : "") that its manifests name "
        + "\(count > 1 ? "are" : "is") not in it; get the whole bundle again"
    case .document(let place, let reason): "\(bundle): \(place): \(reason)"
    case .tooLarge(let place, let size, let limit):
      "\(bundle): \(place) has \(size) bytes; documents have at most \(limit)"
    case .changed(let digest): "\(bundle): blob \(digest) changed while it was written"
    }
  }

  /// A name from a foreign archive, fit for a terminal.
  private static func shown(_ name: String) -> String {
    let plain = name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }
    return plain.count > 120 ? plain.prefix(120).joined() + "…" : plain.joined()
  }
}

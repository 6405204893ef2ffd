/// Why a registry could not be used: one sentence that names the place in it.
public struct RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong.
  public enum Fault: Sendable, Equatable {
    /// This machine lacks what is needed to ask.
    case unavailable(String)
    /// No answer: no such host, no listener, the connection was lost, or nothing moved for too long.
    case unreachable(String)
    /// The other side does not prove who it is.
    case untrusted(String)
    /// It wants credentials that are not there, or refuses those that are.
    case credentials(String)
    /// It has no such manifest or blob.
    case absent(String)
    /// It refuses.
    case refused(status: Int, message: String)
    /// What it says is not the distribution protocol.
    case malformed(String)
    /// What came is not what its digest or size says.
    case damaged(String)
    /// Whoever asked wants no answer any more.
    case cancelled
  }

  /// The registry, the repository or the reference.
  public var place: String
  /// What went wrong.
  public var fault: Fault
  /// Seconds after which the registry wants to be asked again, where it says so.
  var retryAfter: Double?

  /// A fault at a place.
  public init(_ place: String, _ fault: Fault) {
    self.place = place
    self.fault = fault
  }

  /// The exit status that this error asks for: 4 for bytes that are not what they should be, 6 for the rest.
  public var exitStatus: Int32 { if case .damaged = fault { 4 } else { 6 } }

  /// Whether asking once more may help.
  var mayPass: Bool {
    switch fault {
    case .unreachable: true
    case .refused(let status, _): status == 429 || status == 408 || (500...599).contains(status) && status != 501
    default: false
    }
  }

  /// One sentence with the place.
  public var description: String {
    switch fault {
    case .unavailable(let reason): "\(place): registries can't be asked here: \(reason)"
    case .unreachable(let reason): "\(place): no answer: \(reason)"
    case .untrusted(let reason): "\(place): it can't be trusted: \(reason)"
    case .credentials(let reason): "\(place): \(reason)"
    case .absent(let what): "\(place): the registry has no \(what)"
    case .refused(let status, let message):
      "\(place): the registry answered \(status)" + (message.isEmpty ? "" : ": \(message)")
    case .malformed(let reason): "\(place): the registry does not keep to the protocol: \(reason)"
    case .damaged(let reason): "\(place): damaged: \(reason)"
    case .cancelled: "\(place): given up"
    }
  }
}

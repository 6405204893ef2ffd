import CanonicalJSON
import Glibc
import Synchronization
import SystemPackage

/// One repository of a registry, over the OCI distribution protocol; used by any number of threads.
///
/// What may pass is tried again, redirects are followed without credentials where they lead to another host, and nothing
/// that comes is believed: sizes are bounded while bytes arrive, digests are checked by whoever takes them.
public final class Registry: Sendable {
  /// The repository.
  public let reference: OCIReference
  /// How it is asked.
  public let options: RegistryOptions
  let origin: Origin
  private let authorization: Authorization
  /// Connections that nobody uses at the moment.
  private let idle = Mutex<[Idle]>([])

  /// A connection in nobody's hands goes from one thread to another.
  private struct Idle: @unchecked Sendable { var connection: Connection }

  /// A repository; nothing is asked yet.
  ///
  /// - Parameters:
  ///   - reference: The repository; a version in it does not matter.
  ///   - options: How it is asked.
  /// - Throws: `RegistryError` where this machine lacks what is needed.
  public init(_ reference: OCIReference, options: RegistryOptions) throws(RegistryError) {
    self.reference = reference.with(nil)
    self.options = options
    if let trouble = Connection.trouble() { throw RegistryError(reference.description, .unavailable(trouble)) }
    let host = reference.host
    let scheme = host.isLoopback && !options.isAlwaysEncrypted ? "http" : "https"
    let name = host.name == "docker.io" ? "registry-1.docker.io" : host.name
    guard let base = WebAddress("\(scheme)://\(name)\(host.port.map { ":\($0)" } ?? "")/") else {
      throw RegistryError(reference.description, .unreachable("'\(host)' is no host"))
    }
    origin = base.origin
    authorization = Authorization(
      origin, repository: reference.repository, place: self.reference.description, options: options)
  }

  func error(_ fault: RegistryError.Fault) -> RegistryError { RegistryError(reference.description, fault) }

  /// The address of something below the repository.
  func address(_ path: String) throws(RegistryError) -> WebAddress {
    guard let address = WebAddress("\(origin)/v2/\(reference.repository)/\(path)") else {
      throw error(.malformed("'\(path)' makes no address"))
    }
    return address
  }

  // MARK: Requests

  /// Makes a request: meets the registry's wish for credentials, and follows redirects of what only reads.
  ///
  /// - Returns: The answer, whatever its status.
  /// - Throws: `RegistryError`, or what the sink throws.
  func exchange(
    _ request: HTTPRequest, _ access: RepositoryAccess, limit: Int = 1 << 20, sent: ((Int) -> Void)? = nil,
    sink: Connection.Sink? = nil
  ) throws -> HTTPAnswer {
    var request = request
    var hops = 0
    var challenges = 0
    while true {
      var shown = request
      // Credentials are the registry's: another host, port or scheme gets none.
      let isOwn = request.address.origin == origin
      let header = isOwn ? authorization.header(for: access) : nil
      if let header { shown.headers.append(("Authorization", header)) }
      var count = 0
      let answer = try perform(
        shown, limit: limit,
        sent: {
          count += $0
          sent?($0)
        }, sink: sink)
      if answer.status == 401 {
        sent?(-count)
        guard isOwn else {
          throw error(
            .credentials("it leads to \(request.address.origin), which wants credentials; another host gets none"))
        }
        challenges += 1
        guard challenges <= 2 else { throw error(.credentials("it refuses the token that it had made")) }
        try authorization.meet(answer, used: header, for: access) { try perform($0, limit: 1 << 20) }
      } else if answer.isRedirection, ["GET", "HEAD"].contains(request.method) {
        hops += 1
        guard hops <= 5 else { throw error(.malformed("it leads from place to place without end")) }
        request.address = try follow(answer.headers["location"], from: request.address)
      } else {
        return answer
      }
    }
  }

  /// Where an answer leads to.
  func follow(_ location: String?, from address: WebAddress) throws(RegistryError) -> WebAddress {
    guard let location, !location.isEmpty, let next = WebAddress(location, relativeTo: address) else {
      throw error(.malformed("it leads to '\((location ?? "").prefix(200))', which is no address"))
    }
    guard next.origin.isPrivate || !address.origin.isPrivate else {
      throw error(.untrusted("it leads to \(next.origin), without TLS; that is not followed"))
    }
    return next
  }

  private func perform(
    _ request: HTTPRequest, limit: Int, sent: ((Int) -> Void)? = nil, sink: Connection.Sink? = nil
  ) throws -> HTTPAnswer {
    if options.cancellation?.isCancelled ?? false { throw error(.cancelled) }
    guard let connection = idle.withLock({ $0.popLast() })?.connection ?? Connection(options) else {
      throw error(.unavailable("out of memory"))
    }
    defer { idle.withLock { $0.append(Idle(connection: connection)) } }
    do {
      return try connection.perform(request, limit: limit, sent: sent, sink: sink)
    } catch let fault as TransferFault {
      switch fault {
      case .lost(let reason): throw error(.unreachable(reason))
      case .stalled(let reason): throw error(.unreachable(reason))
      case .untrusted(let reason): throw error(.untrusted(reason))
      case .malformed(let reason): throw error(.malformed(reason))
      case .tooLarge(let limit):
        throw error(.malformed("it answers \(request.method) \(request.address) with more than \(limit) bytes"))
      case .cancelled: throw error(.cancelled)
      }
    }
  }

  /// The error that an answer without success is.
  ///
  /// - Parameters:
  ///   - answer: The answer.
  ///   - what: What was asked for, as errors name it.
  /// - Returns: The error.
  func refusal(_ answer: HTTPAnswer, _ what: String) -> RegistryError {
    if answer.status == 404 { return error(.absent(what)) }
    var refusal = error(.refused(status: answer.status, message: "\(what)\(Self.message(answer.body))"))
    refusal.retryAfter = answer.headers["retry-after"].flatMap { UInt32($0) }.map { Double($0) }
    return refusal
  }

  /// What the errors of an answer say, in the form that the protocol gives them.
  private static func message(_ body: [UInt8]) -> String {
    guard let errors = (try? JSONValue(parsing: body))?["errors"]?.array else { return "" }
    let texts = errors.prefix(3).map { error in
      [error["code"]?.string, error["message"]?.string].compactMap { $0 }.joined(separator: " ")
    }
    let text = texts.joined(separator: "; ").unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : "\($0)" }
    return text.isEmpty ? "" : " (\(text.prefix(300).joined()))"
  }

  // MARK: Patience

  /// Does something, and does it again where it fails in a way that may pass.
  func persistently<Value>(_ body: () throws -> Value) throws -> Value {
    var attempt = 1
    while true {
      do { return try body() } catch let error as RegistryError where error.mayPass && attempt < options.attempts {
        try wait(attempt, error)
        attempt += 1
      }
    }
  }

  /// Waits before another attempt: as long as the registry wants, within reason, else longer from time to time.
  func wait(_ attempt: Int, _ error: RegistryError) throws {
    let asked = error.retryAfter ?? options.firstDelay * Double(1 << min(attempt - 1, 6))
    let end = now() + max(0, min(asked, 30))
    while true {
      if options.cancellation?.isCancelled ?? false { throw self.error(.cancelled) }
      let rest = end - now()
      if rest <= 0 { return }
      usleep(UInt32(min(rest, 0.1) * 1_000_000))
    }
  }

  private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

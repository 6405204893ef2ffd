import CanonicalJSON
import Synchronization
import SystemPackage

/// What is done in a repository.
public enum RepositoryAccess: String, Sendable, Hashable {
  /// Read.
  case pull
  /// Read and write.
  case push = "pull,push"
}

/// Proves to one registry who asks, in the way that it wants.
///
/// The registry's credentials go to its own host and port alone. Where it has tokens made elsewhere, that host is asked
/// without any, unless the user trusts it with them; and never with those of that host, since the token would then be
/// shown to the registry.
final class Authorization: Sendable {
  private let origin: Origin
  private let repository: String
  private let place: String
  private let configuration: DockerConfiguration
  private let tokenHosts: Set<String>
  /// What has been found to serve.
  private let headers = Mutex<[RepositoryAccess: String]>([:])
  /// One transfer at a time asks for what all of them need.
  private let turn = Mutex<Void>(())

  init(_ origin: Origin, repository: String, place: String, options: RegistryOptions) {
    self.origin = origin
    self.repository = repository
    self.place = place
    configuration = options.configuration
    tokenHosts = options.tokenHosts
  }

  /// Public registries whose operator makes their tokens on another host of his own.
  private static let ownTokenHosts = ["registry-1.docker.io": "auth.docker.io", "registry.gitlab.com": "gitlab.com"]

  /// Whether the registry's credentials may be shown at a place where it has tokens made.
  private func isTrusted(_ realm: Origin) -> Bool {
    let host = realm.hostAndPort
    return realm == origin || tokenHosts.contains(host) || Self.ownTokenHosts[origin.hostAndPort] == host
  }

  /// The header that has been found to serve; nil before the registry asked for one.
  func header(for access: RepositoryAccess) -> String? { headers.withLock { $0[access] } }

  /// Meets a challenge, so that `header` has something to send.
  ///
  /// - Parameters:
  ///   - answer: The answer of status 401.
  ///   - used: The header that was sent.
  ///   - access: What is to be done.
  ///   - ask: Makes a request, with nothing added.
  /// - Throws: `RegistryError.Fault.credentials` where nothing helps, or what `ask` throws.
  func meet(
    _ answer: HTTPAnswer, used: String?, for access: RepositoryAccess, ask: (HTTPRequest) throws -> HTTPAnswer
  ) throws {
    try turn.withLock { _ in
      // Another transfer may have met it meanwhile.
      if let present = header(for: access), present != used { return }
      let header = try proof(answer, used: used, for: access, ask: ask)
      headers.withLock { $0[access] = header }
    }
  }

  private func proof(
    _ answer: HTTPAnswer, used: String?, for access: RepositoryAccess, ask: (HTTPRequest) throws -> HTTPAnswer
  ) throws -> String {
    switch Challenge(answer.challenges) {
    case nil: throw fault("the registry wants credentials in a way that is not known here")
    case .basic:
      guard used == nil else { throw refused(at: origin.hostAndPort) }
      guard case .basic(let encoded)? = try configuration.credentials(for: origin.hostAndPort) else {
        throw absent(for: origin.hostAndPort)
      }
      guard origin.isPrivate else { throw fault("it wants a password and speaks no TLS; none is sent") }
      return "Basic \(encoded)"
    case .bearer(let realm, let service):
      return "Bearer \(try token(realm, service, access, isSecond: used != nil, ask: ask))"
    }
  }

  private func token(
    _ realm: String, _ service: String?, _ access: RepositoryAccess, isSecond: Bool,
    ask: (HTTPRequest) throws -> HTTPAnswer
  ) throws -> String {
    guard let address = WebAddress(realm) else { throw fault("it has tokens made at '\(realm)', which is no address") }
    let host = address.origin.hostAndPort
    guard address.origin.isPrivate else {
      throw fault("it has tokens made at \(address.origin) without TLS; nothing is asked there")
    }
    let credentials = isTrusted(address.origin) ? try configuration.credentials(for: origin.hostAndPort) : nil
    guard let request = Self.request(address, service, "repository:\(repository):\(access.rawValue)", credentials)
    else { throw fault("it has tokens made at '\(realm)', which is no address") }
    let answer = try ask(request)
    guard answer.isSuccess else {
      if answer.status == 401 || answer.status == 403 {
        throw credentials == nil ? absent(for: host) : refused(at: host)
      }
      throw RegistryError(
        place, .refused(status: answer.status, message: "no token from \(address.origin)"))
    }
    guard let json = try? JSONValue(parsing: answer.body),
      let token = json["token"]?.string ?? json["access_token"]?.string, !token.isEmpty,
      token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { throw RegistryError(place, .malformed("no token in the answer of \(address.origin)")) }
    // Asked anonymously and refused all the same: another token of this sort won't help.
    if isSecond, credentials == nil { throw absent(for: host) }
    return token
  }

  private static func request(
    _ realm: WebAddress, _ service: String?, _ scope: String, _ credentials: Credentials?
  ) -> HTTPRequest? {
    if case .identityToken(let token)? = credentials {
      let form = [
        ("grant_type", "refresh_token"), ("service", service ?? ""), ("scope", scope), ("client_id", "apprentice"),
        ("refresh_token", token),
      ]
      let body = form.map { "\($0.0)=\(WebAddress.encoded($0.1))" }.joined(separator: "&")
      return HTTPRequest(
        method: "POST", address: realm,
        headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
        body: .bytes(Array(body.utf8)))
    }
    guard let scoped = realm.adding("scope", scope) else { return nil }
    var request = HTTPRequest(method: "GET", address: scoped, headers: [("Accept", "application/json")])
    if let service {
      guard let address = scoped.adding("service", service) else { return nil }
      request.address = address
    }
    if case .basic(let encoded)? = credentials { request.headers.append(("Authorization", "Basic \(encoded)")) }
    return request
  }

  private var file: String { configuration.file?.string ?? "~/.docker/config.json" }

  private func fault(_ reason: String) -> RegistryError { RegistryError(place, .credentials(reason)) }

  private func refused(at host: String) -> RegistryError {
    fault(
      "\(host) refuses the credentials that \(file) has; log in again with `docker login \(origin.hostAndPort)`")
  }

  private func absent(for host: String) -> RegistryError {
    let own = origin.hostAndPort
    guard host != own, !tokenHosts.contains(host) else {
      return fault("the registry wants credentials and \(file) has none for \(own); use `docker login \(own)`")
    }
    return fault(
      "the registry wants its credentials to be shown to another host, \(host), which gets none; if you trust it with "
        + "them, name it in APPRENTICE_TOKEN_HOSTS")
  }
}

import ContentAddressing
import Foundation
import Registries
import SystemPackage
import TestSupport
import Testing

/// Who is shown the credentials of a Docker configuration.
@Suite struct CredentialTests {
  let registry = FakeRegistry()
  /// Makes tokens at another place than the registry.
  let office = FakeRegistry()
  let folder = ScratchFolder()
  /// `user:secret`.
  static let basic = "Basic dXNlcjpzZWNyZXQ="

  private var host: String { "127.0.0.1:\(registry.server.port)" }

  private func configuration(_ text: String) throws -> FilePath {
    try TemporaryFolder.write(text, to: folder.path.appending("config.json"))
  }

  private func withAuth() throws -> FilePath {
    try configuration(#"{"auths":{"\#(host)":{"auth":"dXNlcjpzZWNyZXQ="}}}"#)
  }

  /// Wants a header of the registry's visitors.
  private func want(_ header: String, challenge: String) {
    registry.interfere { request in
      if request.path == "/token" { return nil }
      if request.headers["authorization"] == header { return nil }
      return LoopbackServer.Answer(401, ["WWW-Authenticate": challenge])
    }
  }

  private func ask(_ configuration: FilePath?, _ adjust: (inout RegistryOptions) -> Void = { _ in }) throws -> Bool {
    try registry.client(configuration, adjust).hasBlob(registry.add([1, 2]), size: 2)
  }

  @Test("of two ways that are offered a token is taken, which shows no password with every request")
  func ways() {
    let bearer = "Bearer realm=\"https://a/token\", service=\"s, \\\"t\\\"\", error=invalid"
    let expected = Challenge.bearer(realm: "https://a/token", service: "s, \"t\"")
    #expect(Challenge([bearer, "Basic realm=\"x\""]) == expected)
    #expect(Challenge(["basic realm=\"x\"", "Negotiate", bearer]) == expected)
    #expect(Challenge(["Negotiate", "Basic"]) == .basic)
    #expect(Challenge(["Negotiate", "Bearer service=\"s\""]) == nil)
  }

  @Test("Docker Hub's credentials stand under its old name")
  func hub() throws {
    let text = #"{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpzZWNyZXQ="}}}"#
    let configuration = DockerConfiguration(file: try configuration(text))
    for host in ["docker.io", "registry-1.docker.io", "index.docker.io"] {
      #expect(try configuration.credentials(for: host) == .password(name: "user", "secret"), "\(host)")
    }
    #expect(try configuration.credentials(for: "docker.io.example.org") == nil)
  }

  // MARK: Name and password

  @Test(
    "forms of the configuration",
    arguments: [
      #"{"auths":{"HOST":{"auth":"dXNlcjpzZWNyZXQ="}}}"#,
      #"{"auths":{"https://HOST/v1/":{"auth":"dXNlcjpzZWNyZXQ="}}}"#,
      #"{"auths":{"HOST":{"username":"user","password":"secret"}},"HttpHeaders":{"X":"y"}}"#,
      #"{"auths":{"elsewhere":{"auth":"eA=="},"HOST":{"auth":"dXNlcjpzZWNyZXQ="}},"credsStore":""}"#,
    ])
  func forms(text: String) throws {
    want(Self.basic, challenge: "basic realm=\"a registry\"")
    #expect(try ask(configuration(text.replacingOccurrences(of: "HOST", with: host))))
    #expect(registry.server.requests.map { $0.headers["authorization"] } == [nil, Self.basic])
  }

  @Test("nothing is sent before it is asked for, and once found it goes with every request")
  func once() throws {
    want(Self.basic, challenge: "Basic realm=x")
    let client = try registry.client(withAuth())
    for _ in 0..<3 { _ = try client.hasBlob(Digest(hashing: [1]), size: 1) }
    #expect(registry.server.requests.map { $0.headers["authorization"] != nil } == [false, true, true, true])
  }

  @Test("another host's or port's credentials are not shown, nor is a missing file an error")
  func others() throws {
    want(Self.basic, challenge: "Basic realm=x")
    let port = office.server.port
    let file = try configuration(
      #"{"auths":{"127.0.0.1:\#(port)":{"auth":"eDp5"},"127.0.0.1":{"auth":"eDp5"},"x\#(host)":{"auth":"eDp5"}}}"#)
    for file in [file, folder.path.appending("absent"), nil] {
      let error = fault { _ = try ask(file) }
      #expect(error?.exitStatus == 6)
      #expect(error?.description.contains("`docker login \(host)`") ?? false, "\(String(describing: error))")
    }
    #expect(registry.server.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test("refused credentials are tried once")
  func refused() throws {
    registry.interfere { _ in LoopbackServer.Answer(401, ["WWW-Authenticate": "Basic realm=x"]) }
    let error = fault { _ = try ask(withAuth()) }
    #expect(error?.description.contains("refuses the credentials that") ?? false, "\(String(describing: error))")
    #expect(registry.server.requests.count == 2)
  }

  @Test(
    "a configuration that can't be read is named",
    arguments: [#"{"auths":"#, #"{"auths":{"HOST":{"auth":"no\nbase64"}}}"#, #"{"credHelpers":{"HOST":7}}"#])
  func unreadable(text: String) throws {
    want(Self.basic, challenge: "Basic realm=x")
    let file = try configuration(text.replacingOccurrences(of: "HOST", with: host))
    let error = fault { _ = try ask(file) }
    #expect(error?.description.hasPrefix("\(file): the Docker configuration can't be used") ?? false)
    #expect(error?.exitStatus == 6)
  }

  @Test(
    "a challenge that nobody knows is an error", arguments: ["Negotiate", "", "Bearer service=\"x\"", "Bearer realm"])
  func unknownChallenge(challenge: String) throws {
    want("nothing", challenge: challenge)
    let error = fault { _ = try ask(withAuth()) }
    #expect(error?.description.contains("not known here") ?? false, "\(String(describing: error))")
    #expect(registry.server.requests.count == 1)
  }

  // MARK: Tokens

  /// Gives a token for whoever shows a header, and remembers nothing.
  private func giveTokens(at office: FakeRegistry, for header: String?, in member: String = "token") {
    office.interfere { request in
      guard request.path == "/token" else { return nil }
      if request.headers["authorization"] != header { return LoopbackServer.Answer(401) }
      return LoopbackServer.Answer(200, [:], Array("{\"\(member)\":\"abc.def\"}".utf8))
    }
  }

  @Test(
    "tokens that the registry makes itself: its credentials go there, and the token back",
    arguments: [
      "Bearer realm=\"http://HOST/token\",service=\"a \\\"b\\\"\",scope=\"ignored\"",
      "bearer  service=\"a \\\"b\\\"\" , realm=http://HOST/token",
    ])
  func ownTokens(challenge: String) throws {
    let challenge = challenge.replacingOccurrences(of: "HOST", with: host)
    registry.interfere { request in
      if request.path == "/token" {
        guard request.headers["authorization"] == Self.basic else { return LoopbackServer.Answer(401) }
        return LoopbackServer.Answer(200, [:], Array(#"{"access_token":"abc.def"}"#.utf8))
      }
      if request.headers["authorization"] == "Bearer abc.def" { return nil }
      return LoopbackServer.Answer(401, ["WWW-Authenticate": challenge])
    }
    #expect(try ask(withAuth()))
    let query = registry.server.requests.first { $0.path == "/token" }?.query.removingPercentEncoding
    #expect(query == "scope=repository:group/name:pull&service=a \"b\"")
  }

  @Test("tokens made elsewhere are asked for without credentials")
  func anonymousTokens() throws {
    giveTokens(at: office, for: nil)
    want("Bearer abc.def", challenge: "Bearer realm=\"http://127.0.0.1:\(office.server.port)/token\"")
    #expect(try ask(withAuth()))
    #expect(office.server.requests.allSatisfy { $0.headers["authorization"] == nil })
    #expect(office.server.requests.count == 1)
  }

  @Test("where that is not enough the other host is named, and gets none")
  func tokensElsewhere() throws {
    giveTokens(at: office, for: Self.basic)
    let place = "127.0.0.1:\(office.server.port)"
    want("Bearer abc.def", challenge: "Bearer realm=\"http://\(place)/token\"")
    let error = fault { _ = try ask(withAuth()) }
    #expect(error?.exitStatus == 6)
    for word in [place, "APPRENTICE_TOKEN_HOSTS"] {
      #expect(error?.description.contains(word) ?? false, "\(String(describing: error))")
    }
    #expect(office.server.requests.allSatisfy { $0.headers["authorization"] == nil })
    #expect(registry.server.requests.allSatisfy { $0.headers["authorization"] == nil })
    // Who is trusted with them gets them.
    #expect(try ask(withAuth()) { $0.tokenHosts = [place] })
  }

  @Test("an anonymous token that is refused is no loop")
  func uselessTokens() throws {
    giveTokens(at: office, for: nil)
    want("Bearer other", challenge: "Bearer realm=\"http://127.0.0.1:\(office.server.port)/token\"")
    #expect(fault { _ = try ask(withAuth()) }?.exitStatus == 6)
    #expect(registry.server.requests.count <= 3)
    #expect(office.server.requests.count <= 3)
  }

  @Test("a token that has run out is made anew")
  func expired() throws {
    let (registry, host) = (registry, host)
    registry.interfere { request in
      let tokens = registry.server.requests.count { $0.path == "/token" }
      if request.path == "/token" {
        return LoopbackServer.Answer(200, [:], Array("{\"token\":\"token-\(tokens)\"}".utf8))
      }
      // Every token serves two requests.
      let uses = registry.server.requests.count { $0.headers["authorization"] == "Bearer token-\(tokens)" }
      if tokens > 0, request.headers["authorization"] == "Bearer token-\(tokens)", uses <= 2 { return nil }
      return LoopbackServer.Answer(401, ["WWW-Authenticate": "Bearer realm=\"http://\(host)/token\""])
    }
    let client = try registry.client(withAuth())
    let digest = registry.add([1])
    for _ in 0..<5 { #expect(try client.hasBlob(digest, size: 1)) }
    #expect(registry.server.requests.count { $0.path == "/token" } == 3)
  }

  @Test("an identity token is exchanged in a form, never in a query")
  func identityToken() throws {
    let host = host
    registry.interfere { request in
      if request.path == "/token" { return LoopbackServer.Answer(200, [:], Array(#"{"token":"abc.def"}"#.utf8)) }
      if request.headers["authorization"] == "Bearer abc.def" { return nil }
      return LoopbackServer.Answer(401, ["WWW-Authenticate": "Bearer realm=\"http://\(host)/token\",service=s"])
    }
    #expect(try ask(configuration(#"{"auths":{"\#(host)":{"identitytoken":"x&y=z"}}}"#)))
    let request = registry.server.requests.first { $0.path == "/token" }
    #expect(request?.method == "POST")
    #expect(request?.query == "")
    let form = String(decoding: request?.body ?? [], as: UTF8.self)
    for item in [
      "grant_type=refresh_token", "service=s", "refresh_token=x%26y%3Dz", "scope=repository:group/name:pull",
    ] {
      #expect(form.split(separator: "&").contains { $0 == item }, "\(form)")
    }
  }

  @Test(
    "what is no token, or would be asked for without TLS, is an error",
    arguments: [
      ("http://HOST/token", "{}", "no token in the answer"), ("http://HOST/token", "x", "no token in the answer"),
      ("http://HOST/token", #"{"token":"a\r\nX: y"}"#, "no token in the answer"),
      ("http://192.0.2.1/token", "", "without TLS; nothing is asked there"), ("nowhere", "", "is no address"),
    ])
  func badTokens(realm: String, body: String, words: String) throws {
    let host = host
    registry.interfere { request in
      if request.path == "/token" { return LoopbackServer.Answer(200, [:], Array(body.utf8)) }
      let realm = realm.replacingOccurrences(of: "HOST", with: host)
      return LoopbackServer.Answer(401, ["WWW-Authenticate": "Bearer realm=\"\(realm)\""])
    }
    let error = fault { _ = try ask(withAuth()) }
    #expect(error?.description.contains(words) ?? false, "\(String(describing: error))")
    #expect(error?.exitStatus == 6)
  }

  @Test("many transfers at once ask for one token")
  func oneTurn() throws {
    let host = host
    registry.interfere { request in
      if request.path == "/token" {
        usleep(100_000)
        return LoopbackServer.Answer(200, [:], Array(#"{"token":"abc.def"}"#.utf8))
      }
      if request.headers["authorization"] == "Bearer abc.def" { return nil }
      return LoopbackServer.Answer(401, ["WWW-Authenticate": "Bearer realm=\"http://\(host)/token\""])
    }
    let client = try registry.client(withAuth())
    try Workers.forEach(Array(0..<8), atOnce: 8) { _ in _ = try client.hasBlob(Digest(hashing: [1]), size: 1) }
    #expect(registry.server.requests.count { $0.path == "/token" } == 1)
  }
}

import ContentAddressing
import Foundation
import Registries
import SystemPackage
import TestSupport
import Testing

/// Where answers lead, and who is shown what on the way.
@Suite struct RedirectTests {
  let registry = FakeRegistry()
  let other = FakeRegistry()
  let bytes = noise(50_000)
  let folder = ScratchFolder()

  /// A client with credentials for the registry, which wants them.
  private func client() throws -> Registry {
    let configuration = try TemporaryFolder.write(
      #"{"auths":{"127.0.0.1:\#(registry.server.port)":{"auth":"dXNlcjpzZWNyZXQ="}}}"#,
      to: folder.path.appending("config.json"))
    return try registry.client(configuration)
  }

  /// Lets blobs lead elsewhere for whoever shows credentials.
  private func lead(to place: @escaping @Sendable (LoopbackServer.Request) -> String?, status: Int = 307) {
    registry.interfere { request in
      guard request.headers["authorization"] == "Basic dXNlcjpzZWNyZXQ=" else {
        return LoopbackServer.Answer(401, ["WWW-Authenticate": "Basic realm=\"x\""])
      }
      return place(request).map { LoopbackServer.Answer(status, ["Location": $0]) }
    }
  }

  @Test("a blob on another host is fetched there without credentials", arguments: [301, 302, 303, 307, 308])
  func anotherHost(status: Int) throws {
    let port = other.server.port
    lead(to: { "http://127.0.0.1:\(port)\($0.path)" }, status: status)
    let (digest, bucket) = (other.add(bytes), Bucket())
    try client().download(digest, size: bytes.count, to: bucket)
    #expect(bucket.bytes == bytes)
    #expect(other.server.requests.count == 1)
    #expect(other.server.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test("what was cut off there goes on there")
  func resumed() throws {
    let (port, bytes, digest, bucket) = (other.server.port, bytes, other.add(bytes), Bucket())
    lead { "http://127.0.0.1:\(port)\($0.path)" }
    other.interfere { request in
      guard request.headers["range"] == nil else { return nil }
      var answer = LoopbackServer.Answer(200, [:], bytes)
      answer.cut = 20_000
      return answer
    }
    try client().download(digest, size: bytes.count, to: bucket)
    #expect(bucket.bytes == bytes)
    #expect(other.server.requests.last?.headers["range"] == "bytes=20000-")
  }

  @Test(
    "a host that a redirect leads to is shown no credentials, even if it wants some",
    arguments: [
      "Basic realm=\"x\"", "Bearer realm=\"REALM\"",
    ])
  func asksElsewhere(challenge: String) {
    let port = other.server.port
    lead { "http://127.0.0.1:\(port)\($0.path)" }
    other.interfere { _ in
      let realm = "http://127.0.0.1:\(port)/token"
      return LoopbackServer.Answer(
        401, ["WWW-Authenticate": challenge.replacingOccurrences(of: "REALM", with: realm)])
    }
    let error = fault { try client().download(Digest(hashing: bytes), size: bytes.count, to: Bucket()) }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("127.0.0.1:\(port), which wants credentials; another host gets none") ?? false)
    #expect(other.server.requests.count == 1)
    #expect(other.server.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test("a redirect within the registry keeps the credentials")
  func within() throws {
    lead { $0.path.hasPrefix("/v2/group") ? $0.path.replacingOccurrences(of: "/v2/group", with: "/v2/moved") : nil }
    let (digest, bucket) = (registry.add(bytes), Bucket())
    try client().download(digest, size: bytes.count, to: bucket)
    #expect(bucket.bytes == bytes)
  }

  @Test("redirects without end come to one")
  func endless() {
    lead { $0.path + "x" }
    let error = fault { try client().download(Digest(hashing: bytes), size: bytes.count, to: Bucket()) }
    #expect(error?.description.contains("from place to place without end") ?? false, "\(String(describing: error))")
    #expect(registry.server.requests.count <= 8)
  }

  @Test(
    "what is no address of a registry is not followed",
    arguments: [
      "", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:word@127.0.0.1/x", "http://", "gopher://x",
      "http://a b/",
      // Not on this machine, and without TLS.
      "http://192.0.2.1/x", "http://localhost.example/x",
    ])
  func nowhere(place: String) {
    lead { _ in place }
    let error = fault { try client().download(Digest(hashing: bytes), size: bytes.count, to: Bucket()) }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("it leads to") ?? false, "\(String(describing: error))")
    #expect(registry.server.requests.count == 2)
  }

  @Test("a redirect to nowhere is an error")
  func withoutLocation() {
    registry.interfere { _ in LoopbackServer.Answer(307) }
    #expect(fault { _ = try registry.client().hasBlob(Digest(hashing: bytes), size: 1) }?.exitStatus == 6)
  }
}

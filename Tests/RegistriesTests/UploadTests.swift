import ContentAddressing
import Foundation
import Registries
import SystemPackage
import TestSupport
import Testing

/// Blobs on their way to a registry.
@Suite struct UploadTests {
  let registry = FakeRegistry()
  let bytes = noise(250_000)
  var digest: Digest { Digest(hashing: bytes) }

  private func send(progress: @escaping (Int) -> Void = { _ in }) throws {
    try registry.client { $0.partSize = 100_000 }
      .upload(digest, size: bytes.count, from: .bytes(bytes), progress: progress)
  }

  private func methods() -> [String] { registry.server.requests.map(\.method) }

  @Test("a small blob goes in one piece, a large one in parts, and each is counted once")
  func parts() throws {
    var count = 0
    try registry.client().upload(digest, size: bytes.count, from: .bytes(bytes)) { count += $0 }
    #expect(methods() == ["POST", "PUT"])
    #expect(count == bytes.count)
    #expect(registry.holdings.blobs[digest.description] == bytes)
    registry.change { $0.blobs = [:] }
    try send { count += $0 }
    #expect(methods().dropFirst(2) == ["POST", "PATCH", "PATCH", "PATCH", "PUT"])
    #expect(count == 2 * bytes.count)
    #expect(registry.holdings.blobs[digest.description] == bytes)
  }

  @Test("parts come from a file, too")
  func file() throws {
    let folder = ScratchFolder()
    let path = folder.path.appending("blob")
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
    try registry.client { $0.partSize = 100_000 }.upload(digest, size: bytes.count, from: .file(path))
    #expect(registry.holdings.blobs[digest.description] == bytes)
  }

  @Test("an upload that was cut off goes on where the registry says")
  func resumed() throws {
    let (registry, server) = (registry, registry.server)
    // The second part arrives by half.
    registry.interfere { request in
      guard request.method == "PATCH", server.requests.count(where: { $0.method == "PATCH" }) == 2 else { return nil }
      let name = String(request.path.split(separator: "/").last ?? "")
      registry.change { $0.uploads[name]?.append(contentsOf: request.body.prefix(50_000)) }
      var answer = LoopbackServer.Answer(202, [:], [1])
      answer.cut = 0
      answer.statedLength = 1
      return answer
    }
    var count = 0
    try send { count += $0 }
    #expect(methods() == ["POST", "PATCH", "PATCH", "GET", "PATCH", "PUT"])
    #expect(server.requests[4].headers["content-range"] == "150000-249999")
    #expect(registry.holdings.blobs[digest.description] == bytes)
    #expect(count == bytes.count)
  }

  @Test("an upload that the registry has lost begins anew", arguments: [404, 416])
  func lost(status: Int) throws {
    let server = registry.server
    registry.interfere { request in
      server.requests.count == 3 && request.method == "PATCH" ? LoopbackServer.Answer(status) : nil
    }
    try send()
    #expect(methods().count { $0 == "POST" } == 2)
    #expect(registry.holdings.blobs[digest.description] == bytes)
  }

  @Test("a registry that is busy is asked again")
  func busy() throws {
    let server = registry.server
    registry.interfere { _ in server.requests.count == 1 ? LoopbackServer.Answer(503) : nil }
    try send()
    #expect(registry.holdings.blobs[digest.description] == bytes)
  }

  @Test("bytes that arrive as others are damage")
  func otherDigest() {
    let other = Digest(hashing: [1]).description
    registry.interfere { $0.method == "PUT" ? LoopbackServer.Answer(201, ["Docker-Content-Digest": other]) : nil }
    let error = fault { try send() }
    #expect(error?.exitStatus == 4)
    #expect(error?.description.contains("arrived there as \(other)") ?? false)
  }

  @Test("a refusal is told in the registry's words")
  func refused() {
    registry.interfere {
      $0.method == "PUT"
        ? LoopbackServer.Answer(400, [:], Array(#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#.utf8)) : nil
    }
    let error = fault { try send() }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("(DIGEST_INVALID no)") ?? false, "\(String(describing: error))")
  }

  @Test(
    "a registry that counts backwards or beyond the end is not followed for ever", arguments: ["0-0", "0-999999999"])
  func wrongCount(range: String) {
    registry.interfere {
      $0.method == "PATCH" ? LoopbackServer.Answer(202, ["Location": $0.path, "Range": range]) : nil
    }
    #expect(fault { try send() }?.exitStatus == 6)
    #expect(methods().count <= 3)
  }

  @Test("an upload may lead to another host, which gets the bytes and no credentials")
  func elsewhere() throws {
    let folder = ScratchFolder()
    let other = FakeRegistry()
    other.change { $0.uploads["place"] = [] }
    let place = "http://127.0.0.1:\(other.server.port)/v2/x/blobs/uploads/place"
    registry.interfere { request in
      guard request.headers["authorization"] != nil else {
        return LoopbackServer.Answer(401, ["WWW-Authenticate": "Basic realm=x"])
      }
      return request.method == "POST" ? LoopbackServer.Answer(202, ["Location": place]) : nil
    }
    let configuration = try TemporaryFolder.write(
      #"{"auths":{"127.0.0.1:\#(registry.server.port)":{"auth":"dXNlcjpzZWNyZXQ="}}}"#,
      to: folder.path.appending("config.json"))
    try registry.client(configuration) { $0.partSize = 100_000 }
      .upload(digest, size: bytes.count, from: .bytes(bytes))
    #expect(other.holdings.blobs[digest.description] == bytes)
    #expect(other.server.requests.count == 4)
    #expect(other.server.requests.allSatisfy { $0.headers["authorization"] == nil })
  }
}

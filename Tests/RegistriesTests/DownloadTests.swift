import ContentAddressing
import Foundation
import Registries
import SystemPackage
import TestSupport
import Testing

/// Blobs from registries that do not do what they should.
@Suite struct DownloadTests {
  let registry = FakeRegistry()
  let bytes = noise(300_000)

  private func fetch(
    _ bucket: Bucket = Bucket(), _ adjust: (inout RegistryOptions) -> Void = { _ in }
  ) throws -> [UInt8] {
    let digest = registry.add(bytes)
    try registry.client(nil, adjust).download(digest, size: bytes.count, to: bucket)
    return bucket.bytes
  }

  private var gets: [LoopbackServer.Request] { registry.server.requests.filter { $0.method == "GET" } }

  @Test("a blob comes whole, and one without bytes, too")
  func whole() throws {
    #expect(try fetch() == bytes)
    let empty = registry.add([])
    let bucket = Bucket()
    try registry.client().download(empty, size: 0, to: bucket)
    #expect(bucket.bytes.isEmpty)
    #expect(gets.count == 2)
  }

  @Test("what was cut off goes on behind the last byte")
  func resumed() throws {
    let bytes = bytes
    registry.interfere { request in
      guard request.headers["range"] == nil else { return nil }
      var answer = LoopbackServer.Answer(200, [:], bytes)
      answer.cut = 100_000
      return answer
    }
    #expect(try fetch() == bytes)
    #expect(gets.count == 2)
    #expect(gets.last?.headers["range"] == "bytes=100000-")
  }

  @Test("a registry that does not know ranges sends all again, and the known part is passed over")
  func withoutRanges() throws {
    let bytes = bytes
    registry.interfere { request in
      var answer = LoopbackServer.Answer(200, [:], bytes)
      if request.headers["range"] == nil { answer.cut = 123_456 }
      return answer
    }
    #expect(try fetch() == bytes)
    #expect(gets.count == 2)
  }

  @Test("an earlier attempt's bytes are not asked for again")
  func continued() throws {
    let bucket = Bucket()
    bucket.bytes = Array(bytes[..<200_000])
    #expect(try fetch(bucket) == bytes)
    #expect(registry.server.sent == 100_000)
  }

  @Test("another part than the one asked for is not taken")
  func otherPart() {
    let bytes = bytes
    registry.interfere { _ in
      LoopbackServer.Answer(206, ["Content-Range": "bytes 0-299999/300000"], Array(bytes[100_000...]))
    }
    let bucket = Bucket()
    bucket.bytes = Array(bytes[..<100_000])
    let error = fault { _ = try fetch(bucket) }
    #expect(error?.description.contains("bytes 0-299999/300000") ?? false, "\(String(describing: error))")
    #expect(bucket.bytes.count == 100_000)
  }

  @Test("cut off again and again it is given up, as unreachable", arguments: [0, 10])
  func neverWhole(cut: Int) {
    let bytes = bytes
    registry.interfere { _ in
      var answer = LoopbackServer.Answer(200, [:], bytes)
      answer.cut = cut
      return answer
    }
    let error = fault { _ = try fetch() }
    #expect(error?.exitStatus == 6, "\(String(describing: error))")
    #expect(gets.count == 4)
  }

  @Test("an attempt that brought much is not counted: a long way ends in steps, more of them than attempts")
  func steps() throws {
    let long = noise(7 << 20)
    let digest = registry.add(long)
    registry.interfere { request in
      let start = request.headers["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
      let range = ["Content-Range": "bytes \(start)-\(long.count - 1)/\(long.count)"]
      var answer = LoopbackServer.Answer(start > 0 ? 206 : 200, start > 0 ? range : [:], Array(long[start...]))
      answer.cut = (1 << 20) + 5
      return answer
    }
    let bucket = Bucket()
    try registry.client(nil) { $0.firstDelay = 0 }.download(digest, size: long.count, to: bucket)
    #expect(bucket.bytes == long)
    #expect(gets.count == 7)
  }

  @Test("another length than the manifest's is damage, told before a byte is kept", arguments: [299_999, 300_001])
  func wrongLength(_ length: Int) {
    registry.interfere { _ in LoopbackServer.Answer(200, [:], noise(length)) }
    let bucket = Bucket()
    let error = fault { _ = try fetch(bucket) }
    #expect(error?.exitStatus == 4)
    #expect(error?.description.contains("it has \(length) bytes instead of 300000") ?? false)
    #expect(bucket.bytes.isEmpty)
    #expect(gets.count == 1)
  }

  @Test("a body without end is left as soon as it is too long")
  func endlessBody() {
    let bytes = bytes
    registry.interfere { _ in
      var answer = LoopbackServer.Answer(200, [:], bytes)
      answer.isEndless = true
      return answer
    }
    let bucket = Bucket()
    let error = fault { _ = try fetch(bucket) }
    #expect(error?.exitStatus == 4)
    #expect(bucket.bytes.count <= bytes.count)
    #expect(registry.server.sent < 64 << 20)
  }

  @Test("an error without end is an error all the same")
  func endlessError() {
    registry.interfere { _ in
      var answer = LoopbackServer.Answer(403, [:], noise(100_000))
      answer.isEndless = true
      return answer
    }
    let error = fault { _ = try fetch() }
    #expect(error?.description.contains("answered 403") ?? false)
    #expect(registry.server.sent < 64 << 20)
  }

  @Test("a head without end is refused")
  func endlessHead() {
    registry.interfere { _ in LoopbackServer.Answer(200, ["X": String(repeating: "x", count: 90_000)]) }
    #expect(fault { _ = try fetch() }?.exitStatus == 6)
  }

  @Test("a manifest without end is left at the limit")
  func endlessManifest() throws {
    registry.interfere { _ in
      var answer = LoopbackServer.Answer(200, [:], noise(100_000))
      answer.isEndless = true
      return answer
    }
    let error = fault { _ = try registry.client().document(.tag("v1"), limit: 1 << 20) }
    #expect(error?.description.contains("more than 1048576 bytes") ?? false, "\(String(describing: error))")
    #expect(registry.server.sent < 64 << 20)
  }

  @Test("a manifest that is another than its digest says is damage")
  func otherManifest() throws {
    registry.interfere { _ in LoopbackServer.Answer(200, [:], Array("{}".utf8)) }
    let error = fault { _ = try registry.client().document(.digest(Digest(hashing: [1])), limit: 100) }
    #expect(error?.exitStatus == 4)
    let told = Digest(hashing: [2]).description
    registry.interfere { _ in LoopbackServer.Answer(200, ["Docker-Content-Digest": told], Array("{}".utf8)) }
    #expect(fault { _ = try registry.client().document(.tag("v1"), limit: 100) }?.exitStatus == 4)
  }

  @Test(
    "what may pass is tried again, after the time that the registry wants", .timeLimit(.minutes(1)),
    arguments: [429, 500, 502, 503])
  func passing(status: Int) throws {
    let digest = registry.add(bytes)
    let server = registry.server
    registry.interfere { _ in
      server.requests.count <= 2 ? LoopbackServer.Answer(status, ["Retry-After": "0"]) : nil
    }
    let bucket = Bucket()
    // Without the header the second attempt would come after the test's patience.
    try registry.client(nil) { $0.firstDelay = 1000 }.download(digest, size: bytes.count, to: bucket)
    #expect(bucket.bytes == bytes)
    #expect(gets.count == 3)
  }

  @Test("so it is with whether blobs are there, and with manifests, read and written")
  func passingDocuments() throws {
    let registry = registry
    let bytes = Array("{}".utf8)
    let digest = registry.add(bytes)
    let server = registry.server
    registry.interfere { _ in
      server.requests.count % 2 == 1 ? LoopbackServer.Answer(503, ["Retry-After": "0"]) : nil
    }
    let client = try registry.client(nil) { $0.firstDelay = 1000 }
    #expect(try client.hasBlob(digest, size: 2))
    try client.put(bytes, mediaType: "application/vnd.oci.image.manifest.v1+json", as: .tag("v1"))
    #expect(try client.document(.tag("v1"), limit: 100)?.bytes == bytes)
    #expect(try client.digest(of: .tag("v1")) == digest)
    #expect(server.requests.count == 8)
  }

  @Test(
    "what does not pass is an error with its status, whatever time is asked for", arguments: ["nan", "-5", "later"])
  func lasting(delay: String) {
    registry.interfere { _ in
      LoopbackServer.Answer(
        503, ["Retry-After": delay], Array(#"{"errors":[{"code":"DOWN","message":"for\u0007 good"}]}"#.utf8))
    }
    let error = fault { _ = try fetch() }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("answered 503: blob") ?? false, "\(String(describing: error))")
    #expect(error?.description.contains("(DOWN for  good)") ?? false, "\(String(describing: error))")
    #expect(gets.count == 4)
  }

  @Test("where nothing moves the transfer ends")
  func stalled() {
    registry.interfere { _ in
      sleep(5)
      return LoopbackServer.Answer(200)
    }
    let error = fault {
      _ = try fetch {
        $0.stall = 1
        $0.attempts = 1
      }
    }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("no answer") ?? false)
  }

  @Test("given up means given up, also between attempts")
  func cancelled() throws {
    let cancellation = Cancellation()
    registry.interfere { _ in
      cancellation.cancel()
      return LoopbackServer.Answer(503, ["Retry-After": "30"])
    }
    #expect(fault { _ = try fetch { $0.cancellation = cancellation } }?.fault == .cancelled)
  }

  @Test("nobody listens: unreachable")
  func nobody() throws {
    let port = LoopbackServer { _ in LoopbackServer.Answer(200) }
    port.stop()
    usleep(50_000)
    let registry = try Registry(
      OCIReference("oci://127.0.0.1:\(port.port)/a"), options: FakeRegistry.options())
    #expect(fault { _ = try registry.hasBlob(Digest(hashing: []), size: 0) }?.exitStatus == 6)
  }

  @Test("a host that can't be found is unreachable at every attempt")
  func noHost() throws {
    let options = FakeRegistry.options { $0.attempts = 2 }
    let error = fault {
      _ = try Registry(OCIReference("oci://host.invalid/a"), options: options).hasBlob(Digest(hashing: []), size: 0)
    }
    #expect(error?.description.contains("no answer") ?? false, "\(String(describing: error))")
  }
}

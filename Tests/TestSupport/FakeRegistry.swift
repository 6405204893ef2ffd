import Foundation
import Synchronization

/// A registry that keeps to the distribution protocol, as far as a test does not step in.
public final class FakeRegistry: Sendable {
  /// What it holds.
  public struct Holdings: Sendable {
    /// Blobs by digest, in whatever repository.
    public var blobs: [String: [UInt8]] = [:]
    /// Manifests and indexes by tag and by digest, with their media types.
    public var manifests: [String: (type: String, bytes: [UInt8])] = [:]
    /// Uploads that were begun.
    public var uploads: [String: [UInt8]] = [:]
  }

  /// Answers in its place; nil lets it answer itself.
  public typealias Interference = @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer?

  private final class State: Sendable {
    let holdings = Mutex(Holdings())
    let interference = Mutex<Interference?>(nil)
    let digest: @Sendable ([UInt8]) -> String
    init(_ digest: @escaping @Sendable ([UInt8]) -> String) { self.digest = digest }
  }

  /// What listens.
  public let server: LoopbackServer
  private let state: State

  /// A registry without content.
  ///
  /// - Parameter digest: Gives the digest of bytes as OCI prints it.
  public init(digest: @escaping @Sendable ([UInt8]) -> String) {
    let state = State(digest)
    self.state = state
    server = LoopbackServer { request in
      let interference = state.interference.withLock { $0 }
      return interference?(request) ?? Self.answer(request, state)
    }
  }

  /// Lets somebody answer in its place from now on.
  public func interfere(_ interference: Interference?) { state.interference.withLock { $0 = interference } }

  /// What it holds at the moment.
  public var holdings: Holdings { state.holdings.withLock { $0 } }

  /// Changes what it holds.
  public func change(_ body: (inout sending Holdings) -> Void) { state.holdings.withLock { body(&$0) } }

  /// `oci://127.0.0.1:PORT/` and a repository.
  public func reference(_ repository: String) -> String { "oci://127.0.0.1:\(server.port)/\(repository)" }

  private static func answer(_ request: LoopbackServer.Request, _ state: State) -> LoopbackServer.Answer {
    let words = request.path.split(separator: "/").map(String.init)
    guard words.count >= 4, words[0] == "v2" else { return LoopbackServer.Answer(404) }
    let last = words[words.count - 1]
    return state.holdings.withLock { holdings in
      switch (request.method, words[words.count - 2]) {
      case ("GET", "blobs"), ("HEAD", "blobs"): return blob(holdings.blobs[last], request)
      case ("POST", "blobs"):
        let name = "upload-\(holdings.uploads.count)"
        holdings.uploads[name] = []
        return LoopbackServer.Answer(202, ["Location": request.path + name])
      case (_, "uploads"): return upload(request, last, &holdings, state)
      case ("GET", "manifests"), ("HEAD", "manifests"):
        guard let found = holdings.manifests[last] else { return LoopbackServer.Answer(404) }
        return LoopbackServer.Answer(
          200, ["Content-Type": found.type, "Docker-Content-Digest": state.digest(found.bytes)], found.bytes)
      case ("PUT", "manifests"):
        let digest = state.digest(request.body)
        for name in [last, digest] {
          holdings.manifests[name] = (request.headers["content-type"] ?? "", request.body)
        }
        return LoopbackServer.Answer(201, ["Docker-Content-Digest": digest])
      default: return LoopbackServer.Answer(404)
      }
    }
  }

  private static func blob(_ bytes: [UInt8]?, _ request: LoopbackServer.Request) -> LoopbackServer.Answer {
    guard let bytes else { return LoopbackServer.Answer(404) }
    guard let range = request.headers["range"], let start = Int(range.dropFirst(6).dropLast()), start < bytes.count
    else { return LoopbackServer.Answer(200, [:], bytes) }
    return LoopbackServer.Answer(
      206, ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"], Array(bytes[start...]))
  }

  private static func upload(
    _ request: LoopbackServer.Request, _ name: String, _ holdings: inout Holdings, _ state: State
  ) -> LoopbackServer.Answer {
    guard var bytes = holdings.uploads[name] else { return LoopbackServer.Answer(404) }
    bytes += request.body
    holdings.uploads[name] = bytes
    let place = ["Location": request.path, "Range": "0-\(max(0, bytes.count - 1))"]
    switch request.method {
    case "PATCH": return LoopbackServer.Answer(202, place)
    case "GET": return LoopbackServer.Answer(204, place)
    case "PUT":
      let digest = state.digest(bytes)
      guard request.query.removingPercentEncoding?.contains("digest=\(digest)") ?? false else {
        return LoopbackServer.Answer(400, [:], Array(#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#.utf8))
      }
      holdings.blobs[digest] = bytes
      holdings.uploads[name] = nil
      return LoopbackServer.Answer(201, ["Docker-Content-Digest": digest])
    default: return LoopbackServer.Answer(405)
    }
  }
}

import Foundation
import Synchronization

/// An HTTP server on this machine that a test answers for: truthfully, wrongly, or not to the end.
public final class LoopbackServer: Sendable {
  /// What was asked.
  public struct Request: Sendable {
    /// Such as `GET`.
    public var method: String
    /// The path, its query left out.
    public var path: String
    /// What follows the question mark.
    public var query: String
    /// By lowercase name.
    public var headers: [String: String]
    /// What was sent along.
    public var body: [UInt8]
  }

  /// What is answered.
  public struct Answer: Sendable {
    /// The status.
    public var status: Int
    /// Sent as they are.
    public var headers: [String: String]
    /// What is sent after the head, but for `HEAD`.
    public var body: [UInt8]
    /// The length that the head states; nil for the body's own.
    public var statedLength: Int?
    /// After so many bytes of the body the connection is closed.
    public var cut: Int?
    /// Sends the body again and again, as long as somebody listens.
    public var isEndless = false

    /// An answer.
    public init(_ status: Int, _ headers: [String: String] = [:], _ body: [UInt8] = []) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }

  /// Where it listens.
  public let port: Int
  private let listener: CInt
  private let hasStopped = Atomic<Bool>(false)
  private let answer: @Sendable (Request) -> Answer
  private let asked = Mutex<[Request]>([])
  private let moved = Mutex(0)

  /// A server that listens until `stop`.
  ///
  /// - Parameter answer: Answers every request; called on several threads.
  public init(_ answer: @escaping @Sendable (Request) -> Answer) {
    self.answer = answer
    signal(SIGPIPE, SIG_IGN)
    (listener, port) = Self.listener()
    let listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 {
          close(listener)
          return
        }
        guard let server = self else {
          close(connection)
          return
        }
        Thread.detachNewThread { server.serve(connection) }
      }
    }
  }

  deinit { stop() }

  /// Ends it.
  public func stop() {
    if !hasStopped.exchange(true, ordering: .relaxed) { shutdown(listener, CInt(SHUT_RDWR)) }
  }

  /// A port that nobody has at the moment.
  static func freePort() -> Int {
    let (descriptor, port) = listener()
    close(descriptor)
    return port
  }

  private static func listener() -> (descriptor: CInt, port: Int) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, size) | listen(descriptor, 64) | getsockname(descriptor, address, &size)
      }
    }
    precondition(code == 0, "no port on loopback: \(errno)")
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  /// What has been asked so far.
  public var requests: [Request] { asked.withLock { $0 } }

  /// Bytes of bodies that were sent, or that are being sent.
  public var sent: Int { moved.withLock { $0 } }

  private func serve(_ connection: CInt) {
    defer {
      // A child of another test may hold a copy of the descriptor.
      shutdown(connection, CInt(SHUT_RDWR))
      close(connection)
    }
    var buffer: [UInt8] = []
    while let request = Self.request(connection, &buffer) {
      asked.withLock { $0.append(request) }
      guard write(answer(request), for: request, to: connection) else { return }
    }
  }

  /// Writes an answer.
  ///
  /// - Returns: Whether another request may follow.
  private func write(_ answer: Answer, for request: Request, to connection: CInt) -> Bool {
    var head = "HTTP/1.1 \(answer.status) X\r\n"
    for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
    if !answer.isEndless, !answer.headers.keys.contains("Content-Length") {
      head += "Content-Length: \(answer.statedLength ?? answer.body.count)\r\n"
    }
    guard send(Array((head + "\r\n").utf8), to: connection) else { return false }
    if request.method == "HEAD" { return true }
    if let cut = answer.cut {
      count(answer.body.prefix(cut), to: connection)
      return false
    }
    repeat { guard count(answer.body[...], to: connection) else { return false } } while answer.isEndless
    return answer.statedLength == nil
  }

  @discardableResult
  private func count(_ bytes: ArraySlice<UInt8>, to connection: CInt) -> Bool {
    // Before they are sent: whoever has read the last of them may ask how many there were.
    moved.withLock { $0 += bytes.count }
    return send(Array(bytes), to: connection)
  }

  private func send(_ bytes: [UInt8], to connection: CInt) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      if count <= 0 { return false }
      done += count
    }
    return true
  }

  private static func request(_ connection: CInt, _ buffer: inout [UInt8]) -> Request? {
    var end: Int?
    while true {
      end = buffer.indices.dropLast(3).first { buffer[$0...].starts(with: [13, 10, 13, 10]) }
      if end != nil { break }
      guard receive(connection, &buffer) else { return nil }
    }
    let lines = String(decoding: buffer[..<end!], as: UTF8.self).components(separatedBy: "\r\n")
    buffer.removeFirst(end! + 4)
    let words = lines[0].split(separator: " ").map(String.init)
    guard words.count == 3 else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    while buffer.count < length { guard receive(connection, &buffer) else { return nil } }
    let body = Array(buffer[..<length])
    buffer.removeFirst(length)
    let parts = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return Request(
      method: words[0], path: parts[0], query: parts.count > 1 ? parts[1] : "", headers: headers, body: body)
  }

  private static func receive(_ connection: CInt, _ buffer: inout [UInt8]) -> Bool {
    var part = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(connection, &part, part.count, 0)
    if count <= 0 { return false }
    buffer += part[..<count]
    return true
  }
}

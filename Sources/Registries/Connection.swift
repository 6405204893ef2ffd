import CTransfer
import Glibc
import SystemPackage

/// What is asked.
struct HTTPRequest {
  /// What is sent along.
  enum Body {
    case none
    case bytes([UInt8])
    /// A part of a file.
    case file(FilePath, offset: Int, count: Int)

    var count: Int? {
      switch self {
      case .none: nil
      case .bytes(let bytes): bytes.count
      case .file(_, _, let count): count
      }
    }
  }

  var method: String
  var address: WebAddress
  var headers: [(name: String, value: String)] = []
  var body = Body.none
  /// How many times the usual time without a byte is waited.
  var patience = 1
}

/// The head of an answer, and what of its body was kept.
struct HTTPAnswer {
  var status = 0
  var headers: [String: String] = [:]
  /// Every line that asks for credentials.
  var challenges: [String] = []
  var body: [UInt8] = []

  var isSuccess: Bool { (200...299).contains(status) }
  var isRedirection: Bool { [301, 302, 303, 307, 308].contains(status) }
  /// The length that the body is said to have.
  var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }
}

/// Why there is no answer.
enum TransferFault: Error {
  case lost(String)
  case stalled(String)
  case untrusted(String)
  case malformed(String)
  case tooLarge(limit: Int)
  case cancelled
}

/// One connection to wherever the last request went, used by one thread at a time.
final class Connection {
  /// Takes a part of a body, with the head of its answer.
  typealias Sink = (HTTPAnswer, UnsafeRawBufferPointer) throws -> Void

  private let handle: OpaquePointer
  private let options: RegistryOptions

  /// A connection; nil where memory is out.
  init?(_ options: RegistryOptions) {
    guard let handle = transfer_open() else { return nil }
    self.handle = handle
    self.options = options
  }

  deinit { transfer_close(handle) }

  /// Loads what is needed to transfer anything.
  ///
  /// - Returns: Why that is not possible, or nil.
  static func trouble() -> String? {
    var reason: UnsafePointer<CChar>?
    // Whoever writes to a peer that has gone wants an error, not the end.
    signal(SIGPIPE, SIG_IGN)
    guard transfer_load(&reason) != 0 else { return nil }
    let text = reason.map { String(cString: $0) } ?? "libcurl can't be loaded"
    return "\(text); install the package libcurl4"
  }

  /// Makes one request and follows nothing.
  ///
  /// - Parameters:
  ///   - request: What is asked.
  ///   - limit: The most bytes of a body that are kept; of an answer without success the first ones are.
  ///   - sent: Is told of bytes of the body that went out.
  ///   - sink: Takes the body of a success, part by part; without it the body is kept.
  /// - Returns: The answer.
  /// - Throws: `TransferFault`, or what the sink throws.
  func perform(_ request: HTTPRequest, limit: Int, sent: ((Int) -> Void)? = nil, sink: Sink? = nil) throws -> HTTPAnswer
  {
    let exchange = Exchange(request.body, limit: limit, cancellation: options.cancellation, sent: sent, sink: sink)
    defer { exchange.close() }
    let headers = request.headers.map { "\($0.name): \($0.value)" } + ["Expect:"]
    guard headers.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }) else {
      throw TransferFault.malformed("a header would hold a control character")
    }
    var lines: [UnsafePointer<CChar>?] = headers.map { UnsafePointer(strdup($0)) }
    defer { for line in lines { free(UnsafeMutablePointer(mutating: line)) } }
    var reason = [CChar](repeating: 0, count: 256)
    let isDirect = RegistryHost(request.address.origin.host)?.isLoopback ?? false
    let result = request.method.withCString { method in
      request.address.text.withCString { url in
        lines.withUnsafeMutableBufferPointer { lines in
          options.withAuthorities { authorities in
            var plain = transfer_request()
            plain.method = method
            plain.url = url
            plain.headers = UnsafePointer(lines.baseAddress)
            plain.header_count = Int32(lines.count)
            plain.body_size = Int64(request.body.count ?? -1)
            plain.send = { bytes, capacity, context in
              Exchange.of(context).fill(UnsafeMutableRawBufferPointer(start: bytes, count: Int(capacity)))
            }
            plain.seek = { offset, context in Exchange.of(context).seek(to: Int(offset)) }
            plain.header = { bytes, count, context in
              Exchange.of(context).head(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            }
            plain.receive = { bytes, count, context in
              Exchange.of(context).take(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            }
            plain.watch = { context in Exchange.of(context).isCancelled ? 1 : 0 }
            plain.context = Unmanaged.passUnretained(exchange).toOpaque()
            plain.connect_timeout = Int(min(options.stall, 15) * 1000)
            plain.stall_seconds = max(1, Int(options.stall.rounded(.up))) * request.patience
            plain.stall_bytes = 100
            plain.is_direct = isDirect ? 1 : 0
            plain.authorities = authorities
            return transfer_perform(handle, &plain, &reason)
          }
        }
      }
    }
    let text = reason.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return try exchange.end(result, text)
  }
}

import CTransfer
import Glibc
import SystemPackage

/// One request on its way: what libcurl's callbacks need.
final class Exchange {
  private let body: HTTPRequest.Body
  private let limit: Int
  private let cancellation: Cancellation?
  private let sent: ((Int) -> Void)?
  private let sink: Connection.Sink?
  private var answer = HTTPAnswer()
  private var headSize = 0
  private var position = 0
  private var file: CInt = -1
  private var failure: (any Error)?
  /// Whether the rest of an answer without success was not wanted.
  private var isCut = false
  /// The most bytes of a head, and of an answer without success.
  private static let shortLimit = 64 << 10

  init(
    _ body: HTTPRequest.Body, limit: Int, cancellation: Cancellation?, sent: ((Int) -> Void)?, sink: Connection.Sink?
  ) {
    self.body = body
    self.limit = limit
    self.cancellation = cancellation
    self.sent = sent
    self.sink = sink
  }

  static func of(_ context: UnsafeMutableRawPointer?) -> Exchange {
    Unmanaged<Exchange>.fromOpaque(context!).takeUnretainedValue()
  }

  var isCancelled: Bool { cancellation?.isCancelled ?? false }

  func close() { if file >= 0 { Glibc.close(file) } }

  /// Fills a buffer with what is to be sent.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int64 {
    switch body {
    case .none: return 0
    case .bytes(let bytes):
      let count = min(buffer.count, bytes.count - position)
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
      }
      return advance(count)
    case .file(let path, let offset, let size):
      if file < 0 { file = open(path.string, O_RDONLY | O_CLOEXEC) }
      guard file >= 0 else { return refuse(Errno(rawValue: errno)) }
      let wanted = min(buffer.count, size - position)
      var count = pread(file, buffer.baseAddress, wanted, off_t(offset + position))
      while count < 0 && errno == EINTR { count = pread(file, buffer.baseAddress, wanted, off_t(offset + position)) }
      guard count >= 0 else { return refuse(Errno(rawValue: errno)) }
      // A file that has become shorter: the other side would wait for the rest.
      guard count > 0 || wanted == 0 else { return refuse(Errno(rawValue: EIO)) }
      return advance(count)
    }
  }

  private func advance(_ count: Int) -> Int64 {
    position += count
    sent?(count)
    return Int64(count)
  }

  private func refuse(_ error: any Error) -> Int64 {
    failure = error
    return -1
  }

  func seek(to offset: Int) -> Int32 {
    sent?(offset - position)
    position = offset
    return 0
  }

  /// Takes a line of the answer's head.
  func head(_ line: UnsafeRawBufferPointer) -> Int32 {
    headSize += line.count
    guard headSize <= Self.shortLimit else {
      failure = TransferFault.malformed("the head of its answer does not end")
      return -1
    }
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      answer = HTTPAnswer()
      answer.status = text.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
      return 0
    }
    guard let colon = text.firstIndex(of: ":") else { return 0 }
    let name = text[..<colon].lowercased()
    let value = text[text.index(after: colon)...].trimmed
    answer.headers[name] = value
    if name == "www-authenticate" { answer.challenges.append(value) }
    return 0
  }

  /// Takes a part of the answer's body.
  func take(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard answer.isSuccess else {
      answer.body += bytes.prefix(Self.shortLimit - answer.body.count)
      isCut = answer.body.count >= Self.shortLimit
      return isCut ? -1 : 0
    }
    if let sink {
      do { try sink(answer, bytes) } catch {
        failure = error
        return -1
      }
      return 0
    }
    guard answer.body.count + bytes.count <= limit else {
      failure = TransferFault.tooLarge(limit: limit)
      return -1
    }
    answer.body += bytes
    return 0
  }

  /// The answer, when the transfer has ended.
  func end(_ result: transfer_result, _ reason: String) throws -> HTTPAnswer {
    if let failure { throw failure }
    switch result {
    case transfer_answered: return answer
    case transfer_lost: throw TransferFault.lost(reason)
    case transfer_stalled: throw TransferFault.stalled(reason)
    case transfer_untrusted: throw TransferFault.untrusted(reason)
    case transfer_stopped:
      if isCut { return answer }
      if isCancelled { throw TransferFault.cancelled }
      throw TransferFault.malformed(reason)
    default: throw TransferFault.malformed(reason)
    }
  }
}

extension Substring {
  /// Without white space and line ends around it.
  fileprivate var trimmed: String {
    var rest = self
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}

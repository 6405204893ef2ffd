public import ContentAddressing

/// Takes the bytes of a blob in order.
public protocol BlobReceiver: AnyObject {
  /// How many bytes it has.
  var count: Int { get }
  /// Takes the bytes that follow.
  func write(_ bytes: UnsafeRawBufferPointer) throws
}

extension Registry {
  /// Fetches a blob, from the byte on that the receiver lacks; after a lost connection the rest is asked for.
  ///
  /// Exactly `size` bytes are passed on, never more; that they have the digest is the receiver's to check.
  ///
  /// - Parameters:
  ///   - digest: The blob.
  ///   - size: Its number of bytes.
  ///   - receiver: Takes them.
  ///   - progress: Is told how many more bytes came.
  /// - Throws: `RegistryError`, or what the receiver throws.
  public func download(
    _ digest: Digest, size: Int, to receiver: some BlobReceiver, progress: @escaping (Int) -> Void = { _ in }
  ) throws {
    let address = try address("blobs/\(digest)")
    var attempt = 1
    while receiver.count < size || size == 0 {
      let start = receiver.count
      do {
        return try part(of: digest, size, at: address, to: receiver, progress)
      } catch let error as RegistryError where error.mayPass && attempt < options.attempts {
        // An attempt that brought much is not held against the registry.
        if receiver.count - start >= 1 << 20 { attempt = 1 }
        try wait(attempt, error)
        attempt += 1
      }
    }
  }

  private func part(
    of digest: Digest, _ size: Int, at address: WebAddress, to receiver: some BlobReceiver,
    _ progress: @escaping (Int) -> Void
  ) throws {
    let start = receiver.count
    var request = HTTPRequest(method: "GET", address: address)
    if start > 0 { request.headers.append(("Range", "bytes=\(start)-")) }
    // A registry that does not know ranges sends all of it: the first bytes are passed over.
    var surplus = 0
    var isFirst = true
    let take: Connection.Sink = { answer, bytes in
      if isFirst {
        isFirst = false
        surplus = try self.begin(answer, digest, size, start)
      }
      let part = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(min(surplus, bytes.count)))
      surplus -= bytes.count - part.count
      guard receiver.count + part.count <= size else { throw self.wrongSize(digest, size, "more") }
      try receiver.write(part)
      progress(part.count)
    }
    let answer = try exchange(request, .pull, sink: take)
    guard answer.isSuccess else {
      if answer.status == 404 { throw error(.damaged("blob \(digest) that it names is not there")) }
      throw refusal(answer, "blob \(digest)")
    }
    guard receiver.count == size else { throw wrongSize(digest, size, "\(receiver.count)") }
  }

  /// Judges the head of an answer before its body.
  ///
  /// - Returns: How many bytes of the body are known already.
  private func begin(_ answer: HTTPAnswer, _ digest: Digest, _ size: Int, _ start: Int) throws(RegistryError) -> Int {
    let isPart = answer.status == 206
    if isPart, !(answer.headers["content-range"] ?? "").hasPrefix("bytes \(start)-") {
      throw error(
        .malformed("blob \(digest) from byte \(start): it sends \(answer.headers["content-range"] ?? "another part")"))
    }
    let expected = isPart ? size - start : size
    if let length = answer.contentLength, length != expected {
      throw wrongSize(digest, size, "\(isPart ? start + length : length)")
    }
    return isPart ? 0 : start
  }

  private func wrongSize(_ digest: Digest, _ size: Int, _ found: String) -> RegistryError {
    error(.damaged("blob \(digest): it has \(found) bytes instead of \(size)"))
  }
}

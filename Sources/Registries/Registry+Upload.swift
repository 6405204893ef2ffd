public import ContentAddressing
public import SystemPackage

/// Bytes that are to go to a registry.
public enum UploadSource: Sendable {
  /// They are at hand.
  case bytes([UInt8])
  /// They are a whole file.
  case file(FilePath)
}

extension Registry {
  /// Whether the registry has a blob, of this size where it says one.
  ///
  /// - Throws: `RegistryError`.
  public func hasBlob(_ digest: Digest, size: Int, for access: RepositoryAccess = .pull) throws -> Bool {
    let address = try address("blobs/\(digest)")
    return try persistently {
      let answer = try exchange(HTTPRequest(method: "HEAD", address: address), access)
      if answer.status == 404 { return false }
      guard answer.isSuccess else { throw refusal(answer, "blob \(digest)") }
      return answer.contentLength.map { $0 == size } ?? true
    }
  }

  /// Sends a blob: in one piece, or in parts where it is large; what was cut off goes on where the registry says.
  ///
  /// - Parameters:
  ///   - digest: The digest of the bytes.
  ///   - size: Their number.
  ///   - source: Where they are.
  ///   - progress: Is told how many more bytes went out; fewer than none where some must be sent again.
  /// - Throws: `RegistryError`, or `Errno` where the file can't be read.
  public func upload(
    _ digest: Digest, size: Int, from source: UploadSource, progress: @escaping (Int) -> Void = { _ in }
  ) throws {
    var attempt = 1
    while true {
      var counted = 0
      let count: (Int) -> Void = {
        counted += $0
        progress($0)
      }
      do {
        return try session(digest, size, source, count)
      } catch let error as RegistryError where attempt < options.attempts && (error.mayPass || error.isLostSession) {
        progress(-counted)
        try wait(attempt, error)
        attempt += 1
      }
    }
  }

  /// One upload from its beginning to its end.
  private func session(
    _ digest: Digest, _ size: Int, _ source: UploadSource, _ progress: @escaping (Int) -> Void
  ) throws {
    let begin = HTTPRequest(method: "POST", address: try address("blobs/uploads/"), body: .bytes([]))
    let begun = try exchange(begin, .push)
    if begun.status == 201 { return try check(begun, digest) }
    guard begun.status == 202 else { throw refusal(begun, "way to take an upload of \(digest)") }
    var location = try follow(begun.headers["location"], from: begin.address)
    if size > options.partSize {
      location = try parts(size, source, location, progress)
      try finish(digest, location, .bytes([]), progress)
    } else {
      try finish(digest, location, body(source, 0, size), progress)
    }
  }

  /// The last request, which names the digest.
  private func finish(
    _ digest: Digest, _ location: WebAddress, _ body: HTTPRequest.Body, _ progress: @escaping (Int) -> Void
  ) throws {
    guard let address = location.adding("digest", digest.description) else {
      throw error(.malformed("'\(location)' is no address for an upload"))
    }
    let request = HTTPRequest(
      method: "PUT", address: address, headers: [("Content-Type", "application/octet-stream")], body: body,
      // The registry may hash all of it before it answers.
      patience: 5)
    let answer = try exchange(request, .push, sent: progress)
    guard answer.isSuccess else { throw refusal(answer, "blob \(digest)") }
    try check(answer, digest)
  }

  /// Sends all bytes in parts.
  ///
  /// - Returns: Where the upload is to be finished.
  private func parts(
    _ size: Int, _ source: UploadSource, _ first: WebAddress, _ progress: @escaping (Int) -> Void
  ) throws -> WebAddress {
    var location = first
    var done = 0
    var attempt = 1
    while done < size {
      let count = min(options.partSize, size - done)
      var sent = 0
      let counting: (Int) -> Void = {
        sent += $0
        progress($0)
      }
      do {
        let request = HTTPRequest(
          method: "PATCH", address: location,
          headers: [
            ("Content-Type", "application/octet-stream"), ("Content-Range", "\(done)-\(done + count - 1)"),
          ], body: body(source, done, count), patience: 2)
        let answer = try exchange(request, .push, sent: counting)
        guard answer.isSuccess else { throw refusal(answer, "upload that was begun") }
        location = try follow(answer.headers["location"], from: location)
        // What it has counts, not what was sent.
        let has = Self.received(answer) ?? done + count
        guard has > done, has <= size else { throw error(.malformed("it has \(has) bytes of \(done + count)")) }
        progress(has - done - sent)
        done = has
        attempt = 1
      } catch let error as RegistryError where error.mayPass && attempt < options.attempts {
        try wait(attempt, error)
        attempt += 1
        guard let (next, has) = try state(location), has <= size else {
          throw self.error(.absent("upload that was begun"))
        }
        progress(has - done - sent)
        (location, done) = (next, has)
      }
    }
    return location
  }

  /// How far an upload is; nil where the registry has lost it.
  private func state(_ location: WebAddress) throws -> (location: WebAddress, has: Int)? {
    let answer = try exchange(HTTPRequest(method: "GET", address: location), .push)
    guard answer.isSuccess else { return nil }
    let next = try answer.headers["location"].map { try follow($0, from: location) } ?? location
    return (next, Self.received(answer) ?? 0)
  }

  /// The number of bytes in `Range: 0-N`; a registry that has none says `0-0`.
  private static func received(_ answer: HTTPAnswer) -> Int? {
    guard let range = answer.headers["range"], let last = range.split(separator: "-").last.flatMap({ Int($0) }),
      last >= 0, last < .max
    else { return nil }
    return last == 0 ? 0 : last + 1
  }

  private func body(_ source: UploadSource, _ offset: Int, _ count: Int) -> HTTPRequest.Body {
    switch source {
    case .bytes(let bytes): .bytes(Array(bytes[offset..<offset + count]))
    case .file(let path): .file(path, offset: offset, count: count)
    }
  }
}

extension RegistryError {
  /// Whether an upload must begin anew.
  fileprivate var isLostSession: Bool {
    switch fault {
    case .absent: true
    case .refused(let status, let message): status == 416 || (status == 400 && message.contains("UPLOAD"))
    default: false
    }
  }
}

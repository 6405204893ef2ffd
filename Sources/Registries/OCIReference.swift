public import ContentAddressing

/// A registry: a host with a port where it is not the scheme's own.
public struct RegistryHost: Hashable, Sendable, CustomStringConvertible {
  /// A DNS name, an IPv4 address, or an IPv6 address in brackets; in lowercase.
  public let name: String
  /// The port, where one is named.
  public let port: Int?

  /// `host` or `host:port`.
  public var description: String { port.map { "\(name):\($0)" } ?? name }

  /// Whether what is sent there never leaves this machine, so that it needs no TLS.
  public var isLoopback: Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return name == "localhost" || name == "[::1]"
      || (parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil })
  }

  /// Reads `host` or `host:port`; nil where it is neither.
  public init?(_ text: some StringProtocol) {
    var name = text.lowercased()[...]
    var port: Int?
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") {
      let digits = name[name.index(after: colon)...]
      guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = Int(digits), (1...65535).contains(number)
      else { return nil }
      port = number
      name = name[..<colon]
    }
    guard Self.isName(name) else { return nil }
    self.name = String(name)
    self.port = port
  }

  private static func isName(_ name: Substring) -> Bool {
    if name.hasPrefix("[") {
      return name.hasSuffix("]") && name.utf8.count > 3
        && name.dropFirst().dropLast().utf8.allSatisfy { "0123456789abcdef:.".utf8.contains($0) }
    }
    guard (1...253).contains(name.utf8.count) else { return false }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
  }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }

/// A place in a registry, `oci://host[:port]/repository[:tag][@digest]`.
public struct OCIReference: Hashable, Sendable, CustomStringConvertible {
  /// Which of a repository's manifests.
  public enum Version: Hashable, Sendable, CustomStringConvertible {
    /// What a name stands for at the moment.
    case tag(String)
    /// A manifest or index of this content.
    case digest(Digest)

    /// As it stands in the path of a request.
    public var description: String {
      switch self {
      case .tag(let tag): tag
      case .digest(let digest): digest.description
      }
    }
  }

  /// The registry.
  public var host: RegistryHost
  /// The path of the repository in it.
  public var repository: String
  /// The manifest; nil where none is named.
  public var version: Version?

  /// The printed form.
  public var description: String {
    let place = "oci://\(host)/\(repository)"
    return switch version {
    case nil: place
    case .tag(let tag): "\(place):\(tag)"
    case .digest(let digest): "\(place)@\(digest)"
    }
  }

  /// The same repository with another version.
  public func with(_ version: Version?) -> OCIReference {
    var other = self
    other.version = version
    return other
  }

  /// Reads a reference, strictly; with tag and digest the digest counts.
  ///
  /// - Throws: `OCIReferenceError` that says which part is wrong.
  public init(_ text: String) throws(OCIReferenceError) {
    func wrong(_ reason: String) -> OCIReferenceError { OCIReferenceError(text: text, reason: reason) }
    let scheme = "oci://"
    guard text.hasPrefix(scheme) else { throw wrong("it must begin with oci://") }
    var rest = text.dropFirst(scheme.count)
    guard let slash = rest.firstIndex(of: "/") else { throw wrong("a repository must follow the host") }
    guard let host = RegistryHost(rest[..<slash]) else { throw wrong("'\(rest[..<slash])' is no host or host:port") }
    self.host = host
    rest = rest[rest.index(after: slash)...]
    version = nil
    if let at = rest.lastIndex(of: "@") {
      let word = String(rest[rest.index(after: at)...])
      guard let digest = Digest(word) else { throw wrong("'\(word)' is not sha256: and 64 hexadecimal digits") }
      version = .digest(digest)
      rest = rest[..<at]
    }
    if let colon = rest.lastIndex(of: ":") {
      let tag = String(rest[rest.index(after: colon)...])
      guard Self.isTag(tag) else {
        throw wrong("'\(tag)' is no tag: up to 128 letters, digits, '_', '.' and '-', the first no '.' or '-'")
      }
      if version == nil { version = .tag(tag) }
      rest = rest[..<colon]
    }
    guard Self.isRepository(rest) else {
      throw wrong(
        "'\(rest)' is no repository: names of lowercase letters and digits with single '.', '_' or '-' between "
          + "them, joined by '/'")
    }
    repository = String(rest)
  }

  /// Whether a text may be a tag.
  public static func isTag(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 128, first != UInt8(ascii: "."), first != UInt8(ascii: "-")
    else { return false }
    return text.utf8.allSatisfy {
      isLetterOrDigit($0) || (0x41...0x5A).contains($0) || "_.-".utf8.contains($0)
    }
  }

  private static func isRepository(_ text: Substring) -> Bool {
    guard (1...255).contains(text.utf8.count) else { return false }
    return text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
      guard let first = part.first, let last = part.last, isLetterOrDigit(first), isLetterOrDigit(last) else {
        return false
      }
      var run: [UInt8] = []
      for byte in part {
        if isLetterOrDigit(byte) {
          // One '.', one or two '_', any number of '-'.
          let separators = String(decoding: run, as: UTF8.self)
          guard run.isEmpty || [".", "_", "__"].contains(separators) || run.allSatisfy({ $0 == UInt8(ascii: "-") })
          else { return false }
          run = []
        } else if "._-".utf8.contains(byte) {
          run.append(byte)
        } else {
          return false
        }
      }
      return true
    }
  }
}

/// What is wrong with a reference.
public struct OCIReferenceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text.
  public var text: String
  /// The part that is wrong, and what is expected.
  public var reason: String

  /// One sentence.
  public var description: String {
    "'\(text)' is no reference to a registry: \(reason) (expected oci://host[:port]/repository[:tag|@sha256:…])"
  }
}

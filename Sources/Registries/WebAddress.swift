import CTransfer

/// Who is talked to: credentials belong to one of these and go to no other.
struct Origin: Hashable, Sendable, CustomStringConvertible {
  var scheme: String
  var host: String
  var port: Int

  /// Whether what is sent can't be read on the way: it goes by TLS, or never leaves this machine.
  var isPrivate: Bool { scheme == "https" || RegistryHost(host)?.isLoopback ?? false }

  /// The host as configurations name it, with a port where it is not the scheme's own.
  var hostAndPort: String { port == (scheme == "https" ? 443 : 80) ? host : "\(host):\(port)" }

  var description: String { "\(scheme)://\(hostAndPort)" }
}

/// A URL of http or https, as libcurl itself reads it.
struct WebAddress: Sendable, Hashable, CustomStringConvertible {
  let text: String
  let origin: Origin

  var description: String { text }

  /// Reads a URL; nil where it is none of http or https, or names a user.
  ///
  /// - Parameters:
  ///   - text: The URL, perhaps relative.
  ///   - base: What it is relative to.
  init?(_ text: String, relativeTo base: WebAddress? = nil) {
    guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else { return nil }
    var parts = transfer_address()
    guard transfer_read_address(text, base?.text, &parts) == 0 else { return nil }
    defer { transfer_free_address(&parts) }
    let scheme = String(cString: parts.scheme).lowercased()
    guard ["http", "https"].contains(scheme), let port = Int(String(cString: parts.port)) else { return nil }
    self.text = String(cString: parts.url)
    origin = Origin(scheme: scheme, host: String(cString: parts.host).lowercased(), port: port)
  }

  /// The same with one more item in its query.
  func adding(_ name: String, _ value: String) -> WebAddress? {
    WebAddress(text + (text.contains("?") ? "&" : "?") + name + "=" + Self.encoded(value))
  }

  /// A text as it may stand in a query.
  static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: result.append(Character(Unicode.Scalar(byte)))
      case _ where "-._~:/,".utf8.contains(byte): result.append(Character(Unicode.Scalar(byte)))
      default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
    return result
  }
}

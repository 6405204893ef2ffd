import Glibc

/// How characters are written as bytes.
///
/// Nothing is guessed from the text: what counts is what the user declares, else a byte order mark, else an XML or HTML
/// declaration, else UTF-8.
public struct TextEncoding: Sendable, Hashable {
  /// The name as iconv(3) knows it, or nil where the file itself says.
  let name: String?

  /// As the file itself says: byte order mark, declaration, else UTF-8.
  public static let asFileSays = TextEncoding(name: nil)

  /// A name that iconv does not know.
  public struct Unknown: Error, Sendable {}

  private init(name: String?) { self.name = name }

  /// A declared encoding.
  ///
  /// - Parameter name: A name that iconv(3) knows, such as `utf-8`, `latin-1`, `windows-1252` or `utf-16`.
  /// - Throws: `Unknown`.
  public init(named name: String) throws(Unknown) {
    let canonical = Self.canonical(name)
    guard let handle = iconv_open("UTF-8", canonical), handle != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw Unknown()
    }
    iconv_close(handle)
    self.name = canonical
  }

  static func canonical(_ name: String) -> String {
    switch name.uppercased() {
    case "LATIN-1", "LATIN_1": "ISO-8859-1"
    case "WINDOWS-1252": "CP1252"
    case "UTF8": "UTF-8"
    case "UTF16": "UTF-16"
    case let upper: upper
    }
  }

  /// The encoding that a byte order mark tells, and the mark's length.
  static func mark(_ head: [UInt8]) -> (name: String, length: Int)? {
    if head.starts(with: [0xEF, 0xBB, 0xBF]) { return ("UTF-8", 3) }
    if head.starts(with: [0xFF, 0xFE, 0x00, 0x00]) { return ("UTF-32LE", 4) }
    if head.starts(with: [0x00, 0x00, 0xFE, 0xFF]) { return ("UTF-32BE", 4) }
    if head.starts(with: [0xFF, 0xFE]) { return ("UTF-16LE", 2) }
    if head.starts(with: [0xFE, 0xFF]) { return ("UTF-16BE", 2) }
    return nil
  }

  /// The encoding that an HTML file declares in its first bytes: `charset=…` of a `meta` element.
  static func declaredByHTML(_ head: [UInt8]) -> String? {
    let text = String(decoding: head, as: UTF8.self).lowercased()
    guard let match = text.firstMatch(of: /<meta[^>]*charset\s*=\s*["']?\s*([a-z0-9_:.-]+)/) else { return nil }
    return String(match.1)
  }
}

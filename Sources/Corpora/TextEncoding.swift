import Glibc

/// How characters are written as bytes.
///
/// Nothing is guessed from the text: what counts is what the user declares, else a byte order mark, else an XML or HTML
/// declaration, else UTF-8.
public struct TextEncoding: Sendable, Hashable {
  /// The name as iconv(3) knows it, or nil where the file itself says.
  let name: String?
  /// Whether it is read by the Encoding Standard's tables where iconv's are others.
  let isStandard: Bool

  /// As the file itself says: byte order mark, declaration, else UTF-8.
  public static let asFileSays = TextEncoding(name: nil, isStandard: false)

  /// A name that iconv does not know.
  public struct Unknown: Error, Sendable {}

  init(name: String?, isStandard: Bool) {
    self.name = name
    self.isStandard = isStandard
  }

  /// A declared encoding.
  ///
  /// - Parameter name: A label of the Encoding Standard, which stands for what it stands for in browsers (`latin1` for
  ///   windows-1252, `gb2312` for GBK, `shift_jis` for Microsoft's), or another name that iconv(3) knows. ASCII and
  ///   windows-1252 by their own names are taken strictly: what they lack is an error.
  /// - Throws: `Unknown`.
  public init(named name: String) throws(Unknown) {
    let label = EncodingLabel.trimmed(name)
    switch label {
    case "ascii", "us-ascii", "ansi_x3.4-1968": self.init(name: "ASCII", isStandard: false)
    case "windows-1252", "cp1252": self.init(name: "CP1252", isStandard: false)
    case "utf16", "utf-16": self.init(name: "UTF-16", isStandard: false)
    default: self = EncodingLabel.encoding(label) ?? TextEncoding(name: label.uppercased(), isStandard: false)
    }
    guard isKnown else { throw Unknown() }
  }

  /// Whether iconv has a table for it.
  var isKnown: Bool {
    guard let name, let handle = iconv_open("UTF-8", name), handle != UnsafeMutableRawPointer(bitPattern: -1) else {
      return false
    }
    iconv_close(handle)
    return true
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
}

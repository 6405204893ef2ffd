/// What names in a bundle may look like: they become files, lines on a terminal and words of a command line.
enum BundleNames {
  /// The most bytes of a name or a label.
  static let most = 4096
  /// The most bytes of a setting.
  static let mostOfSetting = 64 << 10

  static let textRule = "a text of at most \(most) bytes without control characters"
  static let nameRule = "a name of letters, digits, '_', '-' and dots"
  static let labelRule = "STAGE or STAGE@CELL, of at most \(most) bytes without control characters"
  static let settingRule = "NAME=VALUE, of at most \(mostOfSetting) bytes without control characters"

  /// Whether a text is one line that no terminal obeys: no control characters, separators of lines, or characters that
  /// override the direction of writing.
  static func isText(_ text: String, most: Int = most) -> Bool {
    text.utf8.count <= most
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: false
        default: true
        }
      }
  }

  /// Whether a text is a name as pipeline files have them: of stages, ports, parameters and pipelines.
  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 255 else { return false }
    guard first != UInt8(ascii: "-"), first != UInt8(ascii: ".") else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }

  /// Whether a text names a stage, or one of its cells.
  static func isLabel(_ text: String) -> Bool {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    return isText(text) && isName(String(parts[0])) && (parts.count == 1 || !parts[1].isEmpty)
  }

  /// Whether a text is an argument of `--set`.
  static func isSetting(_ text: String) -> Bool {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return isText(text, most: mostOfSetting) && parts.count == 2 && isName(String(parts[0]))
  }
}

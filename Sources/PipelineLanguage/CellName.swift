public import CanonicalJSON

/// The name of one cell of a grid: a value for every axis, as declared.
public struct CellName: Sendable, Hashable, CustomStringConvertible {
  /// Axis to value; values are numbers, strings, Booleans or null.
  public var axes: JSONObject

  /// A cell.
  public init(axes: JSONObject) { self.axes = axes }

  /// The name as references spell it, such as `lambda=0.1,seed=2`.
  public var description: String {
    axes.members.map { "\($0.name)=\(Self.print($0.value))" }.joined(separator: ",")
  }

  /// A value as cell names hold it: canonical JSON, strings bare where nothing in them can be misread.
  static func print(_ value: JSONValue) -> String {
    guard case .string(let text) = value else { return value.text }
    return isBare(text) ? text : value.text
  }

  /// Whether a string needs no quotes: it holds no `@ , = .`, no quote, blank or `*`, and reads as a string.
  private static func isBare(_ text: String) -> Bool {
    guard !text.isEmpty else { return false }
    let special = text.utf8.contains { byte in
      switch byte {
      case UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "."), UInt8(ascii: "\""),
        UInt8(ascii: "\\"), UInt8(ascii: "*"), 0...0x20, 0x7F:
        true
      default: false
      }
    }
    return !special && CoreSchema.resolve(text).string != nil
  }
}

/// A JSON text under construction: bytes are appended as they will stand in the file.
///
/// The fast way to write many records; `JSONValue.canonical` and `JSONValue.text` are built on it.
public struct JSONText: Sendable {
  /// The UTF-8 bytes so far.
  public private(set) var bytes: [UInt8] = []

  /// An empty text.
  public init() {}

  /// Room for so many bytes.
  public mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Forgets the bytes and keeps the room for as many.
  public mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Appends bytes that are JSON already, or punctuation between values.
  public mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends bytes that are JSON already.
  public mutating func raw(_ text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

  /// Appends a string with RFC 8785's escapes.
  public mutating func append(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { text in
      let text = UnsafeRawBufferPointer(text)
      var start = 0
      while true {
        let end = StringScan.special(in: text, from: start)
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<end]))
        if end == text.count { break }
        escape(text[end])
        start = end + 1
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): raw("\\\"")
    case UInt8(ascii: "\\"): raw("\\\\")
    case 0x08: raw("\\b")
    case 0x09: raw("\\t")
    case 0x0A: raw("\\n")
    case 0x0C: raw("\\f")
    case 0x0D: raw("\\r")
    default:
      raw("\\u00")
      let digits: StaticString = "0123456789abcdef"
      bytes.append(digits.utf8Start[Int(byte >> 4)])
      bytes.append(digits.utf8Start[Int(byte & 15)])
    }
  }

  /// Appends an integer.
  public mutating func append(_ value: Int) { bytes.append(contentsOf: String(value).utf8) }

  /// Appends a number as ECMAScript prints it, which is what RFC 8785 asks for; a non-finite one as null.
  public mutating func append(_ value: Double) {
    guard value.isFinite else { return raw("null") }
    if let integer = Int(exactly: value), integer.magnitude < 1 << 53 { return append(integer) }
    appendShortest(value.description)
  }

  /// Appends a float by its own shortest decimal form; a non-finite one as null.
  public mutating func append(_ value: Float) {
    guard value.isFinite else { return raw("null") }
    if let integer = Int(exactly: value), integer.magnitude < 1 << 24 { return append(integer) }
    appendShortest(value.description)
  }

  /// Rewrites Swift's shortest decimal form (`1e-05`, `1.5e+22`, `100000.0`) as ECMAScript's.
  private mutating func appendShortest(_ description: String) {
    var digits: [UInt8] = []
    var exponent = 0  // the value is 0.DIGITS × 10^exponent
    var pointAt: Int? = nil
    var iterator = description.utf8.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "-"): bytes.append(byte)
      case UInt8(ascii: "."): pointAt = digits.count
      case UInt8(ascii: "e"):
        var text: [UInt8] = []
        while let next = iterator.next() { text.append(next) }
        exponent = Int(String(decoding: text, as: UTF8.self))!
      default: digits.append(byte)
      }
    }
    exponent += pointAt ?? digits.count
    let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(leading)
    exponent -= leading
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    let zero = UInt8(ascii: "0")
    switch exponent {
    case _ where digits.isEmpty: bytes.append(zero)
    case digits.count...21:
      bytes.append(contentsOf: digits)
      bytes.append(contentsOf: repeatElement(zero, count: exponent - digits.count))
    case 1...21:
      bytes.append(contentsOf: digits[..<exponent])
      bytes.append(UInt8(ascii: "."))
      bytes.append(contentsOf: digits[exponent...])
    case -5...0:
      raw("0.")
      bytes.append(contentsOf: repeatElement(zero, count: -exponent))
      bytes.append(contentsOf: digits)
    default:
      bytes.append(digits[0])
      if digits.count > 1 {
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: digits[1...])
      }
      raw(exponent > 0 ? "e+" : "e-")
      append(abs(exponent - 1))
    }
  }

  /// Appends a value, members in the order of the object.
  public mutating func append(_ value: JSONValue) { append(value, canonical: false, indent: nil) }

  /// Appends an array of elements that `each` appends.
  public mutating func array<Elements: Sequence>(
    _ elements: Elements, _ each: (inout JSONText, Elements.Element) -> Void
  ) {
    raw("[")
    var first = true
    for element in elements {
      if !first { raw(",") }
      first = false
      each(&self, element)
    }
    raw("]")
  }

  mutating func append(_ value: JSONValue, canonical: Bool, indent: Int?) {
    switch value {
    case .null: raw("null")
    case .bool(let value): raw(value ? "true" : "false")
    case .number(let value): append(value)
    case .numeral(let text): bytes.append(contentsOf: text.utf8)
    case .string(let value): append(value)
    case .array(let elements):
      let inner = indent.map { $0 + 2 }
      raw("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { raw(",") }
        newLine(inner)
        append(element, canonical: canonical, indent: inner)
      }
      if !elements.isEmpty { newLine(indent) }
      raw("]")
    case .object(let object):
      let inner = indent.map { $0 + 2 }
      raw("{")
      var members = object.members
      if canonical { members.sort { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) } }
      for (index, member) in members.enumerated() {
        if index > 0 { raw(",") }
        newLine(inner)
        append(member.name)
        raw(":")
        if inner != nil { raw(" ") }
        append(member.value, canonical: canonical, indent: inner)
      }
      if !members.isEmpty { newLine(indent) }
      raw("}")
    }
  }

  private mutating func newLine(_ indent: Int?) {
    guard let indent else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: indent))
  }
}

extension JSONValue {
  /// The canonical form of RFC 8785: members sorted by UTF-16 code units, no white space, ECMAScript numbers.
  public var canonical: [UInt8] {
    var text = JSONText()
    text.append(self, canonical: true, indent: nil)
    return text.bytes
  }

  /// One line, members in their own order.
  public var text: String {
    var text = JSONText()
    text.append(self)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  /// Many lines, indented by two blanks, members in their own order, a line end last.
  public var prettyText: String {
    var text = JSONText()
    text.append(self, canonical: false, indent: 0)
    return String(decoding: text.bytes, as: UTF8.self) + "\n"
  }
}

/// What was wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Line of the fault, from 1.
  public var line: Int
  /// Column of the fault in bytes, from 1.
  public var column: Int
  /// What was found or expected.
  public var reason: String
  /// One sentence with the place.
  public var description: String { "line \(line), column \(column): \(reason)" }
}

/// What a parser makes of numbers.
public enum JSONNumbers: Sendable {
  /// Doubles; one that overflows is refused.
  case doubles
  /// Doubles for integers of few digits, which print as they were written, `JSONValue.numeral` for all others: nothing is
  /// lost, and nothing overflows.
  case asWritten
}

extension JSONValue {
  /// Parses one JSON text.
  ///
  /// Duplicate names, a byte order mark, unpaired surrogates, invalid UTF-8, numbers that overflow and nesting
  /// deeper than 512 are refused.
  /// - Throws: `JSONError` with line and column.
  public init(parsing text: String) throws(JSONError) {
    var text = text
    self = try text.withUTF8 { JSONParser.parse(UnsafeRawBufferPointer($0), .doubles) }.get()
  }

  /// Parses one JSON text from UTF-8 bytes.
  /// - Throws: `JSONError` with line and column.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    self = try bytes.withUnsafeBytes { JSONParser.parse($0, .doubles) }.get()
  }

  /// Parses one JSON text from UTF-8 bytes.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - numbers: What becomes of numbers.
  /// - Throws: `JSONError` with line and column.
  public init(parsing bytes: UnsafeRawBufferPointer, numbers: JSONNumbers = .doubles) throws(JSONError) {
    self = try JSONParser.parse(bytes, numbers).get()
  }
}

struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  var position = 0
  var depth = 0
  /// The string with escapes that is read; kept, so that not every one of them asks for memory.
  private var unescaped: [UInt8] = []

  private let numbers: JSONNumbers

  init(bytes: UnsafeRawBufferPointer, numbers: JSONNumbers) {
    self.bytes = bytes
    self.numbers = numbers
  }

  static func parse(_ bytes: UnsafeRawBufferPointer, _ numbers: JSONNumbers) -> Result<JSONValue, JSONError> {
    var parser = JSONParser(bytes: bytes, numbers: numbers)
    do throws(JSONError) { return .success(try parser.document()) } catch { return .failure(error) }
  }

  mutating func document() throws(JSONError) -> JSONValue {
    skipWhiteSpace()
    let value = try self.value()
    skipWhiteSpace()
    if position < bytes.count { throw failure("unexpected \(found) after the value") }
    return value
  }

  private var found: String {
    guard position < bytes.count else { return "end of text" }
    let byte = bytes[position]
    return byte >= 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
  }

  private func failure(_ reason: String) -> JSONError {
    var line = 1
    var column = 1
    for index in 0..<min(position, bytes.count) {
      if bytes[index] == 0x0A { (line, column) = (line + 1, 1) } else { column += 1 }
    }
    return JSONError(line: line, column: column, reason: reason)
  }

  private mutating func skipWhiteSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    guard position < bytes.count else { throw failure("expected a value, found end of text") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("expected a value, found \(found)")
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { throw failure("expected \(text), found end of text") }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] {
      throw failure("expected a value, found \(found)")
    }
    position += count
    return value
  }

  private mutating func enter() throws(JSONError) {
    depth += 1
    if depth > 512 { throw failure("nested deeper than 512") }
    position += 1
    skipWhiteSpace()
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    try enter()
    var elements: [JSONValue] = []
    if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
      position += 1
      depth -= 1
      return .array(elements)
    }
    while true {
      elements.append(try value())
      skipWhiteSpace()
      guard position < bytes.count else { throw failure("expected ',' or ']', found end of text") }
      switch bytes[position] {
      case UInt8(ascii: ","):
        position += 1
        skipWhiteSpace()
      case UInt8(ascii: "]"):
        position += 1
        depth -= 1
        return .array(elements)
      default: throw failure("expected ',' or ']', found \(found)")
      }
    }
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    try enter()
    var members: [(name: String, value: JSONValue)] = []
    members.reserveCapacity(4)
    // Small objects are searched, large ones (a vocabulary) indexed.
    var seen: Set<[UInt8]>? = nil
    if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
      position += 1
      depth -= 1
      return .object(JSONObject(distinct: members))
    }
    while true {
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw failure("expected a member name, found \(found)")
      }
      let start = position
      let name = try string()
      if members.count == 32 { seen = Set(members.map { Array($0.name.utf8) }) }
      // In place: a copy of the set for every member would make large objects quadratic.
      let isNew =
        seen?.insert(Array(name.utf8)).inserted ?? !members.contains { $0.name.hasSameBytes(as: name) }
      if !isNew {
        position = start
        throw failure("member \"\(name.shown())\" stands twice")
      }
      skipWhiteSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
        throw failure("expected ':', found \(found)")
      }
      position += 1
      skipWhiteSpace()
      members.append((name, try value()))
      skipWhiteSpace()
      guard position < bytes.count else { throw failure("expected ',' or '}', found end of text") }
      switch bytes[position] {
      case UInt8(ascii: ","):
        position += 1
        skipWhiteSpace()
      case UInt8(ascii: "}"):
        position += 1
        depth -= 1
        return .object(JSONObject(distinct: members))
      default: throw failure("expected ',' or '}', found \(found)")
      }
    }
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    func isDigit(_ index: Int) -> Bool { index < bytes.count && bytes[index] >= 0x30 && bytes[index] <= 0x39 }
    guard isDigit(position) else { throw failure("expected a digit, found \(found)") }
    if bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      while isDigit(position) { position += 1 }
    }
    var isInteger = true
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard isDigit(position) else { throw failure("expected a digit after '.', found \(found)") }
      while isDigit(position) { position += 1 }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
        position += 1
      }
      guard isDigit(position) else { throw failure("expected a digit in the exponent, found \(found)") }
      while isDigit(position) { position += 1 }
    }
    if isInteger, position - start <= 15 {
      var magnitude = 0
      let negative = bytes[start] == UInt8(ascii: "-")
      for index in (negative ? start + 1 : start)..<position { magnitude = magnitude * 10 + Int(bytes[index] - 0x30) }
      // A negative zero prints without its sign.
      if !negative || magnitude > 0 || numbers == .doubles {
        return .number(negative ? -Double(magnitude) : Double(magnitude))
      }
    }
    let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    if numbers == .asWritten { return .numeral(text) }
    guard let value = Double(text), value.isFinite else {
      position = start
      throw failure("number \(text.shown(limit: 40)) is out of range")
    }
    return .number(value)
  }

  private mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    var plain = true
    while true {
      position = StringScan.special(in: bytes, from: min(position, bytes.count))
      guard position < bytes.count, bytes[position] != UInt8(ascii: "\"") else { break }
      guard bytes[position] == UInt8(ascii: "\\") else {
        throw failure("control character in a string; write it as an escape")
      }
      plain = false
      position += 2
    }
    guard position < bytes.count else {
      position = bytes.count
      throw failure("the string is not closed")
    }
    let end = position
    position = start
    let text: String?
    if plain {
      text = String(utf8: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    } else {
      try unescape(upTo: end)
      text = unescaped.withUnsafeBytes { String(utf8: $0) }
    }
    guard let text else {
      position = start
      throw failure("a string is not valid UTF-8")
    }
    position = end + 1
    return text
  }

  /// Fills `unescaped` with the bytes that a string's text up to its closing quote stands for.
  private mutating func unescape(upTo end: Int) throws(JSONError) {
    unescaped.removeAll(keepingCapacity: true)
    unescaped.reserveCapacity(end - position)
    while position < end {
      // Between quotes only a backslash is special here: control characters were refused.
      let next = min(StringScan.special(in: bytes, from: position), end)
      unescaped.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position..<next]))
      position = next
      if position == end { break }
      position += 1
      let escape = bytes[position]
      position += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(escape)
      case UInt8(ascii: "b"): unescaped.append(0x08)
      case UInt8(ascii: "f"): unescaped.append(0x0C)
      case UInt8(ascii: "n"): unescaped.append(0x0A)
      case UInt8(ascii: "r"): unescaped.append(0x0D)
      case UInt8(ascii: "t"): unescaped.append(0x09)
      case UInt8(ascii: "u"):
        var code = UInt32(try hexadecimal(upTo: end))
        if code >= 0xD800, code < 0xDC00 {
          guard position + 1 < end, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
          else { throw failure("an unpaired surrogate escape") }
          position += 2
          let low = UInt32(try hexadecimal(upTo: end))
          guard low >= 0xDC00, low < 0xE000 else { throw failure("an unpaired surrogate escape") }
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        }
        guard let scalar = UnicodeScalar(code) else { throw failure("an unpaired surrogate escape") }
        unescaped.append(contentsOf: UTF8.encode(scalar)!)
      default:
        position -= 1
        throw failure("unknown escape \(found)")
      }
    }
  }

  private mutating func hexadecimal(upTo end: Int) throws(JSONError) -> UInt16 {
    guard position + 4 <= end else { throw failure("expected four hexadecimal digits") }
    var value: UInt16 = 0
    for _ in 0..<4 {
      let byte = bytes[position]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw failure("expected four hexadecimal digits")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}

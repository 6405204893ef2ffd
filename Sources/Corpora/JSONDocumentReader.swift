import CanonicalJSON
import Records
import SystemPackage

/// Rows of a JSON file: an array of objects, or an object one of whose members is such an array.
///
/// Elements are found by counting brackets and parsed one by one, so that the file is never in memory whole.
struct JSONDocumentReader {
  private static let manyValues =
    "if the file holds JSON lines, an object a line, set format to jsonl"

  private let input: TextInput
  private var line = 1
  /// How many bytes of the line are consumed.
  private var column = 0
  private var endsWithCarriageReturn = false

  init(input: TextInput) { self.input = input }

  mutating func read(_ body: (CorpusRow) throws -> Void) throws {
    switch try peek() {
    case UInt8(ascii: "["):
      take()
      try elements(body)
    case UInt8(ascii: "{"):
      take()
      try members(body)
    case nil: throw failure("is empty; expected an array of objects")
    default: throw failure("expected an array of objects, or an object that holds one; \(Self.manyValues)")
    }
    if try peek() != nil { throw failure("text after the end of the JSON value; \(Self.manyValues)") }
  }

  private func failure(_ reason: String) -> RecordError { RecordError(file: input.file, line: line, reason: reason) }

  /// The next byte that is not white space, not consumed; nil at the end.
  private mutating func peek() throws -> UInt8? {
    while true {
      let window = input.window
      var count = 0
      for byte in window {
        guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
        count += 1
      }
      consume(count)
      if let byte = input.window.first { return byte }
      guard try input.more(line: line) else { return nil }
    }
  }

  private mutating func take() { consume(1) }

  /// Lets go of bytes and keeps count of lines, which end with LF, CRLF or CR, and columns.
  private mutating func consume(_ count: Int) {
    let bytes = input.window.prefix(count)
    for byte in bytes {
      if byte == 0x0A || byte == 0x0D {
        if byte == 0x0D || !endsWithCarriageReturn { line += 1 }
        column = 0
      } else {
        column += 1
      }
      endsWithCarriageReturn = byte == 0x0D
    }
    input.consume(count)
  }

  private mutating func expect(_ byte: UInt8) throws {
    guard try peek() == byte else {
      throw failure("not valid JSON (column \(column + 1)): expected '\(Character(UnicodeScalar(byte)))'")
    }
    take()
  }

  /// Whether a comma follows; false where the closing bracket does.
  private mutating func continues(until close: UInt8) throws -> Bool {
    let byte = try peek()
    guard byte == UInt8(ascii: ",") || byte == close else {
      throw failure("not valid JSON (column \(column + 1)): expected ',' or '\(Character(UnicodeScalar(close)))'")
    }
    take()
    return byte != close
  }

  private mutating func members(_ body: (CorpusRow) throws -> Void) throws {
    var found: String?
    if try peek() == UInt8(ascii: "}") {
      take()
    } else {
      repeat {
        guard try peek() == UInt8(ascii: "\""), let name = try value().string else {
          throw failure("not valid JSON: expected a member name")
        }
        try expect(UInt8(ascii: ":"))
        guard try peek() == UInt8(ascii: "[") else {
          _ = try value()
          continue
        }
        take()
        if try peek() == UInt8(ascii: "{") {
          if let found {
            throw failure("holds two arrays of objects, \"\(found.shown())\" and \"\(name.shown())\"; keep one")
          }
          found = name
          try elements(body)
        } else if try peek() == UInt8(ascii: "]") {
          take()
        } else {
          repeat { _ = try value() } while try continues(until: UInt8(ascii: "]"))
        }
      } while try continues(until: UInt8(ascii: "}"))
    }
    if found == nil {
      throw failure("expected an array of objects, or an object that holds one; \(Self.manyValues)")
    }
  }

  private mutating func elements(_ body: (CorpusRow) throws -> Void) throws {
    if try peek() == UInt8(ascii: "]") { return take() }
    repeat {
      _ = try peek()
      let start = line
      let value = try value()
      guard let object = value.object else {
        throw RecordError(
          file: input.file, line: start, reason: "expected an object in the array, found \(value.typeName)")
      }
      try body(CorpusRow(file: input.file, line: start, fields: object))
    } while try continues(until: UInt8(ascii: "]"))
  }

  /// The next value, consumed.
  private mutating func value() throws -> JSONValue {
    guard try peek() != nil else { throw failure("not valid JSON: expected a value, found end of text") }
    let count = try extent()
    let bytes = UnsafeRawBufferPointer(rebasing: input.window[..<count])
    let value = try Self.value(bytes, line: line, column: column, input.file)
    consume(count)
    return value
  }

  /// The value that bytes hold, its numbers as they are written.
  ///
  /// - Parameters:
  ///   - bytes: The value.
  ///   - line: The line on which it begins.
  ///   - column: How many bytes stand before it on that line.
  ///   - file: The file's name for messages.
  /// - Returns: The value.
  /// - Throws: `RecordError` with line and column.
  static func value(
    _ bytes: UnsafeRawBufferPointer, line: Int, column: Int = 0, _ file: FilePath
  ) throws(RecordError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: bytes, numbers: .asWritten)
    } catch {
      if String(utf8: bytes) == nil { throw TextInput.notUTF8(bytes, line: line, file) }
      throw RecordError(
        file: file, line: line + error.line - 1,
        reason: "not valid JSON (column \(error.column + (error.line == 1 ? column : 0))): \(error.reason)")
    }
  }

  /// How many bytes the value at the window's start has; what is malformed is left to the parser.
  private func extent() throws -> Int {
    var index = 0
    var depth = 0
    var isInString = false
    while true {
      let window = input.window
      while index < window.count {
        let byte = window[index]
        index += 1
        if isInString {
          if byte == UInt8(ascii: "\\") {
            index += 1
          } else if byte == UInt8(ascii: "\"") {
            isInString = false
            if depth == 0 { return min(index, window.count) }
          }
          continue
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
          depth += 1
          if depth > 512 { throw failure("not valid JSON: nested deeper than 512") }
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 { return max(1, index - 1) }
          depth -= 1
          if depth == 0 { return index }
        case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09: if depth == 0 { return max(1, index - 1) }
        default: break
        }
      }
      guard try input.more(line: line) else { return input.window.count }
    }
  }
}

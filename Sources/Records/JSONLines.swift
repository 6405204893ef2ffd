public import CanonicalJSON
import Glibc
public import SystemPackage

/// A row of a JSONL file with its place, for messages.
public struct JSONLine: Sendable {
  /// The file.
  public var file: FilePath
  /// The line from 1.
  public var number: Int
  /// The row.
  public var value: JSONObject

  /// An error at this row.
  public func failure(_ reason: String) -> RecordError { RecordError(file: file, line: number, reason: reason) }

  private func member<Value>(
    _ name: String, _ expected: String, _ convert: (JSONValue) -> Value?
  ) throws(RecordError) -> Value {
    guard let value = value[name] else { throw failure("member \"\(name)\" is missing") }
    guard let converted = convert(value) else {
      throw failure("member \"\(name)\": expected \(expected), found \(value.typeName)")
    }
    return converted
  }

  /// A text that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func string(_ name: String) throws(RecordError) -> String { try member(name, "a string") { $0.string } }

  /// An integer that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func integer(_ name: String) throws(RecordError) -> Int { try member(name, "an integer") { $0.integer } }

  /// A number that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func number(_ name: String) throws(RecordError) -> Double { try member(name, "a number") { $0.number } }

  /// Texts that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func strings(_ name: String) throws(RecordError) -> [String] {
    try member(name, "an array of strings") { $0.array.flatMap { Self.all($0) { $0.string } } }
  }

  /// Token ids that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func tokens(_ name: String) throws(RecordError) -> [Int32] {
    try member(name, "an array of token ids") {
      $0.array.flatMap { Self.all($0) { $0.integer.flatMap(Int32.init(exactly:)) } }
    }
  }

  /// Numbers that must be there.
  /// - Throws: `RecordError` with file, line and member.
  public func floats(_ name: String) throws(RecordError) -> [Float] {
    try member(name, "an array of numbers") { $0.array.flatMap { Self.all($0) { $0.number.map(Float.init) } } }
  }

  /// Whether a member is there and not null.
  public func has(_ name: String) -> Bool { !(value[name] ?? .null).isNull }

  private static func all<Value>(_ values: [JSONValue], _ convert: (JSONValue) -> Value?) -> [Value]? {
    let converted = values.compactMap(convert)
    return converted.count == values.count ? converted : nil
  }
}

/// JSONL files: one JSON object a line.
public enum JSONLines {
  /// Reads a file row by row; lines of white space only are passed over.
  ///
  /// - Parameters:
  ///   - file: The file, UTF-8.
  ///   - body: Called with each row in order.
  /// - Throws: `RecordError` where the file can't be read or a line is no JSON object, and what `body` throws.
  public static func read(_ file: FilePath, _ body: (JSONLine) throws -> Void) throws {
    let bytes = try FileContent.read(file)
    try bytes.withUnsafeBytes { bytes in
      var start = 0
      var number = 0
      while start < bytes.count {
        number += 1
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let found = memchr(rest.baseAddress!, 0x0A, rest.count)
        let count = found.map { UnsafeRawPointer($0) - rest.baseAddress! } ?? rest.count
        start += count + 1
        let line = UnsafeRawBufferPointer(rebasing: rest[..<count])
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
        let value: JSONValue
        do throws(JSONError) {
          value = try JSONValue(parsing: line)
        } catch {
          throw RecordError(
            file: file, line: number, reason: "not valid JSON (column \(error.column)): \(error.reason)")
        }
        guard let object = value.object else {
          throw RecordError(file: file, line: number, reason: "expected a JSON object, found \(value.typeName)")
        }
        try body(JSONLine(file: file, number: number, value: object))
      }
    }
  }

  /// Writes rows, a line each.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - file: Where; an existing file is replaced.
  ///   - append: Appends one row without its line end.
  /// - Throws: `Errno`, such as `noSpace`.
  public static func write<Rows: Sequence>(
    _ rows: Rows, to file: FilePath, _ append: (Rows.Element, inout JSONText) -> Void
  ) throws {
    let descriptor = try FileContent.create(file)
    try descriptor.closeAfter {
      var text = JSONText()
      for row in rows {
        append(row, &text)
        text.raw("\n")
        if text.bytes.count > 1 << 20 {
          try descriptor.writeAll(text.bytes)
          text = JSONText()
        }
      }
      try descriptor.writeAll(text.bytes)
    }
  }
}

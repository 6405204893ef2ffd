public import CanonicalJSON
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
    let descriptor = try FileContent.open(file)
    defer { try? descriptor.close() }
    var window = ByteWindow()
    var number = 0
    while let lines = try window.lines(1 << 18, { try FileContent.read(descriptor, file, into: $0) }), !lines.isEmpty {
      number += try lines.forEachLine { line, offset in
        if !line.isBlank { try body(try row(line, file, number + offset)) }
      }
    }
  }

  /// Reads the content of a file that was read already, as `read(_:_:)` does.
  static func read(_ content: [UInt8], of file: FilePath, _ body: (JSONLine) throws -> Void) throws {
    try content.withUnsafeBytes { bytes in
      _ = try bytes.forEachLine { line, number in
        if !line.isBlank { try body(try row(line, file, number)) }
      }
    }
  }

  /// The row that a line holds.
  /// - Throws: `RecordError` where it is no JSON object.
  static func row(_ line: UnsafeRawBufferPointer, _ file: FilePath, _ number: Int) throws(RecordError) -> JSONLine {
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
    return JSONLine(file: file, number: number, value: object)
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
      text.reserve(1 << 20 + 1 << 16)
      for row in rows {
        append(row, &text)
        text.raw("\n")
        if text.bytes.count > 1 << 20 {
          try descriptor.writeAll(text.bytes)
          text.clear()
        }
      }
      try descriptor.writeAll(text.bytes)
    }
  }

  /// Writes rows, a line each, made on several threads; their number changes no byte.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - file: Where; an existing file is replaced.
  ///   - threads: How many threads.
  ///   - append: Appends one row without its line end.
  /// - Throws: `Errno`, such as `noSpace`.
  static func write<Row: Sendable>(
    _ rows: [Row], to file: FilePath, threads: Int, _ append: @Sendable (Row, inout JSONText) -> Void
  ) throws {
    guard threads > 1, rows.count > partRows else { return try write(rows, to: file, append) }
    let descriptor = try FileContent.create(file)
    try descriptor.closeAfter {
      var start = 0
      while start < rows.count {
        var parts: [ArraySlice<Row>] = []
        while parts.count < threads, start < rows.count {
          parts.append(rows[start..<min(start + partRows, rows.count)])
          start += partRows
        }
        let texts = concurrently(parts) { part in
          var text = JSONText()
          text.reserve(1 << 20)
          for row in part {
            append(row, &text)
            text.raw("\n")
          }
          return text
        }
        for text in texts { try descriptor.writeAll(text.bytes) }
      }
    }
  }

  private static let partRows = 1024
}

import CanonicalJSON
import Glibc
import Records
import SystemPackage

/// A window on a source of bytes that grows until it holds a whole row.
final class TextInput {
  let file: FilePath
  private let source: any ByteSource
  private var content = ByteWindow()

  init(file: FilePath, source: any ByteSource) {
    self.file = file
    self.source = source
  }

  /// What is read and not consumed; valid until the next `more`.
  var window: UnsafeRawBufferPointer { content.bytes }

  /// Lets go of the first bytes of the window.
  func consume(_ count: Int) { content.consume(count) }

  /// Reads more bytes behind the window.
  ///
  /// - Parameter line: The line on which the row begins that the window is to hold.
  /// - Returns: Whether there were any.
  /// - Throws: `RecordError` where the window would grow beyond the longest row.
  func more(line: Int) throws -> Bool {
    guard let more = try content.more(limit: CorpusLimits.rowBytes, source.read) else { throw tooLong(line) }
    return more
  }

  /// The next whole lines, at least one, as many as some bytes hold.
  ///
  /// - Parameters:
  ///   - size: How many bytes are read at least, if there are as many.
  ///   - line: The number of the first line.
  /// - Returns: The lines, valid until the next call; empty at the end.
  /// - Throws: `RecordError` where a line is longer than the longest row.
  func lines(_ size: Int, line: Int) throws -> UnsafeRawBufferPointer {
    guard let lines = try content.lines(size, limit: CorpusLimits.rowBytes, source.read) else { throw tooLong(line) }
    return lines
  }

  private func tooLong(_ line: Int) -> RecordError {
    RecordError(file: file, line: line, reason: "begins a row longer than \(CorpusLimits.rowBytes >> 20) MiB")
  }

  /// The text of bytes.
  /// - Throws: `RecordError` where they are not valid UTF-8, or hold NUL, which is how UTF-16 looks to who takes it for
  ///   UTF-8.
  func text(_ bytes: UnsafeRawBufferPointer, line: Int) throws(RecordError) -> String {
    guard let text = String(utf8: bytes) else { throw Self.notUTF8(bytes, line: line, file) }
    if let base = bytes.baseAddress, memchr(base, 0, bytes.count) != nil {
      throw RecordError(
        file: file, line: line,
        reason: "holds a NUL byte; take it out, or set encoding to utf-16le if that is what it is")
    }
    return text
  }

  /// The error for bytes that are not UTF-8, on the line where they are.
  static func notUTF8(_ bytes: UnsafeRawBufferPointer, line: Int, _ file: FilePath) -> RecordError {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let offset = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    return RecordError(
      file: file, line: line + offset,
      reason: "is not valid UTF-8; declare the file's encoding, for example with encoding: windows-1252")
  }
}

/// The lines of a text, which end with LF; the last needs no end.
struct LineReader {
  let input: TextInput
  /// The number of the line that was read last, from 1.
  private(set) var line = 0
  private var pending = 0

  init(_ input: TextInput) { self.input = input }

  /// The next line without its LF, valid until the next call; nil at the end.
  mutating func next() throws -> UnsafeRawBufferPointer? {
    input.consume(pending)
    pending = 0
    var scanned = 0
    while true {
      let window = input.window
      if window.count > scanned, let base = window.baseAddress,
        let found = memchr(base + scanned, 0x0A, window.count - scanned)
      {
        line += 1
        let count = UnsafeRawPointer(found) - base
        pending = count + 1
        return UnsafeRawBufferPointer(rebasing: window[..<count])
      }
      scanned = window.count
      guard try input.more(line: line + 1) else {
        if scanned == 0 { return nil }
        line += 1
        pending = scanned
        return input.window
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Without the CR of a CRLF.
  var withoutCarriageReturn: UnsafeRawBufferPointer {
    last == 0x0D ? UnsafeRawBufferPointer(rebasing: dropLast()) : self
  }
}

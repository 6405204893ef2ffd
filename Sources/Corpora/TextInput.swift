import Glibc
import Records
import SystemPackage

/// A window on a source of bytes that grows until it holds a whole row.
final class TextInput {
  let file: FilePath
  private let source: any ByteSource
  private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var start = 0
  private var end = 0
  private var ended = false

  init(file: FilePath, source: any ByteSource) {
    self.file = file
    self.source = source
  }

  deinit { storage.deallocate() }

  /// What is read and not consumed; valid until the next `more`.
  var window: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[start..<end]) }

  /// Lets go of the first bytes of the window.
  func consume(_ count: Int) { start += count }

  /// Reads more bytes behind the window.
  ///
  /// - Parameter line: The line on which the row begins that the window is to hold.
  /// - Returns: Whether there were any.
  /// - Throws: `RecordError` where the window would grow beyond the longest row.
  func more(line: Int) throws -> Bool {
    if ended { return false }
    if start > 0 {
      memmove(storage.baseAddress!, storage.baseAddress! + start, end - start)
      end -= start
      start = 0
    }
    if end == storage.count {
      guard storage.count < CorpusLimits.rowBytes else {
        throw RecordError(file: file, line: line, reason: "begins a row longer than \(CorpusLimits.rowBytes >> 20) MiB")
      }
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: storage.count * 2, alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(storage))
      storage.deallocate()
      storage = larger
    }
    let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
    end += count
    ended = count == 0
    return !ended
  }

  /// The text of bytes.
  /// - Throws: `RecordError` where they are not valid UTF-8.
  func text(_ bytes: UnsafeRawBufferPointer, line: Int) throws(RecordError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw notUTF8(bytes, line: line) }
    return text
  }

  /// The error for bytes that are not UTF-8, on the line where they are.
  func notUTF8(_ bytes: UnsafeRawBufferPointer, line: Int) -> RecordError {
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

  /// Whether there is white space only.
  var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
}

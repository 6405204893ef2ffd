import CanonicalJSON
import Corpora
import Records
import SystemPackage
import TestSupport

/// Bytes in memory, given out in pieces of any size.
final class MemoryBytes: ByteSource {
  private var rest: ArraySlice<UInt8>
  private let piece: Int

  init(_ bytes: [UInt8], piece: Int = .max) {
    rest = bytes[...]
    self.piece = piece
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = min(rest.count, buffer.count, piece)
    buffer.copyBytes(from: rest.prefix(count))
    rest = rest.dropFirst(count)
    return count
  }
}

/// What a reader makes of bytes.
enum Reading {
  static func each(_ bytes: [UInt8], _ reader: CorpusReader, _ body: (CorpusRow) throws -> Void) throws {
    try reader.read(MemoryBytes(bytes), file: "rows", body)
  }

  /// Rows as `line {fields}`; the same whatever the pieces in which the bytes come.
  static func rows(_ bytes: [UInt8], _ reader: CorpusReader) throws -> [String] {
    var readings: [[String]] = []
    for piece in [Int.max, 1, 7] {
      var rows: [String] = []
      try reader.read(MemoryBytes(bytes, piece: piece), file: "rows") {
        rows.append("\($0.line) " + JSONValue.object($0.fields).text)
      }
      readings.append(rows)
    }
    guard readings[0] == readings[1], readings[0] == readings[2] else { throw Disagreement(readings: readings) }
    return readings[0]
  }

  /// What is said of bytes that can't be read, with its line.
  static func failure(_ bytes: [UInt8], _ reader: CorpusReader) -> String {
    do {
      return "no error, but \(try rows(bytes, reader))"
    } catch let error as RecordError {
      return "\(error.line.map(String.init) ?? "-"): \(error.reason)"
    } catch {
      return "\(error)"
    }
  }

  struct Disagreement: Error { var readings: [[String]] }
}

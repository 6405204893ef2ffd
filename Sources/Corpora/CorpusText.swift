import Glibc
import SystemPackage

/// The bytes of a file, checked to be UTF-8, its byte order mark left out.
struct CorpusText {
  let file: FilePath
  let bytes: [UInt8]

  init(_ file: FilePath) throws(CorpusError) {
    self.file = file
    let content: [UInt8]
    do {
      content = try Self.content(of: file)
    } catch {
      throw CorpusError(file: file, reason: "can't be read: \(error)")
    }
    if let name = Self.compression(content) {
      throw CorpusError(file: file, reason: "is \(name); unpack it first")
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    bytes = content.starts(with: mark) ? Array(content.dropFirst(3)) : content
    if let line = Self.firstInvalidLine(bytes) {
      throw CorpusError(file: file, line: line, reason: "is not valid UTF-8; convert the file, for example with iconv")
    }
  }

  private static func content(of file: FilePath) throws -> [UInt8] {
    let descriptor = try FileDescriptor.open(file, .readOnly)
    return try descriptor.closeAfter {
      let size = Int(try descriptor.seek(offset: 0, from: .end))
      return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let read = try descriptor.read(fromAbsoluteOffset: Int64(count), into: rest)
          if read == 0 { break }
          count += read
        }
      }
    }
  }

  /// The name of a compressed format by its first bytes.
  private static func compression(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x1F, 0x8B]) { return "compressed with gzip" }
    if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return "compressed with zstd" }
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return "a zip archive" }
    return nil
  }

  private static func firstInvalidLine(_ bytes: [UInt8]) -> Int? {
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
  }
}

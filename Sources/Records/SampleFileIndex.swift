import CanonicalJSON
public import SystemPackage

/// Where the rows of a `samples.jsonl` stand, prompt by prompt, so that the samples of a prompt can be read together
/// wherever they are, without holding a text.
public struct SampleFileIndex: Sendable {
  private let file: FilePath
  /// The content of what can be read once only, such as a pipe; nil for a file.
  private var content: [UInt8]?
  /// For every row its place in the file in bytes, its length and its line from 1.
  private var rows: [(offset: Int, length: Int32, line: Int32)] = []
  /// For every prompt the place of its rows in `order`.
  private var starts: [Int32] = [0]
  /// Rows prompt by prompt, prompts in the order in which their ids are first seen.
  private var order: [Int32] = []

  /// Looks through a samples folder, or a `samples.jsonl` itself.
  /// - Throws: `RecordError` with file and line.
  public init(_ artifact: FilePath) throws {
    file = FileContent.file("samples.jsonl", of: artifact)
    let descriptor = try FileContent.open(file)
    defer { try? descriptor.close() }
    if (try? descriptor.seek(offset: 0, from: .current)) == nil { content = [] }
    var numbers: [UInt64: Int32] = [:]
    var prompts: [Int32] = []
    var counts: [Int32] = []
    var last: (hash: UInt64, number: Int32)?
    var window = ByteWindow()
    var (position, line) = (0, 0)
    let file = file
    while let lines = try window.lines(1 << 18, { try FileContent.read(descriptor, file, into: $0) }), !lines.isEmpty {
      var start = 0
      while start < lines.count {
        let end = lines[start...].firstIndex(of: 0x0A) ?? lines.count
        line += 1
        let content = UnsafeRawBufferPointer(rebasing: lines[start..<end])
        if !content.isBlank {
          guard let length = Int32(exactly: content.count), let number = Int32(exactly: line) else {
            throw RecordError(file: file, line: line, reason: "the row is too long")
          }
          let hash = try Self.idHash(of: content, file, line)
          let prompt: Int32
          if let last, last.hash == hash {
            prompt = last.number
          } else if let known = numbers[hash] {
            prompt = known
          } else {
            prompt = Int32(counts.count)
            numbers[hash] = prompt
            counts.append(0)
          }
          last = (hash, prompt)
          counts[Int(prompt)] += 1
          prompts.append(prompt)
          rows.append((position + start, length, number))
        }
        start = end + 1
      }
      position += lines.count
      content?.append(contentsOf: lines)
    }
    starts.reserveCapacity(counts.count + 1)
    for count in counts { starts.append(starts[starts.count - 1] + count) }
    var next = starts
    order = [Int32](repeating: 0, count: rows.count)
    for (row, prompt) in prompts.enumerated() {
      order[Int(next[Int(prompt)])] = Int32(row)
      next[Int(prompt)] += 1
    }
  }

  /// The number of prompts.
  public var promptCount: Int { starts.count - 1 }

  /// How many samples a prompt has.
  public func sampleCount(ofPrompt prompt: Int) -> Int { Int(starts[prompt + 1] - starts[prompt]) }

  /// The id of a prompt.
  /// - Throws: `RecordError` where the file can't be read any more.
  public func id(ofPrompt prompt: Int) throws -> String {
    let descriptor = try content == nil ? FileContent.open(file) : nil
    defer { try? descriptor?.close() }
    let (offset, length, line) = rows[Int(order[Int(starts[prompt])])]
    let bytes = try read(descriptor, from: offset, count: Int(length))
    return try bytes.withUnsafeBytes { try JSONLines.row($0, file, Int(line)).string("id") }
  }

  /// Sixty-four bits of a row's id.
  ///
  /// Reading holds the ids of a prompt against each other, so that two ids that share them are told.
  private static func idHash(
    of line: UnsafeRawBufferPointer, _ file: FilePath, _ number: Int
  ) throws(RecordError) -> UInt64 {
    if let id = plainID(of: line) { return hash(id) }
    var id = try JSONLines.row(line, file, number).string("id")
    return id.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
  }

  /// The id of a row that begins with it, written without escapes; nil for any other row.
  private static func plainID(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let head: StaticString = "{\"id\":\""
    guard line.count > head.utf8CodeUnitCount else { return nil }
    for place in 0..<head.utf8CodeUnitCount where line[place] != head.utf8Start[place] { return nil }
    var end = head.utf8CodeUnitCount
    while end < line.count, line[end] != UInt8(ascii: "\"") {
      if line[end] == UInt8(ascii: "\\") { return nil }
      end += 1
    }
    return UnsafeRawBufferPointer(rebasing: line[head.utf8CodeUnitCount..<end])
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = ContentHash()
    hash.add(bytes)
    return hash.value
  }

  /// Reads the samples prompt by prompt.
  ///
  /// - Parameter body: Called with the samples of each prompt in the order of the file, and their lines from 1.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public func forEachPrompt(_ body: ([(row: SampleRow, line: Int)]) throws -> Void) throws {
    let descriptor = try content == nil ? FileContent.open(file) : nil
    defer { try? descriptor?.close() }
    var part: [UInt8] = []
    var partStart = 0
    for prompt in 0..<promptCount {
      var samples: [(row: SampleRow, line: Int)] = []
      for place in starts[prompt]..<starts[prompt + 1] {
        let (offset, length, line) = rows[Int(order[Int(place)])]
        if offset < partStart || offset + Int(length) > partStart + part.count {
          // Rows that follow each other are read in large parts, others one by one.
          let isNext = offset >= partStart && offset <= partStart + part.count
          part = try read(descriptor, from: offset, count: max(Int(length), isNext || part.isEmpty ? 1 << 18 : 1 << 12))
          partStart = offset
        }
        guard offset + Int(length) <= partStart + part.count else {
          throw RecordError(file: file, line: Int(line), reason: "the file became shorter while it was read")
        }
        let row = try part.withUnsafeBytes { bytes in
          let content = UnsafeRawBufferPointer(rebasing: bytes[offset - partStart..<offset - partStart + Int(length)])
          return try SampleRow(JSONLines.row(content, file, Int(line)))
        }
        if let first = samples.first?.row.id, !first.hasSameBytes(as: row.id) {
          throw RecordError(
            file: file, line: Int(line),
            reason: "the ids \"\(first)\" and \"\(row.id)\" can't be told apart; rename one")
        }
        samples.append((row, Int(line)))
      }
      try body(samples)
    }
  }

  private func read(_ descriptor: FileDescriptor?, from offset: Int, count: Int) throws(RecordError) -> [UInt8] {
    guard let descriptor else { return Array((content ?? []).dropFirst(offset).prefix(count)) }
    do {
      return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        while filled < count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
          let read = try descriptor.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
          if read == 0 { break }
          filled += read
        }
      }
    } catch {
      throw RecordError(file: file, reason: "can't be read: \(error)")
    }
  }
}

import CanonicalJSON
import Glibc
import Records
import SystemPackage

/// What two rows have in common exactly where their texts are equal: 128 bits under a key that is drawn for each process.
struct TextKey: Hashable, Sendable {
  private let low: Int
  private let high: Int

  /// The key of texts, of which no two run into each other.
  init(_ texts: String...) {
    func hash(_ salt: UInt8) -> Int {
      var hasher = Hasher()
      hasher.combine(salt)
      for text in texts {
        var text = text
        hasher.combine(text.utf8.count)
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
      }
      return hasher.finalize()
    }
    low = hash(0)
    high = hash(1)
  }
}

/// Rows on disk, in memory only where each lies: what is kept, and in which order, is decided when all are known.
///
/// The file has no name, so nothing of it is left whatever ends the process.
final class RowSpool {
  /// Where a row's text lies, without its id, and where its parts end.
  private struct Place: Sendable {
    var offset: Int
    var promptEnd: UInt32
    var headEnd: UInt32
    var end: UInt32
  }

  /// What else is kept of each row.
  struct Wanted: OptionSet {
    let rawValue: Int
    /// A key of the prompt.
    static let prompts = Wanted(rawValue: 1)
    /// A key of prompt and completion.
    static let rows = Wanted(rawValue: 2)
    /// The prompt's number in `Dealing`.
    static let ranks = Wanted(rawValue: 4)
  }

  private let descriptor: FileDescriptor
  private let wanted: Wanted
  private let dealing: Dealing
  private let threads: Int
  /// Where rows are written as they will stand in the dataset; nil where their order is decided later.
  private let split: Split?
  private let limit: Int
  private var pending: [DatasetRow] = []
  private var pendingBytes = 0
  private var places: [Place] = []
  private var size = 0
  private var isClosed = false
  /// How many rows there are.
  private(set) var count = 0
  /// Keys of prompts, by row.
  private(set) var prompts: [TextKey] = []
  /// Keys of prompt and completion, by row.
  private(set) var rows: [TextKey] = []
  /// Numbers of prompts, by row.
  private(set) var ranks: [UInt64] = []

  /// Rows whose order is decided later.
  ///
  /// - Parameters:
  ///   - folder: Where the file without a name lies.
  ///   - wanted: What is kept of each row.
  ///   - dealing: What numbers prompts.
  ///   - threads: How many threads write; their number changes nothing.
  /// - Throws: `Errno`.
  init(in folder: FilePath, _ wanted: Wanted, _ dealing: Dealing, threads: Int) throws {
    let path = folder.appending("rows-\(getpid())")
    descriptor = try FileDescriptor.open(
      path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
    unlink(path.string)
    self.wanted = wanted
    self.dealing = dealing
    self.threads = threads
    split = nil
    limit = .max
  }

  /// Rows that stay as they come, written into the dataset at once.
  ///
  /// - Parameters:
  ///   - split: Their split.
  ///   - folder: The dataset.
  ///   - limit: How many are written; the others are passed over.
  ///   - wanted: What is kept of each row.
  ///   - dealing: What numbers prompts.
  ///   - threads: How many threads write; their number changes nothing.
  /// - Throws: `Errno`.
  init(_ split: Split, of folder: FilePath, limit: Int, _ wanted: Wanted, _ dealing: Dealing, threads: Int) throws {
    descriptor = try FileContent.create(DatasetFiles.file(of: split, in: folder))
    self.wanted = wanted
    self.dealing = dealing
    self.threads = threads
    self.split = split
    self.limit = limit
  }

  deinit { if !isClosed { try? descriptor.close() } }

  /// Whether the rows stand in the dataset already.
  var isWritten: Bool { split != nil }

  /// Appends a row.
  /// - Throws: `Errno`, such as `noSpace`.
  func add(_ row: DatasetRow) throws {
    count += 1
    guard count <= limit else { return }
    var row = row
    if let split { row.id = "\(split.rawValue)-\(count - 1)" }
    pending.append(row)
    pendingBytes += row.prompt.utf8.count + row.references.reduce(row.completion.utf8.count) { $0 + $1.utf8.count }
    if pending.count == 4096 || pendingBytes > 4 << 20 { try flush() }
  }

  /// What a thread made of its rows.
  private struct Part: Sendable {
    var text = JSONText()
    var places: [Place] = []
    var prompts: [TextKey] = []
    var rows: [TextKey] = []
    var ranks: [UInt64] = []
  }

  /// Ends the rows, once behind the last one; a file of the dataset is closed, which is where some file systems tell that
  /// it is not whole.
  /// - Throws: `Errno`, such as `noSpace`.
  func finish() throws {
    try flush()
    guard isWritten, !isClosed else { return }
    isClosed = true
    try descriptor.close()
  }

  private func flush() throws {
    let length = max(1, (pending.count + threads - 1) / threads)
    let slices = stride(from: 0, to: pending.count, by: length).map { pending[$0..<min($0 + length, pending.count)] }
    let (wanted, dealing, isWritten) = (wanted, dealing, isWritten)
    let parts = concurrently(slices) { rows in
      var part = Part()
      for row in rows {
        if isWritten { row.appendID(to: &part.text) }
        let offset = part.text.bytes.count
        let extent = row.appendBody(to: &part.text)
        if isWritten {
          part.text.raw(DatasetFiles.end)
          part.text.raw("\n")
        } else {
          part.places.append(
            Place(
              offset: offset, promptEnd: UInt32(extent.prompt), headEnd: UInt32(extent.head),
              end: UInt32(extent.references)))
        }
        if wanted.contains(.prompts) { part.prompts.append(TextKey(row.prompt)) }
        if wanted.contains(.rows) { part.rows.append(TextKey(row.prompt, row.completion)) }
        if wanted.contains(.ranks) { part.ranks.append(dealing.rank(row.prompt.utf8)) }
      }
      return part
    }
    for part in parts {
      try descriptor.writeAll(part.text.bytes)
      for place in part.places {
        var place = place
        place.offset += size
        places.append(place)
      }
      size += part.text.bytes.count
      prompts += part.prompts
      rows += part.rows
      ranks += part.ranks
    }
    pending.removeAll(keepingCapacity: true)
    pendingBytes = 0
  }

  /// The prompt of a row.
  /// - Throws: `Errno`, or `JSONError` where the file does not hold what was written.
  func prompt(_ row: Int, _ reader: Reader) throws -> String {
    let bytes = try reader.bytes(places[row].offset, count: Int(places[row].promptEnd))
    let string = UnsafeRawBufferPointer(rebasing: bytes[DatasetRow.Extent.promptStart...])
    guard let prompt = try JSONValue(parsing: string).string else { throw Errno.ioError }
    return prompt
  }

  /// A reader of the file.
  func reader() -> Reader { Reader(descriptor) }

  /// Writes rows into the dataset.
  ///
  /// - Parameters:
  ///   - order: The rows, in order.
  ///   - split: Their split.
  ///   - folder: The dataset.
  /// - Throws: `Errno`, such as `noSpace`.
  func write(_ order: RowOrder, _ split: Split, to folder: FilePath) throws {
    let file = try FileContent.create(DatasetFiles.file(of: split, in: folder))
    try file.closeAfter {
      var start = 0
      while start < order.rows.count {
        var parts: [Range<Int>] = []
        while parts.count < threads, start < order.rows.count {
          parts.append(start..<min(start + 2048, order.rows.count))
          start = parts[parts.count - 1].upperBound
        }
        let (places, descriptor) = (places, descriptor)
        let texts = concurrently(parts) { part in
          Result { try Self.text(order, part, split, places, descriptor) }
        }
        for text in texts { try file.writeAll(text.get().bytes) }
      }
    }
  }

  private static func text(
    _ order: RowOrder, _ part: Range<Int>, _ split: Split, _ places: [Place], _ descriptor: FileDescriptor
  ) throws -> JSONText {
    let reader = Reader(descriptor)
    var text = JSONText()
    for number in part {
      let row = order.rows[number]
      text.raw("{\"id\":")
      text.append("\(split.rawValue)-\(number)")
      text.raw(try reader.bytes(places[row].offset, count: Int(places[row].end)))
      for other in order.gathered[row] ?? [] {
        text.raw(",")
        let place = places[other]
        text.raw(try reader.bytes(place.offset + Int(place.headEnd), count: Int(place.end - place.headEnd)))
      }
      text.raw(DatasetFiles.end)
      text.raw("\n")
    }
    return text
  }

  /// Reads stretches of the file, ahead where they lie one behind the other.
  final class Reader {
    private let descriptor: FileDescriptor
    private var window = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var (start, filled, next) = (0, 0, 0)

    fileprivate init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { window.deallocate() }

    /// Bytes from an offset on, valid until the next call.
    fileprivate func bytes(_ offset: Int, count: Int) throws -> UnsafeRawBufferPointer {
      if offset < start || offset + count > start + filled {
        let isNear = offset >= next && offset < next + 4096
        if count > window.count {
          window.deallocate()
          window = .allocate(byteCount: count, alignment: 16)
        }
        (start, filled) = (offset, 0)
        let size = isNear ? window.count : count
        while filled < size {
          let rest = UnsafeMutableRawBufferPointer(rebasing: window[filled..<size])
          let read = try descriptor.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
          if read == 0 { break }
          filled += read
        }
        guard filled >= count else { throw Errno.ioError }
      }
      next = offset + count
      return UnsafeRawBufferPointer(rebasing: window[(offset - start)..<(offset - start + count)])
    }
  }
}

/// Which rows of a spool are kept, in which order.
struct RowOrder: Sendable {
  /// Rows by number.
  var rows: [Int]
  /// Rows whose references are appended to those of a row that is kept.
  var gathered: [Int: [Int]] = [:]
}

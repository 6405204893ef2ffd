import CanonicalJSON
import Corpora
import Glibc
import Records
import StageKit
import SystemPackage

/// Texts whose n-th rows belong together, on disk until all are read: files come in any order.
///
/// The file has no name, so nothing of it is left whatever ends the process.
final class ParallelText {
  /// Where the rows of one file lie.
  struct Stretch {
    var file: FilePath
    var offset: Int
    var rows = 0
  }

  private let descriptor: FileDescriptor
  private var pending = JSONText()
  private var size = 0
  private var stretch: Stretch?

  /// No texts yet.
  ///
  /// - Parameter folder: Where the file without a name lies.
  /// - Throws: `Errno`.
  init(in folder: FilePath) throws {
    let path = folder.appending("parallel-\(getpid())")
    descriptor = try FileDescriptor.open(
      path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
    unlink(path.string)
  }

  deinit { try? descriptor.close() }

  /// Begins a file.
  func begin(_ file: FilePath) { stretch = Stretch(file: file, offset: size + pending.bytes.count) }

  /// Appends a row of the file that was begun.
  /// - Throws: `Errno`, such as `noSpace`.
  func append(_ row: CorpusRow) throws {
    pending.append(row.line)
    pending.raw(" ")
    pending.append(JSONValue.object(row.fields))
    pending.raw("\n")
    stretch?.rows += 1
    if pending.bytes.count > 1 << 20 { try flush() }
  }

  /// Ends the file that was begun.
  /// - Throws: `Errno`, such as `noSpace`.
  func end() throws -> Stretch {
    defer { stretch = nil }
    guard let stretch else { preconditionFailure("no file was begun") }
    return stretch
  }

  private func flush() throws {
    try descriptor.writeAll(pending.bytes)
    size += pending.bytes.count
    pending.clear()
  }

  /// Makes a row of every n; its place is that of the first field.
  ///
  /// - Parameters:
  ///   - columns: The fields with the files of each, in order.
  ///   - body: Called with each row.
  /// - Throws: `StageFailure` where the texts differ in their numbers of rows, and what `body` throws.
  func forEachRow(
    _ columns: [(field: String, stretches: [Stretch])], _ body: (CorpusRow) throws -> Void
  ) throws {
    try flush()
    let counts = columns.map { $0.stretches.reduce(0) { $0 + $1.rows } }
    for place in columns.indices where counts[place] != counts[0] {
      func name(_ place: Int) -> String {
        let file = columns[place].stretches.first { $0.rows > 0 }?.file
        return file.map { $0.string.shown(limit: 1000) } ?? "the text of \(columns[place].field)"
      }
      throw StageFailure(
        "\(name(0)) has \(counts[0]) rows (\(columns[0].field)), \(name(place)) has \(counts[place]) "
          + "(\(columns[place].field))", remedy: "parallel texts need equal numbers of rows")
    }
    let readers = columns.map { Column(descriptor, $0.stretches) }
    for _ in 0..<counts[0] {
      var row: CorpusRow?
      var fields: [(name: String, value: JSONValue)] = []
      for (column, reader) in zip(columns, readers) {
        let own = try reader.next()
        fields += Self.fields(of: own, as: column.field)
        if row == nil { row = own }
      }
      guard var row else { return }
      row.fields = JSONObject(fields)
      try body(row)
    }
  }

  /// The text as the field; what a pattern took out of it as `field.name`.
  private static func fields(of row: CorpusRow, as field: String) -> [(name: String, value: JSONValue)] {
    row.fields.members.map { (name: $0.name == "text" ? field : "\(field).\($0.name)", value: $0.value) }
  }

  /// Reads the rows of a field in order.
  private final class Column {
    private let descriptor: FileDescriptor
    private var stretches: ArraySlice<Stretch>
    private var left = 0
    private var file: FilePath = ""
    private var position = 0
    private var window = ByteWindow()
    private var handedOut = 0

    init(_ descriptor: FileDescriptor, _ stretches: [Stretch]) {
      self.descriptor = descriptor
      self.stretches = stretches[...]
    }

    /// The next row, of which there must be one.
    func next() throws -> CorpusRow {
      while left == 0 {
        guard let stretch = stretches.popFirst() else { throw Errno.ioError }
        (left, file, position, handedOut) = (stretch.rows, stretch.file, stretch.offset, 0)
        window = ByteWindow()
      }
      left -= 1
      window.consume(handedOut)
      var scanned = 0
      while true {
        let bytes = window.bytes
        if let end = bytes[scanned...].firstIndex(of: 0x0A) {
          handedOut = end + 1
          guard let blank = bytes.firstIndex(of: 0x20), blank < end,
            let line = Int(String(decoding: bytes[..<blank], as: UTF8.self)),
            let fields = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[(blank + 1)..<end])).object
          else { throw Errno.ioError }
          return CorpusRow(file: file, line: line, fields: fields)
        }
        scanned = bytes.count
        let more = try window.more { buffer in
          let count = try descriptor.read(fromAbsoluteOffset: Int64(position), into: buffer)
          position += count
          return count
        }
        guard more == true else { throw Errno.ioError }
      }
    }
  }
}

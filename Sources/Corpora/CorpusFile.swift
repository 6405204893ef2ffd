import Archives
import CanonicalJSON
import Glibc
public import Records
public import SystemPackage

/// A file of a user's data: plain, compressed, or an archive, which is read as if it were a folder.
public struct CorpusFile {
  /// Where it lies.
  public let path: FilePath
  private let waiting: () throws -> Void

  /// A file that exists.
  ///
  /// - Parameters:
  ///   - path: Where it lies.
  ///   - waiting: Called several times a second while a pipe gives nothing; may throw to end the waiting.
  public init(_ path: FilePath, waiting: @escaping () throws -> Void = {}) {
    self.path = path
    self.waiting = waiting
  }

  /// Whether its name says that it is an archive of files: `.tar`, `.tar.gz`, `.tgz`, `.zip` and their like.
  public var isArchive: Bool {
    let name = (path.lastComponent?.string ?? "").lowercased()
    if [".zip", ".tar", ".tgz", ".tzst", ".txz", ".tbz2", ".tbz"].contains(where: { name.hasSuffix($0) }) {
      return true
    }
    return CorpusFormat.uncompressed(path).extension?.lowercased() == "tar"
  }

  /// The size in bytes, packed; 0 for a pipe.
  public var size: Int {
    var status = stat()
    return stat(path.string, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Refuses what is no regular file and no pipe that this process was given open.
  /// - Throws: `RecordError`.
  public func check() throws(RecordError) { _ = try FileBytes(path) }

  /// Reads a file that is no archive, unpacked on the way where it is compressed.
  ///
  /// - Parameters:
  ///   - consumed: Called now and then with the number of bytes of the file that were read.
  ///   - body: Reads the bytes.
  /// - Throws: `RecordError` or `ArchiveError` where they can't be read or unpacked, and what `body` throws.
  public func read(consumed: @escaping (Int) -> Void, _ body: (any ByteSource) throws -> Void) throws {
    // Opened once: what was taken from a pipe does not come again.
    let file = try FileBytes(path, waiting: waiting)
    let head = try PrefixedBytes.head(of: file, count: Packing.headBytes)
    let whole = PrefixedBytes(head[...], then: file)
    guard try Packing(head: head, of: path) != nil else { return try body(CountedBytes(whole, consumed)) }
    let reader = try ArchiveReader(name: path.string, accepting: .singleFilesToo, stream: whole.read(into:))
    guard let entry = try reader.next() else { throw RecordError(file: path, reason: "is empty") }
    guard entry.name == nil else {
      throw RecordError(
        file: path, reason: "is an archive, though its name does not say so; call it .tar, .tar.gz or .zip")
    }
    let packed = { reader.progress.read }
    try body(PackedBytes(reader, file: path, unpackedBefore: 0, packed: packed) { _ in consumed(packed()) })
  }

  /// Reads members of an archive in the archive's order.
  ///
  /// Only regular members are read, unpacked on the way where they themselves are compressed. Names are compared, never
  /// used as paths, so nothing is written anywhere; a name that stands twice is refused, since either may be meant.
  /// - Parameters:
  ///   - isWanted: Whether a member of a name is read.
  ///   - consumed: Called now and then with the number of bytes of the archive that were read.
  ///   - body: Reads a member's bytes.
  /// - Throws: `RecordError` or `ArchiveError` where the archive is damaged or a wanted member is no regular file, and
  ///   what `body` throws.
  public func readMembers(
    _ isWanted: (String) -> Bool, consumed: @escaping (Int) -> Void,
    _ body: (_ name: String, _ file: FilePath, _ bytes: any ByteSource) throws -> Void
  ) throws {
    guard try FileBytes(path).isRegular else {
      throw RecordError(file: path, reason: "is a pipe, but an archive is read in any order; write it to a file first")
    }
    let reader = try ArchiveReader(path: path, accepting: .archives)
    // By bytes: two names that Swift takes for one may stand for two files.
    var seen: Set<[UInt8]> = []
    var unpacked = 0
    while let entry = try reader.next() {
      guard let written = entry.name else { continue }
      let name =
        written.utf8.starts(with: "./".utf8) ? String(decoding: written.utf8.dropFirst(2), as: UTF8.self) : written
      if entry.kind == .folder || !isWanted(name) { continue }
      let file = FilePath(path.string + "/" + name)
      let components = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      guard name.utf8.first != UInt8(ascii: "/"), !components.contains(where: { $0.elementsEqual("..".utf8) }) else {
        throw RecordError(
          file: path, reason: "member \"\(name.shown())\" has a name that leads out of the archive; not read")
      }
      guard entry.kind == .file else {
        throw RecordError(file: file, reason: "is a link or a device, no file; pack the file itself")
      }
      guard seen.insert(Array(name.utf8)).inserted else {
        throw RecordError(file: file, reason: "stands twice in the archive; pack it once")
      }
      var own = 0
      let packed = { reader.progress.read }
      let member = PackedBytes(reader, file: file, unpackedBefore: unpacked, packed: packed) { count in
        own = count
        consumed(packed())
      }
      let head = try PrefixedBytes.head(of: member, count: Packing.headBytes)
      let bytes = PrefixedBytes(head[...], then: member)
      switch try Packing(head: head, of: file) {
      case nil: try body(name, file, bytes)
      case .archive: throw RecordError(file: file, reason: "is an archive within an archive; unpack the outer one")
      case .compression:
        let inner = try ArchiveReader(name: file.string, stream: bytes.read(into:))
        guard try inner.next()?.name == nil else {
          throw RecordError(file: file, reason: "is an archive within an archive; unpack the outer one")
        }
        try body(
          name, file, PackedBytes(inner, file: file, unpackedBefore: unpacked, packed: packed) { own = $0 })
      }
      unpacked += own
    }
  }
}

/// Tells how many bytes were read.
private final class CountedBytes: ByteSource {
  private let source: any ByteSource
  private let consumed: (Int) -> Void
  private var count = 0

  init(_ source: any ByteSource, _ consumed: @escaping (Int) -> Void) {
    self.source = source
    self.consumed = consumed
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let read = try source.read(into: buffer)
    count += read
    consumed(count)
    return read
  }
}

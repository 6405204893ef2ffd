import Archives
import Records
import SystemPackage

/// The bytes of an archive's present member, or of a compressed file.
///
/// Content that grows beyond all measure against the packed file is refused before it fills the memory.
final class PackedBytes: ByteSource {
  private let reader: ArchiveReader
  private let file: FilePath
  private let unpackedBefore: Int
  private let packed: () -> Int
  private let count: (Int) -> Void

  /// - Parameters:
  ///   - reader: At a member.
  ///   - file: The member's name for messages.
  ///   - unpackedBefore: How many bytes the members before had.
  ///   - packed: How many bytes of the file on disk were read so far.
  ///   - count: Called with the number of bytes of this member so far.
  init(
    _ reader: ArchiveReader, file: FilePath, unpackedBefore: Int, packed: @escaping () -> Int,
    count: @escaping (Int) -> Void
  ) {
    self.reader = reader
    self.file = file
    self.unpackedBefore = unpackedBefore
    self.packed = packed
    self.count = count
  }

  private var unpacked = 0

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let read = try reader.read(into: buffer)
    unpacked += read
    count(unpacked)
    let total = unpackedBefore + unpacked
    if total > CorpusLimits.expansionFloor, total / CorpusLimits.expansion > packed() {
      throw RecordError(
        file: file,
        reason: "unpacks to more than \(CorpusLimits.expansion) times its size, as a decompression bomb does; "
          + "unpack it yourself if it is none")
    }
    return read
  }
}

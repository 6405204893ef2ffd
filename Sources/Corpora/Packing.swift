import Records
import SystemPackage

/// How a file is packed, as its first bytes say.
enum Packing {
  /// One file under gzip, zstd, xz or bzip2; unpacked it may turn out to be an archive.
  case compression
  /// A tar or zip archive.
  case archive

  /// How many first bytes tell it.
  static let headBytes = 512

  /// Looks at the first bytes; nil where they are those of no compression and no archive.
  ///
  /// - Throws: `RecordError` where the name says that the file is compressed and the bytes do not.
  init?(head: [UInt8], of file: FilePath) throws(RecordError) {
    let compressions: [[UInt8]] = [[0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]]
    // A frame to skip, of any of sixteen kinds, as pzstd writes it before each frame of data.
    let isSkippable = head.dropFirst().starts(with: [0x2A, 0x4D, 0x18]) && head[0] & 0xF0 == 0x50
    // A text may begin with bzip2's "BZh"; behind the level stands the head of a block or, where there is none, the end.
    let block: [[UInt8]] = [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]]
    let isBzip2 = head.starts(with: Array("BZh".utf8)) && block.contains { head.dropFirst(4).starts(with: $0) }
    if isBzip2 || isSkippable || compressions.contains(where: { head.starts(with: $0) }) {
      self = .compression
    } else if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) || head.starts(with: [0x50, 0x4B, 0x05, 0x06])
      || head.dropFirst(257).starts(with: Array("ustar".utf8))
    {
      self = .archive
    } else {
      let ending = file.extension?.lowercased() ?? ""
      guard !["gz", "zst", "xz", "bz2"].contains(ending) || head.isEmpty else {
        throw RecordError(file: file, reason: "is not compressed, though its name ends with .\(ending)")
      }
      return nil
    }
  }
}

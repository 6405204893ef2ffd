import CanonicalJSON
public import SystemPackage

/// Why an archive can't be read or written; names the file and, where one is concerned, the member.
public struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public enum Fault: Error, Sendable, Equatable {
    /// The system refused an operation.
    case system(Errno)
    /// What the bytes are read from failed; the sentence names the place.
    case source(String)
    /// The path is a named pipe, a socket or a device.
    case special
    /// The bytes are no archive of a known format.
    case unknownFormat
    /// The bytes are cut off, altered, or not as their own checksums and headers say.
    case damaged(String)
    /// The member is encrypted.
    case encrypted
    /// More or fewer bytes were written to a member than were announced.
    case wrongSize(announced: Int, written: Int)
  }

  /// The archive.
  public var file: String
  /// The member, or nil where the fault concerns the whole.
  public var member: String?
  /// What is wrong.
  public var fault: Fault

  /// A fault of an archive.
  public init(file: String, member: String? = nil, fault: Fault) {
    self.file = file
    self.member = member
    self.fault = fault
  }

  /// One sentence with the place, on one line whatever the archive holds.
  public var description: String {
    let file = file.shown(limit: 4096)
    let place = member.map { "\(file), member \($0.shown(limit: 200))" } ?? file
    switch fault {
    case .system(let code): return "\(place): \(code)"
    case .source(let reason): return reason
    case .special: return "\(place): is a pipe, a socket or a device, no regular file; write it to a file first"
    case .unknownFormat:
      return "\(place): expected a tar or zip archive, plain or compressed with gzip, zstd, xz or bzip2"
    case .damaged(let reason): return "\(place): damaged archive: \(reason.shown(limit: 300))"
    case .encrypted: return "\(place): the member is encrypted; decrypt it first"
    case .wrongSize(let announced, let written):
      return "\(place): \(written) bytes written where \(announced) were announced"
    }
  }
}

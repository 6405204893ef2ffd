public import ContentAddressing
import Glibc
public import SystemPackage

/// A blob whose content is not what its name says.
public struct DamagedBlob: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with it.
  public enum Fault: Sendable, Hashable {
    /// Its bytes have another digest.
    case content(found: Digest)
    /// It has another length than the manifest says.
    case size(expected: Int, found: Int)
    /// It is a folder, a link or a device.
    case notAFile
    /// Reading it failed, with the system's error number.
    case unreadable(code: CInt)
  }

  /// What it should hold.
  public var digest: Digest
  /// What is wrong with it.
  public var fault: Fault
  /// Where it was moved to; nil where it could not be moved.
  public var quarantined: FilePath?

  /// A finding.
  public init(digest: Digest, fault: Fault, quarantined: FilePath? = nil) {
    self.digest = digest
    self.fault = fault
    self.quarantined = quarantined
  }

  /// One clause that names the blob and the fault.
  public var description: String {
    let reason =
      switch fault {
      case .content(let found): "its bytes have the digest \(found)"
      case .size(let expected, let found): "it has \(found) bytes instead of \(expected)"
      case .notAFile: "it is not a regular file"
      case .unreadable(let code): "it cannot be read (\(Errno(rawValue: code)))"
      }
    return "blob \(digest): \(reason)" + (quarantined.map { ", moved to \($0)" } ?? "")
  }
}

/// What went wrong in a store, where, and what helps.
public enum StoreError: Error, Sendable, Equatable {
  /// Blobs do not hold what their names say.
  case damaged([DamagedBlob])
  /// A blob that something refers to is absent.
  case missing(Digest, neededBy: String)
  /// No room for writing.
  case diskFull(FilePath)
  /// The system refuses access.
  case permission(operation: String, path: FilePath)
  /// A store of a version that this program does not know.
  case unknownFormat(FilePath, found: String)
  /// There is no store.
  case notAStore(FilePath)
  /// Something that is no folder stands where a store should be, or above it.
  case noFolder(FilePath)
  /// An output folder holds something else than files and folders.
  case refusedEntry(FilePath, what: String)
  /// An output folder holds no file.
  case emptyArtifact(FilePath)
  /// A name that cannot stand where it was given.
  case invalidName(String, rule: String)
  /// A document of the store or of a manifest is not as it must be.
  case malformed(place: String, reason: String)
  /// A record of what was run can't be read.
  case damagedRecord(FilePath)
  /// Another run shows its results in the same folder since.
  case supplanted(FilePath)
  /// A file was written to while it was hashed.
  case changedWhileReading(FilePath)
  /// Something that is not ours stands where something of ours should be.
  case inTheWay(FilePath, what: String)
  /// Any other failure of a system call.
  case system(operation: String, path: FilePath, code: CInt)

  /// The error for a failed system call.
  init(_ operation: String, _ path: FilePath, _ code: CInt) {
    switch code {
    case ENOSPC, EDQUOT: self = .diskFull(path)
    // The limit that `ulimit -f` sets is room, too; reading says so of what is longer than it can be.
    case EFBIG where operation == "write": self = .diskFull(path)
    case EACCES, EPERM, EROFS: self = .permission(operation: operation, path: path)
    default: self = .system(operation: operation, path: path, code: code)
    }
  }

  /// The exit status that this error asks for: 4 for damage, 7 for a full disk, 2 for a name that cannot stand,
  /// 1 for the rest.
  public var exitStatus: Int32 {
    switch self {
    case .damaged, .missing, .malformed, .unknownFormat, .damagedRecord: 4
    case .diskFull: 7
    case .invalidName, .notAStore, .noFolder: 2
    default: 1
    }
  }
}

extension StoreError: CustomStringConvertible {
  /// One sentence that names the place and the remedy.
  public var description: String {
    switch self {
    case .damaged(let blobs):
      blobs.map(\.description).joined(separator: "; ")
        + ". Run the pipeline again to rebuild what is lost, and `apprentice fsck` to check the rest."
    case .missing(let digest, let user):
      "\(user) needs blob \(digest), which is not in the store. Run the pipeline again to rebuild it."
    case .diskFull(let path):
      "No room left to write \(path). Free some space, or raise a quota or ulimit -f, and run again."
    case .permission(let operation, let path):
      "Not allowed to \(operation) \(path). Check its owner and mode, or name another store with --store."
    case .unknownFormat(let path, let found):
      "\(path) is a store of version \(found), which this program does not know. Use a newer apprentice, or another "
        + "store with --store."
    case .notAStore(let path):
      "\(path) holds no store. Run a pipeline to make one, or name another with --store."
    case .noFolder(let path):
      "\(path) is no folder, so there can be no store. Name another place with --store."
    case .refusedEntry(let path, let what):
      "\(path) is \(what); an artifact holds regular files and folders only. Let the stage write a file instead."
    case .emptyArtifact(let path):
      "\(path) holds no file. A stage must write every one of its outputs."
    case .invalidName(let name, let rule):
      "'\(name)' cannot stand here: expected \(rule)."
    case .malformed(let place, let reason):
      "\(place): \(reason). Run `apprentice fsck`."
    case .damagedRecord(let path):
      "\(path) is damaged: what it told of runs is lost, their results are not. Remove it; what only it keeps from "
        + "`apprentice gc` may go then."
    case .supplanted(let path):
      "another run shows its results in \(path) since; this one shows nothing more there"
    case .changedWhileReading(let path):
      "\(path) changed while it was read. Run again when nothing writes to it."
    case .inTheWay(let path, let what):
      "\(path) is \(what) that apprentice did not make; it is left as it is."
    case .system(let operation, let path, let code):
      "Cannot \(operation) \(path): \(Errno(rawValue: code))."
    }
  }
}

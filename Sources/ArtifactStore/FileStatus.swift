import Glibc

/// What `stat` tells of a file, as far as a store asks.
package struct FileStatus: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case file, folder, link, other

    init(mode: mode_t) {
      switch mode & S_IFMT {
      case S_IFREG: self = .file
      case S_IFDIR: self = .folder
      case S_IFLNK: self = .link
      default: self = .other
      }
    }
  }

  package var kind: Kind
  package var size: Int
  package var device: UInt64
  var inode: UInt64
  var links: Int
  /// Time of the last change of content, in nanoseconds since 1970.
  var modified: Int64
  /// Time of the last change of content, name, owner or mode, in nanoseconds since 1970.
  var changed: Int64

  init(_ status: stat) {
    kind = Kind(mode: status.st_mode)
    size = Int(status.st_size)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    links = Int(status.st_nlink)
    modified = FileStatus.nanoseconds(status.st_mtim)
    changed = FileStatus.nanoseconds(status.st_ctim)
  }

  /// Nanoseconds since 1970; a time further off than 126 years, which files may carry, counts as that.
  private static func nanoseconds(_ time: timespec) -> Int64 {
    let most: Int64 = 4_000_000_000
    return min(max(Int64(time.tv_sec), -most), most) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Whether this is the same file with the same content, as far as `stat` can tell.
  func isSameContent(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode && size == other.size && modified == other.modified
      && changed == other.changed
  }
}

/// The wall clock in nanoseconds since 1970.
package func wallClock() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// A clock that never goes back, in nanoseconds.
func steadyClock() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Sixteen random hexadecimal digits, for names that must be new.
func nonce() -> String {
  let digits = String(UInt64.random(in: .min ... .max), radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

import Foundation
import Glibc
public import SystemPackage

/// A small file system in memory, for as long as a test runs.
public final class SmallDisk {
  /// Where it is mounted.
  public let path: FilePath

  /// Mounts one; nil where this process may not.
  public init?(bytes: Int) {
    path = FilePath(
      FileManager.default.temporaryDirectory.appendingPathComponent("apprentice-disk-\(UUID().uuidString)").path)
    guard (try? FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)) != nil
    else { return nil }
    if mount("tmpfs", path.string, "tmpfs", 0, "size=\(bytes)") != 0 {
      rmdir(path.string)
      return nil
    }
  }

  deinit {
    umount2(path.string, Int32(MNT_DETACH))
    rmdir(path.string)
  }

  /// Whether this process may mount one.
  public static var isPossible: Bool { SmallDisk(bytes: 1 << 16) != nil }

  /// Fills the disk but for some bytes, to the page.
  public func fill(leaving bytes: Int) throws {
    var status = statvfs()
    guard statvfs(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    let free = Int(status.f_bavail) * Int(status.f_frsize)
    let file = try FileDescriptor.open(ballast, .writeOnly, options: .create, permissions: .ownerReadWrite)
    try file.closeAfter { _ = try file.writeAll([UInt8](repeating: 1, count: max(free - bytes, 0))) }
  }

  /// Takes away what `fill` wrote.
  public func makeRoom() throws {
    guard unlink(ballast.string) == 0 else { throw Errno(rawValue: errno) }
  }

  private var ballast: FilePath { path.appending("ballast") }
}

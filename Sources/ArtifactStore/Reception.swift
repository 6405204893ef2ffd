public import ContentAddressing
import Glibc
import SystemPackage

/// A blob on its way in: hashed while it is written, and never longer than it should be.
///
/// Used by one thread at a time. A large one is written in `work/downloads`, where it stays until the intake publishes:
/// the next attempt goes on from there, whatever cut this one off.
public final class Reception {
  /// What it must hold.
  public let digest: Digest
  /// How long it must be.
  public let size: Int
  /// The bytes that are there.
  public private(set) var count = 0

  /// The file in `work/downloads`; nil for what is not worth going on with.
  let download: FilePath?
  private let path: FilePath
  private let target: FilePath
  private let output: CInt
  private var hasher = SHA256Hasher()
  private var isOpen = true

  /// Blobs of fewer bytes are not worth going on with.
  private static let keptSize = 1 << 20

  init(_ digest: Digest, size: Int, to target: FilePath, keeping folder: FilePath?) throws(StoreError) {
    self.digest = digest
    self.size = size
    self.target = target
    if let folder, size >= Self.keptSize, let (path, output) = try Self.begun(digest, in: folder) {
      (self.path, self.output, download) = (path, output, path)
      try goOn()
    } else {
      path = target
      output = try FileSystem.call("write", target) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444) }
      download = nil
    }
  }

  deinit { leave() }

  /// The file in which an earlier attempt may have left bytes; nil where another process writes it, or has made it a
  /// blob that is not to be written.
  private static func begun(_ digest: Digest, in folder: FilePath) throws(StoreError) -> (FilePath, CInt)? {
    try FileSystem.makeFolders(folder)
    let path = folder.appending(digest.hexadecimal)
    let output: CInt
    do throws(StoreError) {
      output = try FileSystem.call("write", path) { open($0, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644) }
    } catch .permission {
      return nil
    }
    let isOurs = flock(output, LOCK_EX | LOCK_NB) == 0
    do throws(StoreError) {
      // Whoever held the lock may have moved the file away.
      if isOurs, try FileSystem.status(path)?.inode == FileSystem.status(of: output, path).inode {
        return (path, output)
      }
    } catch {
      Glibc.close(output)
      throw error
    }
    Glibc.close(output)
    return nil
  }

  /// Hashes what is there already.
  private func goOn() throws(StoreError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      let part = read(output, buffer.baseAddress, buffer.count)
      if part < 0 && errno == EINTR { continue }
      if part < 0 { throw StoreError("read", path, errno) }
      if part == 0 { break }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<part]))
      count += part
    }
    if count > size {
      _ = hasher.finish()
      count = 0
      guard ftruncate(output, 0) == 0, lseek(output, 0, SEEK_SET) == 0 else { throw StoreError("write", path, errno) }
    }
  }

  /// Takes the bytes that follow.
  ///
  /// - Throws: `DamagedBlob` where there are too many, or `StoreError` where the system refuses.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count <= size - count else {
      throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count + bytes.count))
    }
    hasher.update(bytes)
    try FileSystem.writeAll(bytes, to: output, path)
    count += bytes.count
  }

  /// Checks the whole, and puts it where the intake takes it from.
  ///
  /// - Throws: `DamagedBlob` where bytes or length are others, or `StoreError`; what is wrong is removed.
  func finish() throws {
    do {
      guard count == size else { throw DamagedBlob(digest: digest, fault: .size(expected: size, found: count)) }
      let found = hasher.finish()
      guard found == digest else { throw DamagedBlob(digest: digest, fault: .content(found: found)) }
    } catch {
      discard()
      throw error
    }
    if download != nil { try FileSystem.link(path, to: target) }
    close()
  }

  /// Removes what came.
  public func discard() {
    guard isOpen else { return }
    try? FileSystem.remove(path)
    close()
  }

  /// Ends an attempt that was cut off.
  private func leave() { if download != nil && count > 0 { close() } else { discard() } }

  private func close() {
    guard isOpen else { return }
    isOpen = false
    Glibc.close(output)
  }
}

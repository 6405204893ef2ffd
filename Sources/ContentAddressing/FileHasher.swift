import Glibc
public import SystemPackage

/// Hashes files one after another with one buffer.
///
/// Reads rather than maps: a file that shrinks under a mapping would kill the process, and copying 256 KiB at a time
/// through the processor's own cache costs a few per cent of the hashing.
public struct FileHasher: ~Copyable {
  /// What a file held when it was read.
  public struct Content: Sendable, Hashable {
    /// The digest of its bytes.
    public var digest: Digest
    /// The number of its bytes.
    public var size: Int

    /// A content.
    public init(digest: Digest, size: Int) {
      self.digest = digest
      self.size = size
    }
  }

  private var hasher = SHA256Hasher()
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)

  /// A hasher for any number of files.
  public init() {}

  deinit { buffer.deallocate() }

  /// The digest and size of what is left to read from an open file.
  ///
  /// - Throws: The system's error where reading fails.
  public mutating func content(of file: FileDescriptor) throws(Errno) -> Content {
    _ = posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_SEQUENTIAL)
    var size = 0
    while true {
      let count = read(file.rawValue, buffer.baseAddress, buffer.count)
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        _ = hasher.finish()
        throw Errno(rawValue: code)
      }
      if count == 0 { return Content(digest: hasher.finish(), size: size) }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      size += count
    }
  }

  /// The digest and size of a file.
  ///
  /// - Throws: The system's error where opening or reading fails.
  public mutating func content(of path: FilePath) throws(Errno) -> Content {
    let (descriptor, code) = path.withPlatformString { name in
      let descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY)
      return (descriptor, errno)
    }
    if descriptor < 0 { throw Errno(rawValue: code) }
    defer { close(descriptor) }
    return try content(of: FileDescriptor(rawValue: descriptor))
  }
}

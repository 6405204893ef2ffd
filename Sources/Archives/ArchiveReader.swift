import CArchive
import Glibc
public import SystemPackage

/// Reads an archive member by member, in one pass and without unpacking it.
///
/// tar and zip, plain or under gzip, zstd, xz or bzip2, told by their bytes and not by the file's name. Memory is
/// bounded by some hundred KiB and the compression's window.
///
/// ```
/// let reader = try ArchiveReader(path: "data.tar.zst")
/// while let entry = try reader.next() {
///   while case let count = try reader.read(into: buffer), count > 0 { use(buffer[..<count]) }
/// }
/// ```
public final class ArchiveReader {
  /// What is taken for an archive.
  public enum Acceptance: Sendable {
    /// tar and zip.
    case archives
    /// tar only.
    case tar
    /// Everything: bytes that are no archive, compressed or plain, are one member without a name.
    case singleFilesToo
  }

  nonisolated(unsafe) private static let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)

  private let handle: OpaquePointer
  private let input: ArchiveInput
  private let file: String
  private var member: String?

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - acceptance: What is taken for an archive.
  ///   - windowLog: The power of two of the largest window of zstd that is taken, 31 at most.
  /// - Throws: `ArchiveError` where the file can't be opened or begins like no archive.
  public convenience init(
    path: FilePath, accepting acceptance: Acceptance = .singleFilesToo, windowLog: Int = 31
  ) throws(ArchiveError) {
    // Without waiting: a named pipe may never be written.
    let (descriptor, code) = path.withPlatformString { (open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), errno) }
    guard descriptor >= 0 else { throw ArchiveError(file: path.string, fault: .system(Errno(rawValue: code))) }
    var status = stat()
    fstat(descriptor, &status)
    switch status.st_mode & S_IFMT {
    case S_IFIFO where ["/dev", "/proc"].contains { path.starts(with: FilePath($0)) }:
      // One that this process was given open, as /dev/stdin.
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    case S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK:
      close(descriptor)
      throw ArchiveError(file: path.string, fault: .special)
    default: break
    }
    try self.init(
      ArchiveInput(.descriptor(descriptor, owned: true), windowLog: windowLog), name: path.string,
      accepting: acceptance)
  }

  /// Reads from an open file or pipe, which stays open.
  ///
  /// - Parameters:
  ///   - descriptor: What is read, from its present position on.
  ///   - name: What errors call it.
  ///   - acceptance: What is taken for an archive.
  /// - Throws: `ArchiveError` where it begins like no archive.
  public convenience init(
    descriptor: FileDescriptor, name: String, accepting acceptance: Acceptance = .singleFilesToo
  ) throws(ArchiveError) {
    try self.init(ArchiveInput(.descriptor(descriptor.rawValue, owned: false)), name: name, accepting: acceptance)
  }

  /// Reads what a closure yields, such as a member of another archive.
  ///
  /// - Parameters:
  ///   - name: What errors call it.
  ///   - acceptance: What is taken for an archive.
  ///   - stream: Fills a buffer and returns the number of bytes, 0 at the end; what it throws becomes the fault
  ///     `source`.
  /// - Throws: `ArchiveError` where the bytes begin like no archive.
  public convenience init(
    name: String, accepting acceptance: Acceptance = .singleFilesToo,
    stream: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws(ArchiveError) {
    try self.init(ArchiveInput(.stream(stream)), name: name, accepting: acceptance)
  }

  private init(_ input: ArchiveInput, name: String, accepting acceptance: Acceptance) throws(ArchiveError) {
    guard let handle = archive_read_new() else { throw ArchiveError(file: name, fault: .system(.noMemory)) }
    self.handle = handle
    self.input = input
    file = name
    archive_read_support_filter_zstd(handle)
    archive_read_support_filter_xz(handle)
    archive_read_support_format_tar(handle)
    archive_read_support_format_gnutar(handle)
    if acceptance != .tar { archive_read_support_format_zip(handle) }
    archive_read_support_format_empty(handle)
    if acceptance == .singleFilesToo { archive_read_support_format_raw(handle) }
    let client = Unmanaged.passUnretained(input).toOpaque()
    archive_read_set_callback_data(handle, client)
    archive_read_set_read_callback(handle) { _, client, bytes in
      guard let next = Unmanaged<ArchiveInput>.fromOpaque(client!).takeUnretainedValue().next() else {
        return la_ssize_t(ARCHIVE_FATAL)
      }
      bytes?.pointee = next.baseAddress
      return next.count
    }
    // A zip's table stands at its end; where seeking is impossible the local headers are read in order.
    if input.size != nil, !input.isPacked {
      archive_read_set_seek_callback(handle) { _, client, offset, whence in
        let input = Unmanaged<ArchiveInput>.fromOpaque(client!).takeUnretainedValue()
        return la_int64_t(input.seek(Int(offset), whence) ?? Int(ARCHIVE_FATAL))
      }
    }
    guard archive_read_open1(handle) == ARCHIVE_OK else { throw failure() }
  }

  deinit { archive_read_free(handle) }

  /// Bytes of the file read so far, and all of them where it is no pipe: for progress.
  public var progress: (read: Int, of: Int?) { (input.position, input.size) }

  /// Whether the whole archive is under a compression.
  public var isCompressed: Bool { input.isDecompressing || archive_filter_count(handle) > 1 }

  /// The next member; what is left of the present one is passed over.
  ///
  /// - Returns: The member, or nil at the end.
  /// - Throws: `ArchiveError`.
  public func next() throws(ArchiveError) -> ArchiveEntry? {
    // libarchive turns names that a zip marks as UTF-8 into the locale's own, which is ASCII where none is set.
    let before = uselocale(Self.locale)
    defer { uselocale(before) }
    var entry: OpaquePointer?
    let status = archive_read_next_header(handle, &entry)
    member = nil
    if status == ARCHIVE_EOF {
      if let fault = input.fault { throw ArchiveError(file: file, fault: fault) }
      do throws(ArchiveError.Fault) { try input.finish() } catch { throw ArchiveError(file: file, fault: error) }
      return nil
    }
    guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else { throw failure() }
    if archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_RAW {
      return ArchiveEntry(name: nil, kind: .file, size: nil)
    }
    let text = Self.name(of: entry)
    member = text
    let size = archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
    if let size, size < 0 { throw ArchiveError(file: file, member: text, fault: .damaged("its size is negative")) }
    return ArchiveEntry(name: text, kind: kind(of: entry), size: size)
  }

  /// Reads on in the present member.
  ///
  /// - Parameter buffer: Where the bytes go; not empty.
  /// - Returns: Their number; 0 at the end of the member.
  /// - Throws: `ArchiveError` where bytes are cut off or a checksum does not hold.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = archive_read_data(handle, buffer.baseAddress, buffer.count)
    guard count >= 0 else { throw failure() }
    return count
  }

  /// The name of a member, empty where libarchive can't tell it.
  ///
  /// Bytes that are no UTF-8 are written as numbers, so that different names stay different and a member that nobody asks
  /// for bars nothing.
  private static func name(of entry: OpaquePointer) -> String {
    guard let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry) else { return "" }
    if let text = String(validatingCString: name) { return text }
    var text = ""
    var bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))[...]
    while !bytes.isEmpty {
      // A scalar has at most four bytes; the longest that is valid is taken.
      let count = (1...4).last {
        $0 <= bytes.count && String(validating: bytes.prefix($0), as: UTF8.self)?.unicodeScalars.count == 1
      }
      if let count {
        text += String(decoding: bytes.prefix(count), as: UTF8.self)
      } else {
        let hexadecimal = String(bytes[bytes.startIndex], radix: 16, uppercase: true)
        text += "\\x" + (hexadecimal.count == 1 ? "0" : "") + hexadecimal
      }
      bytes = bytes.dropFirst(count ?? 1)
    }
    return text
  }

  private func kind(of entry: OpaquePointer) -> ArchiveEntry.Kind {
    if let target = archive_entry_hardlink(entry) { return .hardLink(String(cString: target)) }
    switch mode_t(archive_entry_filetype(entry)) {
    case Glibc.S_IFREG: return .file
    case Glibc.S_IFDIR: return .folder
    case Glibc.S_IFLNK: return .symbolicLink(archive_entry_symlink(entry).map { String(cString: $0) } ?? "")
    default: return .special
    }
  }

  private func failure() -> ArchiveError {
    if let fault = input.fault { return ArchiveError(file: file, member: member, fault: fault) }
    let text = archive_error_string(handle).map { String(cString: $0) } ?? "not readable"
    if text.hasPrefix("Unrecognized archive format") { return ArchiveError(file: file, fault: .unknownFormat) }
    if text.contains("ncrypted") || text.contains("assphrase") {
      return ArchiveError(file: file, member: member, fault: .encrypted)
    }
    // liblzma's words for input that ends too early or goes on with something else.
    if text.contains("No progress is possible") {
      return ArchiveError(
        file: file, member: member,
        fault: .damaged("the xz data is cut off, or bytes that are no xz stand behind it"))
    }
    return ArchiveError(file: file, member: member, fault: .damaged(text))
  }
}

import CArchive
import Glibc
public import SystemPackage

/// Writes a tar archive under zstd whose bytes depend on names, contents and level alone: no time, owner or mode of
/// the machine enters it, nor the number of threads.
public final class ArchiveWriter {
  private let handle: OpaquePointer
  private let file: String
  private var member: String?
  private var announced = 0
  private var written = 0
  private var isOpen = true

  /// zstd's own default level.
  public static let defaultLevel = 3

  /// Begins an archive.
  ///
  /// - Parameters:
  ///   - descriptor: Where the bytes go; it stays open.
  ///   - name: What errors call it.
  ///   - level: zstd's level, 1 to 19.
  ///   - threads: Threads that compress; at least 1. zstd cuts its work by size, so that their number changes no byte.
  /// - Throws: `ArchiveError`.
  public init(
    descriptor: FileDescriptor, name: String, level: Int = ArchiveWriter.defaultLevel, threads: Int = 1
  ) throws(ArchiveError) {
    guard let handle = archive_write_new() else { throw ArchiveError(file: name, fault: .system(.noMemory)) }
    self.handle = handle
    file = name
    var isReady = archive_write_set_format_pax_restricted(handle) == ARCHIVE_OK
    isReady = isReady && archive_write_add_filter_zstd(handle) == ARCHIVE_OK
    isReady = isReady && archive_write_set_filter_option(handle, "zstd", "compression-level", "\(level)") == ARCHIVE_OK
    isReady = isReady && archive_write_set_filter_option(handle, "zstd", "threads", "\(max(1, threads))") == ARCHIVE_OK
    archive_write_set_bytes_in_last_block(handle, 1)
    guard isReady, archive_write_open_fd(handle, descriptor.rawValue) == ARCHIVE_OK else { throw failure() }
  }

  deinit { archive_write_free(handle) }

  /// Begins a member, a regular file.
  ///
  /// - Parameters:
  ///   - name: Its name, in ASCII.
  ///   - size: The number of bytes that will be written.
  /// - Throws: `ArchiveError`, also where the member before is incomplete.
  public func begin(_ name: String, size: Int) throws(ArchiveError) {
    try endMember()
    guard let entry = archive_entry_new() else { throw failure() }
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, name)
    archive_entry_set_size(entry, la_int64_t(size))
    archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_mtime(entry, 0, 0)
    member = name
    (announced, written) = (size, 0)
    guard archive_write_header(handle, entry) == ARCHIVE_OK else { throw failure() }
  }

  /// Writes bytes of the present member.
  ///
  /// - Throws: `ArchiveError`, also where there are more than were announced.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    written += bytes.count
    guard written <= announced else { throw wrongSize() }
    var rest = bytes
    while !rest.isEmpty {
      let count = archive_write_data(handle, rest.baseAddress, rest.count)
      guard count > 0 else { throw failure() }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Writes a whole member.
  ///
  /// - Throws: `ArchiveError`.
  public func add(_ name: String, _ bytes: [UInt8]) throws(ArchiveError) {
    try begin(name, size: bytes.count)
    let result = bytes.withUnsafeBytes { bytes in Result { () throws(ArchiveError) in try write(bytes) } }
    try result.get()
  }

  /// Ends the archive; without this it is incomplete.
  ///
  /// - Throws: `ArchiveError`.
  public func finish() throws(ArchiveError) {
    try endMember()
    guard isOpen else { return }
    isOpen = false
    guard archive_write_close(handle) == ARCHIVE_OK else { throw failure() }
  }

  private func endMember() throws(ArchiveError) {
    guard written == announced else { throw wrongSize() }
    member = nil
    (announced, written) = (0, 0)
  }

  private func wrongSize() -> ArchiveError {
    ArchiveError(file: file, member: member, fault: .wrongSize(announced: announced, written: written))
  }

  private func failure() -> ArchiveError {
    let code = archive_errno(handle)
    let text = archive_error_string(handle).map { String(cString: $0) } ?? "not writable"
    // libarchive names no number for a compressor that gets no memory.
    if text.contains("memory") { return ArchiveError(file: file, member: member, fault: .system(.noMemory)) }
    let isSystem = code > 0 && code < 200
    return ArchiveError(
      file: file, member: member, fault: isSystem ? .system(Errno(rawValue: code)) : .damaged(text))
  }
}

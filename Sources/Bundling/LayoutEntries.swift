import Archives
import ArtifactStore
import Glibc
import SystemPackage

/// The entries of an image layout, in the order in which they lie.
protocol LayoutEntries: AnyObject {
  /// The next entry; what is left of the present one is passed over.
  func next() throws -> ArchiveEntry?
  /// Reads on in the present entry; 0 at its end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
  /// Bytes read so far, and all of them where that is known.
  var progress: (read: Int, of: Int?) { get }
  /// Whether another pass costs no more than reading.
  var isRepeatable: Bool { get }
}

/// The layout in a tar, plain or compressed.
final class TarEntries: LayoutEntries {
  private let archive: ArchiveReader

  init(_ path: FilePath, _ limits: BundleLimits) throws {
    archive = try ArchiveReader(path: path, accepting: .tar, windowLog: limits.windowLog)
  }

  func next() throws -> ArchiveEntry? {
    while var entry = try archive.next() {
      // `tar -C layout -c .` writes the folder itself and names below it.
      guard let name = entry.name, name.hasPrefix("./") else { return entry }
      entry.name = String(name.dropFirst(2))
      if entry.name != "" || entry.kind != .folder { return entry }
    }
    return nil
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try archive.read(into: buffer) }
  var progress: (read: Int, of: Int?) { archive.progress }
  var isRepeatable: Bool { !archive.isCompressed && archive.progress.of != nil }
}

/// The layout in a folder, as `skopeo copy --all … oci:FOLDER` writes it.
///
/// Other files that lie there are not looked at.
final class FolderEntries: LayoutEntries {
  private let folder: FilePath
  private var names: [String]
  private var present: FileDescriptor?
  private(set) var progress: (read: Int, of: Int?) = (0, nil)
  let isRepeatable = true

  init(_ folder: FilePath) throws {
    self.folder = folder
    let blobs = try FileSystem.list(folder.pushing("blobs/sha256")).map { "blobs/sha256/" + $0 }
    // The last is taken first.
    names = blobs.reversed() + ["index.json", "oci-layout"]
    var status = stat()
    progress.of = names.reduce(0) { sum, name in
      lstat(folder.pushing(FilePath(name)).string, &status) == 0 ? sum + Int(status.st_size) : sum
    }
  }

  deinit { try? present?.close() }

  func next() throws -> ArchiveEntry? {
    try present?.close()
    present = nil
    guard let name = names.popLast() else { return nil }
    let path = folder.pushing(FilePath(name))
    var status = stat()
    guard lstat(path.string, &status) == 0 else {
      if errno == ENOENT { throw BundleError(folder.string, .document(name, reason: "it is not in the folder")) }
      throw ArchiveError(file: path.string, fault: .system(Errno(rawValue: errno)))
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: return ArchiveEntry(name: name, kind: .folder, size: nil)
    case S_IFLNK: return ArchiveEntry(name: name, kind: .symbolicLink(""), size: nil)
    default: return ArchiveEntry(name: name, kind: .special, size: nil)
    }
    do { present = try FileDescriptor.open(path, .readOnly, options: [.noFollow, .closeOnExec, .nonBlocking]) } catch {
      throw ArchiveError(file: path.string, fault: .system(error as? Errno ?? .ioError))
    }
    return ArchiveEntry(name: name, kind: .file, size: Int(status.st_size))
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let present else { return 0 }
    let count = try present.read(into: buffer)
    progress.read += count
    return count
  }
}

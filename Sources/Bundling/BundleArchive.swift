import Archives
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
public import SystemPackage

/// Writes a bundle as one file: an OCI image layout in a tar archive under zstd, in an order that lets a reader check
/// every byte as it comes: what names a blob stands before the blob.
public enum BundleArchive {
  /// The content of `oci-layout`.
  static let layout = JSONValue.object(["imageLayoutVersion": "1.0.0"]).canonical

  /// Writes a bundle; the file appears by rename when it is whole.
  ///
  /// - Parameters:
  ///   - contents: What is written; every file is hashed on the way.
  ///   - path: The file; an existing one is replaced.
  ///   - level: zstd's level.
  ///   - threads: Threads that compress; their number changes no byte.
  ///   - progress: Is told how many bytes of the contents have been written.
  /// - Throws: `ArchiveError`, `BundleError.changed`, `StoreError.damaged` or `Errno`.
  public static func write(
    _ contents: BundleContents, to path: FilePath, level: Int, threads: Int, progress: (Int) -> Void = { _ in }
  ) throws {
    var folder = path
    folder.removeLastComponent()
    let name = ".\((path.lastComponent?.string ?? "bundle").prefix(80)).new-"
    sweep(folder, name)
    let (file, temporary): (FileDescriptor, FilePath)
    do { (file, temporary) = try make(in: folder, name) } catch {
      throw ArchiveError(file: path.string, fault: .system((error as? Errno) ?? .ioError))
    }
    do {
      try file.closeAfter {
        let writer = try ArchiveWriter(descriptor: file, name: path.string, level: level, threads: threads)
        try write(contents, with: writer, to: path, progress)
        try writer.finish()
      }
      guard rename(temporary.string, path.string) == 0 else {
        throw ArchiveError(file: path.string, fault: .system(Errno(rawValue: errno)))
      }
    } catch {
      unlink(temporary.string)
      throw error
    }
  }

  /// A new file that is held while it is written: what a process that was killed has left is told by its lock.
  private static func make(in folder: FilePath, _ prefix: String) throws -> (FileDescriptor, FilePath) {
    while true {
      let path = folder.appending(prefix + String(UInt64.random(in: .min ... .max), radix: 16))
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      var status = stat()
      // Another export may have taken it for one that was left.
      if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0, fstat(file.rawValue, &status) == 0, status.st_nlink > 0 {
        return (file, path)
      }
      try? file.close()
    }
  }

  /// Removes what exports to the same file have left that were killed.
  private static func sweep(_ folder: FilePath, _ prefix: String) {
    for name in (try? FileSystem.list(folder.isEmpty ? "." : folder)) ?? [] where name.hasPrefix(prefix) {
      let path = folder.appending(name)
      guard let file = try? FileDescriptor.open(path, .readOnly, options: [.noFollow, .closeOnExec, .nonBlocking])
      else { continue }
      _ = try? file.closeAfter { if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { unlink(path.string) } }
    }
  }

  private static func write(
    _ contents: BundleContents, with writer: ArchiveWriter, to path: FilePath, _ progress: (Int) -> Void
  ) throws {
    let index = contents.index.canonical
    let tag = Store.isReferenceName(contents.description.pipeline) ? contents.description.pipeline : "bundle"
    let entry = Descriptor(
      mediaType: MediaType.index, digest: Digest(hashing: index), size: index.count,
      annotations: [Descriptor.referenceAnnotation: tag])
    try writer.add("oci-layout", layout)
    try writer.add("index.json", ImageIndex(manifests: [entry]).canonical)
    try writer.add(name(entry.digest), index)
    var done = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    for blob in contents.manifests + contents.blobs {
      switch blob.source {
      case .bytes(let bytes): try writer.add(name(blob.digest), bytes)
      case .file(let file): try copy(blob, from: file, with: writer, buffer, to: path) { progress(done + $0) }
      }
      done += blob.size
      progress(done)
    }
  }

  private static func copy(
    _ blob: BundleContents.Blob, from file: FilePath, with writer: ArchiveWriter,
    _ buffer: UnsafeMutableRawBufferPointer, to path: FilePath, _ progress: (Int) -> Void
  ) throws {
    let input: FileDescriptor
    do { input = try FileDescriptor.open(file, .readOnly, options: [.closeOnExec, .nonBlocking]) } catch Errno
      .noSuchFileOrDirectory
    {
      throw StoreError.missing(blob.digest, neededBy: path.string)
    }
    try input.closeAfter {
      _ = posix_fadvise(input.rawValue, 0, 0, POSIX_FADV_SEQUENTIAL)
      var hasher = SHA256Hasher()
      var count = 0
      try writer.begin(name(blob.digest), size: blob.size)
      while true {
        let part = try input.read(into: buffer)
        if part == 0 { break }
        count += part
        guard count <= blob.size else { throw BundleError(path.string, .changed(blob.digest)) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<part])
        hasher.update(bytes)
        try writer.write(bytes)
        progress(count)
      }
      let found = hasher.finish()
      guard found == blob.digest, count == blob.size else {
        throw StoreError.damaged([DamagedBlob(digest: blob.digest, fault: .content(found: found))])
      }
    }
  }

  /// The name of a blob in the layout.
  static func name(_ digest: Digest) -> String { "blobs/sha256/\(digest.hexadecimal)" }
}

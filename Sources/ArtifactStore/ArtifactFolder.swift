import ContentAddressing
import Glibc
package import SystemPackage

/// The files of a folder that becomes an artifact.
struct ArtifactFolder {
  struct File: Sendable {
    /// The path from the folder down, parts joined by `/`.
    var title: String
    var path: FilePath
  }

  /// All files, in the order of the bytes of their titles.
  private(set) var files: [File] = []

  /// Lists a folder and those below it.
  ///
  /// - Throws: `StoreError.refusedEntry` for a link, device, socket or pipe; `.emptyArtifact`; `.invalidName`.
  init(_ folder: FilePath) throws(StoreError) {
    switch try FileSystem.status(folder)?.kind {
    case .folder, nil: break
    case .link: throw .refusedEntry(folder, what: "a symbolic link")
    case .file, .other: throw .refusedEntry(folder, what: "no folder")
    }
    try collect(folder, below: "")
    if files.isEmpty { throw .emptyArtifact(folder) }
    files.sort { $0.title.utf8.lexicographicallyPrecedes($1.title.utf8) }
  }

  private mutating func collect(_ folder: FilePath, below prefix: String) throws(StoreError) {
    for name in try FileSystem.list(folder) {
      let path = folder.appending(name)
      let title = prefix + name
      guard FileTitle.isValid(title) else { throw .invalidName(title, rule: FileTitle.rule) }
      switch try FileSystem.status(path)?.kind {
      case .file: files.append(File(title: title, path: path))
      case .folder: try collect(path, below: title + "/")
      case .link: throw .refusedEntry(path, what: "a symbolic link")
      case .other: throw .refusedEntry(path, what: "a device, socket or pipe")
      case nil: throw .changedWhileReading(folder)
      }
    }
  }
}

/// The folders that stages write to.
package enum OutputFolder {
  /// Makes sure that a folder holds regular files and folders alone, before anything in it is opened.
  ///
  /// - Throws: `StoreError.refusedEntry` for a link, device, socket or pipe, or a folder that was replaced by one.
  package static func check(_ folder: FilePath) throws(StoreError) {
    let above = folder.removingLastComponent()
    if try FileSystem.status(above)?.kind == .link { throw .refusedEntry(above, what: "a symbolic link") }
    do throws(StoreError) { _ = try ArtifactFolder(folder) } catch .emptyArtifact {}
  }
}

extension ArtifactFolder.File {
  /// What hashing one file in place came to.
  struct Hashed: Sendable {
    var content: FileHasher.Content
    /// Whether the file has another name elsewhere, through which it could be changed later.
    var isShared: Bool
  }

  /// Hashes the file and takes away the permission to write to it.
  func hash(with hasher: inout FileHasher, protecting: Bool) -> Result<Hashed, StoreError> {
    do throws(StoreError) {
      guard let descriptor = try FileSystem.openForReading(path, flags: O_NOFOLLOW) else {
        throw .changedWhileReading(path)
      }
      defer { close(descriptor) }
      let status = try FileSystem.status(of: descriptor, path)
      guard status.kind == .file else { throw .changedWhileReading(path) }
      let content: FileHasher.Content
      do { content = try hasher.content(of: FileDescriptor(rawValue: descriptor)) } catch {
        throw StoreError("read", path, error.rawValue)
      }
      let after = try FileSystem.status(of: descriptor, path)
      guard content.size == status.size, after.isSameContent(as: status) else { throw .changedWhileReading(path) }
      if protecting, status.links == 1, fchmod(descriptor, 0o444) != 0 { throw StoreError("protect", path, errno) }
      return .success(Hashed(content: content, isShared: status.links > 1))
    } catch { return .failure(error) }
  }
}

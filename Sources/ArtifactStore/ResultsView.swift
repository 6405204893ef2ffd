public import ContentAddressing
import CPlatform
import Glibc
public import SystemPackage

/// The folder in which people find results: `results/<pipeline>/<stage>[@cell]/<port>/…`, files under their own names.
///
/// It shows the last run and nothing reads it back. Files share blocks with the store where the file system can, else
/// they are symbolic links to the read-only blobs; pages are copies.
public struct ResultsView: Sendable {
  /// The folder of one pipeline.
  public let path: FilePath
  private let store: Store
  /// Whether links are written relative: store and results lie in one project, which may be moved as a whole.
  private let isRelative: Bool

  /// The view of a pipeline.
  ///
  /// - Parameters:
  ///   - results: The folder of all results.
  ///   - pipeline: The pipeline's name.
  ///   - store: The store that is shown.
  public init(results: FilePath, pipeline: String, store: Store) {
    let results = results.absolute
    path = results.appending(folderName(pipeline))
    self.store = store
    // From behind a symbolic link `..` would lead elsewhere.
    let isBehindLink = [results, path].contains {
      ((try? FileSystem.status($0)) ?? nil)?.kind == .link
    }
    isRelative = !isBehindLink && store.path.starts(with: results.removingLastComponent())
  }

  /// The folder of a port.
  ///
  /// - Parameters:
  ///   - label: Stage and cell, such as `iq@seed=2`.
  ///   - port: The port.
  /// - Returns: Its place, whether or not there is something.
  public func folder(_ label: String, port: String) -> FilePath {
    path.appending(folderName(label)).appending(folderName(port))
  }

  /// Shows an artifact; what is shown already is left alone, anything else in its place is replaced by rename.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func show(_ manifest: Manifest, label: String, port: String) throws(StoreError) {
    let target = folder(label, port: port)
    if try shows(manifest, at: target) { return }
    let fresh = target.removingLastComponent().appending(".new-" + nonce())
    try FileSystem.makeFolders(fresh)
    do throws(StoreError) {
      try fill(fresh, at: target, with: manifest)
      try put(fresh, at: target)
    } catch {
      try? FileSystem.removeTree(fresh)
      throw error
    }
  }

  /// Shows a folder that an action still writes to, by a link.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func showRunning(_ folder: FilePath, label: String, port: String) throws(StoreError) {
    let target = self.folder(label, port: port)
    let text = linkText(to: folder, from: target.removingLastComponent())
    if FileSystem.linkTarget(target) == text { return }
    try FileSystem.makeFolders(target.removingLastComponent())
    let fresh = target.removingLastComponent().appending(".new-" + nonce())
    try link(fresh, to: text)
    try put(fresh, at: target)
  }

  /// Removes what the last run has not: other cells, other ports, and links that lead nowhere.
  ///
  /// - Parameter kept: The ports by stage and cell that remain.
  /// - Throws: `StoreError` where the system refuses.
  public func keepOnly(_ kept: [(label: String, ports: [String])]) throws(StoreError) {
    var ports: [String: Set<String>] = [:]
    for (label, names) in kept { ports[folderName(label), default: []].formUnion(names.map(folderName)) }
    for name in try FileSystem.list(path) {
      let folder = path.appending(name)
      guard let known = ports[name] else {
        try FileSystem.removeTree(folder)
        continue
      }
      for port in try FileSystem.list(folder) where !known.contains(port) {
        try FileSystem.removeTree(folder.appending(port))
      }
    }
  }

  // MARK: Making

  private func fill(_ folder: FilePath, at target: FilePath, with manifest: Manifest) throws(StoreError) {
    var sharing = true
    for file in manifest.layers {
      guard let title = file.title else { continue }
      let blob = store.blobPath(file.digest)
      let place = folder.pushing(FilePath(title))
      try FileSystem.makeFolders(place.removingLastComponent())
      if place.extension == "html" {
        try copy(blob, to: place)
        continue
      }
      if sharing, try shareBlocks(of: blob, at: place) { continue }
      sharing = false
      // The link is written for the place that the folder will be renamed to.
      let home = target.pushing(FilePath(title)).removingLastComponent()
      try link(place, to: linkText(to: blob, from: home))
    }
  }

  /// Makes a read-only file that shares the blob's blocks and times; false where the file system cannot.
  private func shareBlocks(of blob: FilePath, at place: FilePath) throws(StoreError) -> Bool {
    guard let input = try FileSystem.openForReading(blob) else { return false }
    defer { close(input) }
    let status = try FileSystem.status(of: input, blob)
    let output = try FileSystem.call("write", place) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
    defer { close(output) }
    guard FileSystem.shareBlocks(of: input, with: output) else {
      try FileSystem.remove(place)
      return false
    }
    _ = fchmod(output, 0o444)
    Self.setTime(status.modified, of: output)
    return true
  }

  /// Copies a page: a browser goes by the name of the file that a link leads to, and a blob's name ends in nothing.
  private func copy(_ blob: FilePath, to place: FilePath) throws(StoreError) {
    try FileSystem.copy(blob, to: place, mode: 0o444)
    guard let status = try FileSystem.status(blob) else { return }
    let output = try FileSystem.call("read", place) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { close(output) }
    Self.setTime(status.modified, of: output)
  }

  private static func setTime(_ nanoseconds: Int64, of descriptor: CInt) {
    let time = timespec(tv_sec: time_t(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    _ = [time, time].withUnsafeBufferPointer { futimens(descriptor, $0.baseAddress) }
  }

  private func link(_ place: FilePath, to text: FilePath) throws(StoreError) {
    try FileSystem.call("link", place) { name in text.withPlatformString { symlink($0, name) } }
  }

  private func linkText(to file: FilePath, from folder: FilePath) -> FilePath {
    guard isRelative else { return file }
    let (from, to) = (Array(folder.components), Array(file.components))
    let shared = zip(from, to).prefix { $0 == $1 }.count
    var text = FilePath()
    for _ in shared..<from.count { text.append("..") }
    for component in to[shared...] { text.append(component) }
    return text
  }

  /// Renames into place, whatever stands there: a folder is exchanged, and then removed.
  private func put(_ fresh: FilePath, at target: FilePath) throws(StoreError) {
    let old = try FileSystem.status(target)
    guard old != nil else { return try FileSystem.rename(fresh, to: target) }
    if old?.kind != .folder, try FileSystem.status(fresh)?.kind != .folder {
      return try FileSystem.rename(fresh, to: target)
    }
    do throws(StoreError) {
      try FileSystem.call("replace", target) { name in fresh.withPlatformString { platform_exchange($0, name) } }
      try FileSystem.removeTree(fresh)
    } catch .system(_, _, let code) where code == EINVAL || code == ENOSYS || code == ENOENT {
      // A file system without exchange: for a moment there is nothing.
      let aside = target.removingLastComponent().appending(".old-" + nonce())
      if try FileSystem.status(target) != nil { try FileSystem.rename(target, to: aside) }
      try FileSystem.rename(fresh, to: target)
      try FileSystem.removeTree(aside)
    }
  }

  // MARK: Checking

  /// Whether a folder shows exactly this artifact, from this store.
  private func shows(_ manifest: Manifest, at target: FilePath) throws(StoreError) -> Bool {
    guard try FileSystem.status(target)?.kind == .folder else { return false }
    for file in manifest.layers {
      guard let title = file.title else { continue }
      let place = target.pushing(FilePath(title))
      if let text = FileSystem.linkTarget(place) {
        guard text == linkText(to: store.blobPath(file.digest), from: place.removingLastComponent()) else {
          return false
        }
      } else {
        // Shared blocks keep the blob's length and time; an edit changes the time.
        guard let status = try FileSystem.status(place), status.kind == .file, status.size == file.size,
          let blob = try FileSystem.status(store.blobPath(file.digest)), blob.modified == status.modified
        else { return false }
      }
    }
    let names = Set(manifest.layers.compactMap { $0.title?.split(separator: "/").first })
    return try FileSystem.list(target).count == names.count
  }
}

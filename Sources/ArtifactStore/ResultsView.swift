public import ContentAddressing
import CPlatform
import Glibc
import Synchronization
public import SystemPackage

/// The folder in which people find results: `results/<pipeline>/<stage>[@cell]/<port>/…`, files under their own names.
///
/// It shows the plan of the last run and nothing reads it back. Files share blocks with the store where the file system
/// can, else they are symbolic links to the read-only blobs; pages are copies. Every folder that it makes holds
/// `.apprentice-view`; what it did not make it never changes or removes, and it follows no links.
public struct ResultsView: Sendable {
  /// The folder of one pipeline.
  public let path: FilePath
  private let results: FilePath
  private let name: String
  private let store: Store
  /// Whether links are written relative: store and results lie in one project, which may be moved as a whole.
  private let isRelative: Bool
  /// Where blobs lie, seen from the folder that holds the results, or from the root.
  private let blobs: String
  private let known = Known()

  /// What this process has seen of the view.
  private final class Known: Sendable {
    struct State {
      var home: OpenFolder?
      /// What the mark of the pipeline's folder says since this view has changed something there.
      var claim: [UInt8]?
      /// What stands in the folders of actions that `begin` has left alone.
      var entries: [String: ResultsEntry] = [:]
      /// Whether files can share blocks with the store, as far as is known: no file is made to try it again.
      var sharesBlocks = true
    }

    let state = Mutex(State())
  }

  /// The view of a pipeline.
  ///
  /// - Parameters:
  ///   - results: The folder of all results.
  ///   - pipeline: The pipeline's name.
  ///   - store: The store that is shown.
  public init(results: FilePath, pipeline: String, store: Store) {
    self.results = results.absolute
    name = folderName(pipeline)
    path = self.results.appending(name)
    self.store = store
    let project = self.results.removingLastComponent()
    isRelative = store.path.starts(with: project)
    var blobs = store.blobsFolder
    if isRelative { _ = blobs.removePrefix(project) }
    self.blobs = blobs.string + "/"
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

  /// Puts away what is not the plan's: actions that it has not, and results of other keys.
  ///
  /// - Parameter plan: The actions by stage and cell, with their keys where these are known.
  /// - Throws: `StoreError`; `.inTheWay` where a folder that is not the view's stands in its place.
  public func begin(_ plan: [(label: String, key: ActionKey?)]) throws(StoreError) {
    guard let results = try OpenFolder.open(results), let folder = try own(name, in: results) else { return }
    var keys: [String: ActionKey?] = [:]
    for (label, key) in plan { keys.updateValue(key, forKey: folderName(label)) }
    let names = try folder.unsortedNames().filter { $0 != ResultsMark.name }
    let entries = concurrentMap(names.count, threads: threads(names.count)) { index, _ in
      Result { () throws(StoreError) in try folder.folderIfAny(names[index]).map(ResultsEntry.read(from:)) }
    }
    for (name, entry) in zip(names, entries) {
      guard let shown = try entry.get() else { continue }
      let isTemporary = name.hasPrefix(ResultsMark.fresh) || name.hasPrefix(ResultsMark.old)
      if let shown, !isTemporary, !shown.belongs(in: name) { continue }
      if let shown, let key = keys[name], key == shown.key {
        known.state.withLock { $0.entries[name] = shown }
        continue
      }
      guard let inner = try folder.folderIfAny(name) else { continue }
      if isTemporary {
        if try isAbandoned(inner) { try discard(name, inner, in: folder) }
        continue
      }
      // A folder without a mark is a view's of old only where an action of the plan would be shown.
      let isOurs = keys[name] == nil ? try inner.isMarked(or: false) : try ResultsMark.isOn(inner)
      guard isOurs else { continue }
      try claim(folder)
      try discard(name, inner, in: folder)
    }
  }

  /// A few folders are looked at sooner than threads start.
  private func threads(_ count: Int) -> Int { count < 64 ? 1 : store.options.threads }

  /// Which of some results are shown as they are to be; nothing is changed.
  ///
  /// - Parameter results: Results with their stage and cell, of actions that `begin` was told of.
  /// - Returns: Whether it is shown, for each.
  public func shows(_ results: [(result: ActionResult, label: String)]) -> [Bool] {
    guard let home = try? home() else { return results.map { _ in false } }
    let entries = known.state.withLock(\.entries)
    return concurrentMap(results.count, threads: threads(results.count)) { index, _ in
      let (result, name) = (results[index].result, folderName(results[index].label))
      guard let seen = entries[name] else { return false }
      return (try? self.shows(result, seen, name, home)) ?? false
    }
  }

  /// Shows what an action came to; what is shown already is left alone, anything else of the view's in its place is
  /// replaced by rename.
  ///
  /// - Throws: `StoreError`; `.inTheWay` where something that is not the view's stands in its place.
  public func show(_ result: ActionResult, label: String) throws(StoreError) {
    let home = try home()
    let name = folderName(label)
    var entry = ResultsEntry(key: result.key, folder: name)
    // Once: whatever is put there from now on is read again.
    if let seen = known.state.withLock({ $0.entries.removeValue(forKey: name) }), try shows(result, seen, name, home) {
      return
    }
    if let folder = try own(name, in: home), let shown = try ResultsEntry.read(from: folder),
      try shows(result, shown, name, home)
    {
      return
    }
    try claim(home)
    let fresh = ResultsMark.fresh + nonce()
    guard try home.make(fresh), let folder = try home.folder(fresh) else { return }
    do throws(StoreError) {
      for output in result.outputs {
        let port = try Self.made(folderName(output.port), in: folder)
        try fill(port, output, into: &entry)
      }
      try folder.write(ResultsMark.name, entry.canonical)
      try put(fresh, folder, entry, as: name, in: home)
    } catch {
      try? discard(fresh, folder, in: home, knowing: entry)
      throw error
    }
  }

  /// Shows folders that an action still writes to, by links, in place of what was shown of the action.
  ///
  /// - Throws: `StoreError`; `.inTheWay` where something that is not the view's stands in its place.
  public func showRunning(
    _ folders: [(port: String, path: FilePath)], key: ActionKey, label: String
  ) throws(StoreError) {
    try remove(label)
    if folders.isEmpty { return }
    let home = try home()
    try claim(home)
    let name = folderName(label)
    if try home.status(name) == nil { _ = try home.make(name) }
    guard let folder = try home.folder(name) else { return }
    let isMarked = try folder.isMarked(or: false)
    let isEmpty = try folder.names().isEmpty
    guard isMarked || isEmpty else { throw .inTheWay(folder.path, what: "a folder") }
    var entry = ResultsEntry(key: key, folder: name)
    for (port, path) in folders {
      let text = linkText(to: path, from: folder.path)
      if try folder.link(folderName(port), to: text.string) { entry.files[folderName(port)] = .link(text.string) }
    }
    try folder.write(ResultsMark.name, entry.canonical)
  }

  /// Takes away what is shown of an action.
  ///
  /// - Throws: `StoreError`; `.inTheWay` where something that is not the view's stands in its place.
  public func remove(_ label: String) throws(StoreError) {
    guard let results = try OpenFolder.open(results), let home = try own(self.name, in: results) else { return }
    let name = folderName(label)
    guard let folder = try own(name, in: home) else { return }
    try claim(home)
    try discard(name, folder, in: home)
  }

  // MARK: Whose folders are whose

  /// Says in the mark of the pipeline's folder whose results it shows, before the first change to it; later changes ask
  /// whether that still stands, so that two runs are never shown side by side.
  private func claim(_ home: OpenFolder) throws(StoreError) {
    if let claim = known.state.withLock({ $0.claim }) {
      let mark = try home.read(ResultsMark.name, limit: 4096)
      guard mark == nil || mark == claim else { throw .supplanted(path) }
      if mark != nil { return }
    }
    let claim = ResultsMark.claim(nonce())
    try home.write(ResultsMark.name, claim)
    known.state.withLock { $0.claim = claim }
  }

  /// The pipeline's folder, made where there is none.
  private func home() throws(StoreError) -> OpenFolder {
    if let home = known.state.withLock({ $0.home }), home.isLinked { return home }
    let home = try openHome()
    known.state.withLock { $0.home = home }
    return home
  }

  private func openHome() throws(StoreError) -> OpenFolder {
    if try OpenFolder.open(results) == nil {
      try FileSystem.makeFolders(results)
      try OpenFolder.open(results)?.write(ResultsMark.name, ResultsMark.plain)
    }
    guard let results = try OpenFolder.open(results) else { throw StoreError("open", results, ENOENT) }
    guard let folder = try own(name, in: results) else { return try Self.made(name, in: results) }
    // A view of a time without marks is taken over.
    if try !folder.isMarked(or: false) { try folder.write(ResultsMark.name, ResultsMark.plain) }
    return folder
  }

  /// A folder of the view's; nil where there is nothing.
  private func own(_ name: String, in folder: OpenFolder) throws(StoreError) -> OpenFolder? {
    guard let inner = try folder.folder(name) else { return nil }
    guard try ResultsMark.mayBePut(in: inner) else { throw .inTheWay(inner.path, what: "a folder") }
    if let entry = try ResultsEntry.read(from: inner), !entry.belongs(in: name) {
      throw .inTheWay(inner.path, what: "a copy of another folder of results")
    }
    return inner
  }

  /// A new folder with the mark.
  private static func made(_ name: String, in folder: OpenFolder) throws(StoreError) -> OpenFolder {
    _ = try folder.make(name)
    guard let inner = try folder.folder(name) else { throw StoreError("open", folder.path.appending(name), ENOENT) }
    _ = try inner.create(ResultsMark.name) { (file) throws(StoreError) in
      try FileSystem.writeAll(ResultsMark.plain, to: file, inner.path)
    }
    return inner
  }

  /// Whether a temporary folder was left by a process that is gone.
  private func isAbandoned(_ folder: OpenFolder) throws(StoreError) -> Bool {
    guard let status = try folder.status(".") else { return false }
    return wallClock() - status.changed > 600_000_000_000
  }

  /// Takes what is the view's out of a folder of its own, and the folder itself where nothing else is left.
  private func discard(
    _ name: String, _ folder: OpenFolder, in parent: OpenFolder, knowing entry: ResultsEntry? = nil
  ) throws(StoreError) {
    let isMarked = try folder.isMarked(or: false)
    var known = entry
    if known == nil { known = try ResultsEntry.read(from: folder) }
    guard try ResultsSweeper(entry: known, isOfOld: !isMarked).sweep(folder) else {
      // What is left is the user's; the folder stays open to results.
      if isMarked { try folder.write(ResultsMark.name, ResultsMark.plain) }
      return
    }
    try folder.remove(ResultsMark.name)
    if try !parent.removeFolder(name), isMarked { try folder.write(ResultsMark.name, ResultsMark.plain) }
  }

  // MARK: Making

  private func fill(
    _ folder: OpenFolder, _ output: ActionResult.Output, into entry: inout ResultsEntry
  ) throws(StoreError) {
    for file in output.artifact.manifest.layers {
      guard let title = file.title else { continue }
      let blob = store.blobPath(file.digest)
      var place = folder
      var parts = title.split(separator: "/").map(String.init)
      let name = parts.removeLast()
      for part in parts { place = try Self.made(part, in: place) }
      let key = "\(folderName(output.port))/\(title)"
      if title.hasSuffix(".html") {
        entry.files[key] = try copy(blob, to: name, in: place)
        continue
      }
      if known.state.withLock(\.sharesBlocks) {
        if let shared = try shareBlocks(of: blob, as: name, in: place) {
          entry.files[key] = shared
          continue
        }
        known.state.withLock { $0.sharesBlocks = false }
      }
      // The link is written for the place that the folder will be renamed to.
      let text = linkText(toBlob: file.digest, depth: parts.count)
      _ = try place.link(name, to: text)
      entry.files[key] = .link(text)
    }
  }

  /// Makes a read-only file that shares the blob's blocks and times; nil where the file system cannot.
  private func shareBlocks(
    of blob: FilePath, as name: String, in folder: OpenFolder
  ) throws(StoreError) -> ResultsEntry.File? {
    guard let input = try FileSystem.openForReading(blob) else { return nil }
    defer { close(input) }
    let status = try FileSystem.status(of: input, blob)
    let shared = try folder.create(name) { (output) throws(StoreError) -> ResultsEntry.File? in
      guard FileSystem.shareBlocks(of: input, with: output) else { return nil }
      return Self.finish(output, as: status)
    }
    if let file = shared.flatMap({ $0 }) { return file }
    try folder.remove(name)
    return nil
  }

  /// Copies a page: a browser goes by the name of the file that a link leads to, and a blob's name ends in nothing.
  private func copy(
    _ blob: FilePath, to name: String, in folder: OpenFolder
  ) throws(StoreError) -> ResultsEntry.File? {
    guard let input = try FileSystem.openForReading(blob) else { throw StoreError("read", blob, ENOENT) }
    defer { close(input) }
    let status = try FileSystem.status(of: input, blob)
    return try folder.create(name) { (output) throws(StoreError) -> ResultsEntry.File in
      try FileSystem.copy(from: input, blob, to: output, folder.path.appending(name))
      return Self.finish(output, as: status)
    }
  }

  /// Makes a file read-only, of the blob's time.
  private static func finish(_ descriptor: CInt, as status: FileStatus) -> ResultsEntry.File {
    _ = fchmod(descriptor, 0o444)
    let nanoseconds = status.modified
    let time = timespec(tv_sec: time_t(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    _ = [time, time].withUnsafeBufferPointer { futimens(descriptor, $0.baseAddress) }
    return .file(size: status.size, modified: nanoseconds)
  }

  /// The text of a link to a blob, so many folders below that of a port.
  private func linkText(toBlob digest: Digest, depth: Int) -> String {
    guard isRelative else { return blobs + digest.hexadecimal }
    // From results/<pipeline>/<stage>/<port> to the folder that holds the results.
    return String(repeating: "../", count: 4 + depth) + blobs + digest.hexadecimal
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

  /// Puts a new folder in its place: by rename where nothing else is there, by exchange where only what is the view's
  /// is, else file by file beside what is the user's.
  private func put(
    _ fresh: String, _ folder: OpenFolder, _ entry: ResultsEntry, as name: String, in home: OpenFolder
  ) throws(StoreError) {
    if try home.rename(fresh, to: name) { return }
    guard let old = try own(name, in: home) else { throw StoreError("open", home.path.appending(name), ENOENT) }
    let sweeper = ResultsSweeper(entry: try ResultsEntry.read(from: old), isOfOld: try !old.isMarked(or: false))
    if try sweeper.isWhollyOurs(old) {
      if try home.exchange(fresh, name) { return try discard(fresh, old, in: home) }
      // A file system without exchange: for a moment there is nothing.
      try discard(name, old, in: home)
      if try home.rename(fresh, to: name) { return }
    }
    _ = try sweeper.sweep(old)
    var blocked: FilePath?
    var moved = ResultsEntry(key: entry.key, folder: entry.folder)
    try merge(folder, into: old, prefix: "", entry, &moved, &blocked)
    try old.write(ResultsMark.name, moved.canonical)
    try discard(fresh, folder, in: home, knowing: entry)
    if let blocked { throw .inTheWay(blocked, what: "something") }
  }

  /// Moves what is in a new folder to one that holds something of the user's, whose names stay taken.
  private func merge(
    _ fresh: OpenFolder, into old: OpenFolder, prefix: String, _ entry: ResultsEntry, _ moved: inout ResultsEntry,
    _ blocked: inout FilePath?
  ) throws(StoreError) {
    for name in try fresh.names() where name != ResultsMark.name {
      let title = prefix + name
      if try fresh.status(name)?.kind == .folder, let inner = try fresh.folder(name) {
        if try old.status(name) == nil { _ = try Self.made(name, in: old) }
        guard try old.status(name)?.kind == .folder, let target = try old.folder(name) else {
          blocked = blocked ?? old.path.appending(name)
          continue
        }
        try merge(inner, into: target, prefix: title + "/", entry, &moved, &blocked)
      } else if try fresh.move(name, to: old) {
        moved.files[title] = entry.files[title]
      } else {
        blocked = blocked ?? old.path.appending(name)
      }
    }
  }

  // MARK: Checking

  /// Whether a folder shows exactly this result, from this store.
  private func shows(
    _ result: ActionResult, _ shown: ResultsEntry, _ label: String, _ home: OpenFolder
  ) throws(StoreError) -> Bool {
    guard shown.key == result.key else { return false }
    var count = 0
    for output in result.outputs {
      let port = folderName(output.port)
      for file in output.artifact.manifest.layers {
        guard let title = file.title else { continue }
        count += 1
        let name = "\(port)/\(title)"
        switch shown.files[name] {
        case .link(let text)?:
          let expected = linkText(toBlob: file.digest, depth: title.utf8.count { $0 == UInt8(ascii: "/") })
          guard text == expected, home.linkText("\(label)/\(name)") == text else { return false }
        case .file(let size, let modified)?:
          guard size == file.size, let blob = try FileSystem.status(store.blobPath(file.digest)),
            blob.modified == modified, let status = try home.status("\(label)/\(name)"), status.kind == .file,
            status.size == size, status.modified == modified
          else { return false }
        case nil: return false
        }
      }
    }
    return count == shown.files.count
  }
}

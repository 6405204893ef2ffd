public import ContentAddressing
import Glibc
import Synchronization
public import SystemPackage

/// Digests of files outside the store, each hashed once: a cache by device, inode, size and times of change.
///
/// A file younger than two seconds is hashed each time, since a later write could leave its times as they are.
/// The cache is one file of lines that each carry a checksum; what is damaged is passed over.
public final class SourceDigests: Sendable {
  /// A file and the name under which it counts.
  public struct File: Sendable, Hashable {
    /// The name in the manifest.
    public var title: String
    /// Where it is.
    public var path: FilePath

    /// A file.
    public init(title: String, path: FilePath) {
      self.title = title
      self.path = path
    }
  }

  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private struct Entry {
    var size: Int
    var modified: Int64
    var changed: Int64
    var digest: Digest
  }

  private struct State {
    var entries: [Identity: Entry] = [:]
    var unsaved: [UInt8] = []
    var lineCount = 0
    var endsInLine = true
  }

  private static let racyInterval: Int64 = 2_000_000_000
  private let file: FilePath
  private let rehashing: Bool
  private let state: Mutex<State>

  /// Reads the cache.
  ///
  /// - Parameters:
  ///   - file: The cache's file; it need not exist.
  ///   - rehashing: Whether every file is hashed whatever the cache says.
  init(file: FilePath, rehashing: Bool) {
    self.file = file
    self.rehashing = rehashing
    let bytes = (try? FileSystem.read(file, limit: 1 << 30)).flatMap { $0 } ?? []
    var state = State()
    state.endsInLine = bytes.last.map { $0 == 0x0A } ?? true
    for line in bytes.split(separator: 0x0A) {
      state.lineCount += 1
      guard let (identity, entry) = SourceDigests.parse(line) else { continue }
      state.entries[identity] = entry
    }
    self.state = Mutex(state)
  }

  /// The digest and size of a file; links are followed.
  ///
  /// - Throws: `StoreError.changedWhileReading`, `.refusedEntry` for what is no regular file, or a failure of the
  ///   system.
  public func content(of path: FilePath) throws(StoreError) -> FileHasher.Content {
    guard let descriptor = try FileSystem.openForReading(path) else { throw StoreError("read", path, ENOENT) }
    defer { close(descriptor) }
    let before = try FileSystem.status(of: descriptor, path)
    guard before.kind == .file else { throw .refusedEntry(path, what: "no regular file") }
    let identity = Identity(device: before.device, inode: before.inode)
    if !rehashing, let entry = state.withLock({ $0.entries[identity] }), entry.size == before.size,
      entry.modified == before.modified, entry.changed == before.changed
    {
      return FileHasher.Content(digest: entry.digest, size: entry.size)
    }
    let now = wallClock()
    var hasher = FileHasher()
    let content: FileHasher.Content
    do { content = try hasher.content(of: FileDescriptor(rawValue: descriptor)) } catch {
      throw StoreError("read", path, error.rawValue)
    }
    let after = try FileSystem.status(of: descriptor, path)
    guard after.isSameContent(as: before), content.size == before.size else { throw .changedWhileReading(path) }
    if now - max(before.modified, before.changed) >= SourceDigests.racyInterval {
      let entry = Entry(
        size: content.size, modified: before.modified, changed: before.changed, digest: content.digest)
      state.withLock { state in
        state.entries[identity] = entry
        state.unsaved += SourceDigests.line(identity, entry)
      }
    }
    return content
  }

  /// The manifest of some named files, without putting them into a store: its digest stands for all of them.
  ///
  /// - Throws: As `content(of:)`; `StoreError.invalidName` for a name that cannot stand in a manifest.
  public func manifest(kind: KindName, files: [File]) throws(StoreError) -> Manifest {
    var layers: [Descriptor] = []
    for file in files {
      guard FileTitle.isValid(file.title) else { throw .invalidName(file.title, rule: FileTitle.rule) }
      let content = try content(of: file.path)
      layers.append(Descriptor(file: file.title, digest: content.digest, size: content.size))
    }
    return Manifest(kind: kind, files: layers)
  }

  /// Writes down what was hashed since the last time; failing to is no error, since it only costs time.
  public func save() {
    state.withLock { state in
      guard !state.unsaved.isEmpty else { return }
      if state.lineCount > 256, state.lineCount > 4 * state.entries.count {
        let lines = state.entries.flatMap { SourceDigests.line($0.key, $0.value) }
        try? FileSystem.replace(file, lines)
        state.lineCount = state.entries.count
      } else {
        try? FileSystem.append((state.endsInLine ? [] : [0x0A]) + state.unsaved, to: file)
        state.lineCount += 1
      }
      state.endsInLine = true
      state.unsaved = []
    }
  }

  // MARK: Lines

  private static func line(_ identity: Identity, _ entry: Entry) -> [UInt8] {
    let text =
      "\(identity.device) \(identity.inode) \(entry.size) \(entry.modified) \(entry.changed) "
      + entry.digest.hexadecimal
    return Array("\(text) \(String(checksum(text.utf8), radix: 16))\n".utf8)
  }

  private static func parse(_ line: ArraySlice<UInt8>) -> (Identity, Entry)? {
    let fields = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    guard fields.count == 7, let device = UInt64(fields[0]), let inode = UInt64(fields[1]), let size = Int(fields[2]),
      let modified = Int64(fields[3]), let changed = Int64(fields[4]), let digest = Digest(hexadecimal: fields[5]),
      let sum = UInt64(fields[6], radix: 16), let end = line.lastIndex(of: 0x20),
      sum == checksum(line[..<end])
    else { return nil }
    return (
      Identity(device: device, inode: inode),
      Entry(size: size, modified: modified, changed: changed, digest: digest)
    )
  }

  /// FNV-1a, against torn and rotten lines.
  private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension Store {
  /// The digests of files outside the store.
  ///
  /// - Parameter rehashing: Whether every file is hashed whatever the cache says (`--rehash`).
  /// - Returns: The digests, to be saved at the end.
  public func sourceDigests(rehashing: Bool = false) -> SourceDigests {
    SourceDigests(file: workFolder.appending("source-digests"), rehashing: rehashing)
  }

  /// Keeps the manifest of some sources, so that it can be told later which file changed.
  ///
  /// The files themselves stay outside: an OCI layout may lack blobs.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func keep(sourceManifest manifest: Manifest) throws(StoreError) -> Digest {
    try keep(manifest.canonical)
  }
}

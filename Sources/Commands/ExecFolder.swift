import ArtifactStore
import Glibc
import Records
import StageKit
import SystemPackage

/// The folder that `exec` writes to: everything lies in a hidden work folder until the stage has ended well.
///
/// The work folder is new and locked while its process lives, whatever number that has: what was left by one that was
/// killed goes with the next `exec` to the same place.
struct ExecFolder: Sendable {
  private static let prefix = ".exec-"

  private let root: FilePath
  private let hidden: OpenFolder
  private let force: Bool
  /// Port to the folder that the stage fills.
  let outputs: [String: FilePath]
  /// Scratch space of the stage.
  let work: FilePath

  init(_ root: FilePath, ports: [String], force: Bool) throws {
    self.root = root
    self.force = force
    for port in ports where FileContent.exists(root.appending(port)) && !force {
      throw CommandFailure(.invalid, "\(root.appending(port)) is there already; choose another --out or add --force")
    }
    try Folders.create(root)
    hidden = try Self.make(in: root)
    let hidden = hidden.path
    work = hidden.appending("work")
    outputs = Dictionary(uniqueKeysWithValues: ports.map { ($0, hidden.appending("out").appending($0)) })
    try Folders.create(work)
    for folder in outputs.values { try Folders.create(folder) }
  }

  /// A new folder that this process has locked; what was left by processes that were killed is removed.
  private static func make(in root: FilePath) throws -> OpenFolder {
    guard let parent = try OpenFolder.open(root, followingLinks: true) else { throw Errno.noSuchFileOrDirectory }
    for name in try parent.names() where name.hasPrefix(prefix) {
      guard let left = try? parent.folder(name), left.tryLock() else { continue }
      try? FileSystem.removeTree(left.path)
    }
    while true {
      let name = prefix + String(UInt64.random(in: .min ... .max), radix: 16)
      guard try parent.make(name), let folder = try parent.folder(name) else { continue }
      // Another process may have taken it for one that was left.
      if folder.tryLock(), folder.isLinked { return folder }
    }
  }

  /// Moves the outputs to their places by rename; what stood there goes with the work folder, or back where one of the
  /// outputs can't be placed.
  func publish() throws -> [String: FilePath] {
    var published: [String: FilePath] = [:]
    var replaced: [(old: FilePath, target: FilePath)] = []
    do {
      for (port, folder) in outputs.sorted(by: { $0.key < $1.key }) {
        let target = root.appending(port)
        if force {
          let old = hidden.path.appending("old-\(replaced.count)")
          if rename(target.string, old.string) == 0 {
            replaced.append((old, target))
          } else if errno != ENOENT {
            throw Errno(rawValue: errno)
          }
        }
        guard rename(folder.string, target.string) == 0 else { throw Errno(rawValue: errno) }
        published[port] = target
      }
    } catch {
      for (port, target) in published { _ = rename(target.string, hidden.path.appending("failed-\(port)").string) }
      for (old, target) in replaced { _ = rename(old.string, target.string) }
      throw error
    }
    return published
  }

  /// Removes what is left of the work folder.
  func remove() { try? FileSystem.removeTree(hidden.path) }
}

/// Making folders for what the command line names.
enum Folders {
  /// Makes a folder and those above it.
  static func create(_ path: FilePath) throws {
    if path.isEmpty || FileContent.isFolder(path) { return }
    try create(path.removingLastComponent())
    if mkdir(path.string, 0o755) != 0 {
      let code = Errno(rawValue: errno)
      if code == .fileExists {
        // Another process may have made it meanwhile.
        if FileContent.isFolder(path) { return }
        throw CommandFailure(.invalid, "\(path) is no folder; name another place")
      }
      throw code == .noSpace ? code : CommandFailure(.invalid, "can't make \(path): \(code)") as any Error
    }
  }
}

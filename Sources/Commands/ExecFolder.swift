import Glibc
import Records
import StageKit
import SystemPackage

/// The folder that `exec` writes to: everything lies in a hidden work folder until the stage has ended well.
struct ExecFolder: Sendable {
  private let root: FilePath
  private let hidden: FilePath
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
    hidden = root.appending(".exec-\(getpid())")
    Self.sweep(root)
    work = hidden.appending("work")
    outputs = Dictionary(
      uniqueKeysWithValues: ports.map { [hidden] in ($0, $0.isEmpty ? hidden : hidden.appending("out").appending($0)) })
    try Folders.create(work)
    for folder in outputs.values { try Folders.create(folder) }
  }

  /// Removes what was left by processes that were killed.
  private static func sweep(_ root: FilePath) {
    let prefix = ".exec-"
    for name in FileContent.names(in: root) where name.hasPrefix(prefix) {
      guard let process = Int32(name.dropFirst(prefix.count)), process > 0, process != getpid() else { continue }
      if kill(process, 0) != 0, errno == ESRCH { Folders.remove(root.appending(name)) }
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
          let old = hidden.appending("old-\(replaced.count)")
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
      for (port, target) in published { _ = rename(target.string, hidden.appending("failed-\(port)").string) }
      for (old, target) in replaced { _ = rename(old.string, target.string) }
      throw error
    }
    return published
  }

  /// Removes what is left of the work folder.
  func remove() { Folders.remove(hidden) }
}

/// Making and removing folders.
enum Folders {
  /// Makes a folder and those above it.
  static func create(_ path: FilePath) throws {
    if path.isEmpty || FileContent.isFolder(path) { return }
    try create(path.removingLastComponent())
    if mkdir(path.string, 0o755) != 0, errno != EEXIST {
      let code = Errno(rawValue: errno)
      throw code == .noSpace ? code : CommandFailure(.invalid, "can't make \(path): \(code)") as any Error
    }
  }

  /// Removes a file or folder with all that it holds.
  static func remove(_ path: FilePath) {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in FileContent.names(in: path) { remove(path.appending(name)) }
      rmdir(path.string)
    } else {
      unlink(path.string)
    }
  }
}

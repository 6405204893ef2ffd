import ArtifactStore
import ContentAddressing
import Glibc
import SystemPackage

/// A bundle's files, whole and checked, in a folder of their own beside the one that they are for.
///
/// The folder is locked while its process lives: what is left of one that was killed goes with the next import to a folder
/// in the same place.
final class StagedFiles {
  private static let prefix = ".apprentice-import-"

  private let folder: BundleFolder
  private let files: [BundleFile]
  private let parent: OpenFolder
  private let name: String
  private let root: OpenFolder
  private let content: OpenFolder
  private var steps: [Step] = []

  /// What has been done, so that it can be undone.
  private enum Step {
    case made(OpenFolder, String)
    case placed(OpenFolder, String)
    case replaced(OpenFolder, String, keptAs: String)
  }

  /// Makes the files.
  ///
  /// - Parameters:
  ///   - files: What they are, the last one to appear last.
  ///   - intake: Where their contents are.
  ///   - folder: What they are for.
  /// - Throws: `BundleFolder.Unfit`, or `StoreError`.
  init(_ files: [BundleFile], from intake: Intake, for folder: BundleFolder) throws {
    self.folder = folder
    self.files = files
    let place = try folder.place
    guard let parent = try OpenFolder.open(place.parent) else {
      throw BundleFolder.Unfit(place.parent, "is not there; make it first")
    }
    self.parent = parent
    Self.sweep(parent)
    (name, root) = try Self.make(in: parent)
    do {
      content = try root.folderOrNew("files").folder
      for file in files {
        var place = content
        for name in file.path.dropLast() { place = try place.folderOrNew(name).folder }
        let made = try intake.copy(
          file.digest, size: file.size, to: file.path.last ?? "", in: place, isProgram: file.isProgram)
        guard made else {
          throw BundleFolder.Unfit(
            folder.path, "is on a file system that takes \(file.title) and another file of the bundle for one")
        }
      }
    } catch {
      try? FileSystem.removeTree(root.path)
      throw error
    }
  }

  /// A new folder that this process has locked.
  private static func make(in parent: OpenFolder) throws -> (String, OpenFolder) {
    while true {
      let name = prefix + String(UInt64.random(in: .min ... .max), radix: 16)
      guard try parent.make(name), let root = try parent.folder(name) else { continue }
      try root.makePrivate()
      // Another import may have taken it for one that was left.
      if root.tryLock(), root.isLinked { return (name, root) }
    }
  }

  /// Removes what imports that were killed have left.
  private static func sweep(_ parent: OpenFolder) {
    for name in (try? parent.names()) ?? [] where name.hasPrefix(prefix) {
      guard let left = try? parent.folder(name), left.tryLock() else { continue }
      try? FileSystem.removeTree(left.path)
    }
  }

  /// Removes what has not been renamed.
  func discard() { try? FileSystem.removeTree(root.path) }

  /// Renames the files into their folder: all of them, or none.
  ///
  /// - Throws: `BundleFolder.Unfit` where something else has come to stand there, or `StoreError`.
  func publish() throws {
    let target = try folder.place.name
    if try parent.status(target) == nil, try root.place("files", in: parent, as: target) { return }
    do {
      guard let folder = try parent.folder(target) else { throw BundleFolder.Unfit(folder.path, "is gone") }
      for file in files { try publish(file, in: folder) }
    } catch {
      undo()
      throw error
    }
  }

  private func publish(_ file: BundleFile, in folder: OpenFolder) throws {
    var (source, target) = (content, folder)
    for name in file.path.dropLast() {
      let next = try target.folderOrNew(name)
      if next.isNew { steps.append(.made(target, name)) }
      target = next.folder
      guard let below = try source.folder(name) else { throw BundleFolder.Unfit(content.path, "is gone") }
      source = below
    }
    let name = file.path.last ?? ""
    let place = self.folder.path.pushing(FilePath(file.title))
    switch try target.status(name)?.kind {
    case nil:
      guard try source.place(name, in: target, as: name) else {
        throw BundleFolder.Unfit(place, "has come to be there meanwhile")
      }
      steps.append(.placed(target, name))
    case .file where target.content(name)?.digest == file.digest: return
    case .file where self.folder.isReplacing:
      let kept = "kept-\(steps.count)"
      try target.keep(name, in: root, as: kept)
      steps.append(.replaced(target, name, keptAs: kept))
      try source.replace(name, in: target, as: name)
    default: throw BundleFolder.Unfit(place, "is there already, with other content")
    }
  }

  private func undo() {
    for step in steps.reversed() {
      switch step {
      case .made(let folder, let name): _ = try? folder.removeFolder(name)
      case .placed(let folder, let name): try? folder.remove(name)
      case .replaced(let folder, let name, let kept): try? root.replace(kept, in: folder, as: name)
      }
    }
    steps = []
  }
}

import ArtifactStore
import ContentAddressing
import Glibc
public import SystemPackage

/// The folder that receives a bundle's pipeline file, the code of its own stages, and the sources whose place is below.
///
/// It is new or empty, holds a store alone, or holds files that the import would write, byte for byte. Files are staged
/// beside it and renamed into it; nothing in it is reached through a link.
public struct BundleFolder: Sendable {
  /// The folder; made where there is none.
  public var path: FilePath
  /// Whether the folder may hold anything, and regular files of the names that the import writes are replaced.
  public var isReplacing: Bool

  /// A folder, not yet looked at.
  public init(_ path: FilePath, replacing: Bool = false) {
    self.path = path
    isReplacing = replacing
  }

  /// The folder can't take a bundle.
  public struct Unfit: Error, Equatable, CustomStringConvertible {
    /// What stands in the way.
    public var path: FilePath
    /// What is wrong with it, as a clause.
    public var reason: String

    init(_ path: FilePath, _ reason: String) {
      self.path = path
      self.reason = reason
    }

    /// One sentence.
    public var description: String { "\(path) \(reason)" }
  }

  /// Where it is, links above it resolved; its parent must be there.
  var place: (parent: FilePath, name: String) {
    get throws {
      let absolute = path.absolute
      guard let name = absolute.lastComponent?.string else { throw Unfit(path, "is no folder that can be made") }
      let parent = absolute.removingLastComponent()
      guard let real = realpath(parent.string, nil) else {
        throw Unfit(parent, "is no folder that can be reached (\(Errno(rawValue: errno))); make it first")
      }
      defer { free(real) }
      return (FilePath(platformString: real), name)
    }
  }

  /// Looks whether it may take a bundle, as far as that can be told before there is one.
  ///
  /// - Parameter store: The store that takes the bundle; it may lie in the folder.
  /// - Throws: `Unfit`, or `StoreError` where the system refuses.
  public func check(besides store: FilePath) throws {
    let (parent, name) = try place
    guard access(parent.string, W_OK | X_OK) == 0 else {
      throw Unfit(parent, "can't be written to (\(Errno(rawValue: errno))), where files are staged")
    }
    let target = parent.appending(name)
    let store = Self.resolved(store.absolute)
    if target.starts(with: store) {
      throw Unfit(path, target == store ? "is the store itself" : "lies in the store \(store)")
    }
    if store.starts(with: target), store.removingLastComponent() != target {
      throw Unfit(path, "would hold the store \(store) deeper than at its top")
    }
    switch try FileSystem.status(target)?.kind {
    case nil: return
    case .folder: break
    case .link: throw Unfit(path, "is a link; name the folder that it leads to")
    case .file, .other: throw Unfit(path, "is no folder")
    }
    guard access(target.string, W_OK | X_OK) == 0 else {
      throw Unfit(path, "can't be written to (\(Errno(rawValue: errno)))")
    }
    guard try FileSystem.status(target)?.device == FileSystem.status(parent)?.device else {
      throw Unfit(path, "is on another file system than the folder that it lies in, where files are staged")
    }
  }

  /// A path with its links resolved as far as it is there.
  private static func resolved(_ path: FilePath) -> FilePath {
    var (present, rest) = (path, [FilePath.Component]())
    while true {
      if let real = realpath(present.string, nil) {
        defer { free(real) }
        return rest.reversed().reduce(into: FilePath(platformString: real)) { $0.append($1) }
      }
      guard let last = present.lastComponent, present.removeLastComponent() else { return path }
      rest.append(last)
    }
  }

  /// Looks whether files may be written there: before anything of a bundle is published.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - store: The store that takes the bundle.
  /// - Throws: `Unfit`, or `StoreError` where the system refuses.
  func prepare(for files: [BundleFile], besides store: FilePath) throws {
    try check(besides: store)
    let (parent, name) = try place
    guard let folder = try OpenFolder.open(parent.appending(name)) else { return }
    var stores: Set<String> = []
    if try folder.status(StoreLocation.folderName)?.kind == .folder { stores.insert(StoreLocation.folderName) }
    let store = Self.resolved(store.absolute)
    if store.removingLastComponent() == parent.appending(name), let last = store.lastComponent {
      stores.insert(last.string)
    }
    try compare(folder, files, path, passing: stores)
  }

  private func compare(
    _ folder: OpenFolder, _ files: [BundleFile], _ place: FilePath, passing others: Set<String>
  ) throws {
    // By bytes: é and e + accent are two files.
    var below: [[UInt8]: [BundleFile]] = [:]
    for file in files { below[Array(file.path[0].utf8), default: []].append(file) }
    for name in try folder.names() {
      let present = place.appending(name)
      guard let files = below[Array(name.utf8)] else {
        if isReplacing || others.contains(name) { continue }
        throw Unfit(
          present,
          "is not of the bundle, whose files go to a folder that is new, empty, holds a store alone, or holds nothing "
            + "but the same files")
      }
      let status = try folder.status(name)
      let kind = status?.kind
      if files[0].path.count > 1 {
        guard kind == .folder, let next = try folder.folder(name) else {
          throw Unfit(present, "stands where the bundle has a folder")
        }
        let rest = files.map { file in
          var file = file
          file.path.removeFirst()
          return file
        }
        try compare(next, rest, present, passing: [])
      } else {
        guard kind == .file else { throw Unfit(present, "is there already, and no regular file") }
        guard isReplacing || (status?.size == files[0].size && folder.content(name)?.digest == files[0].digest) else {
          throw Unfit(present, "is there already, with other content")
        }
      }
    }
  }
}

import CanonicalJSON
import ContentAddressing
import Glibc
import SystemPackage

/// The mark of a folder that the results view has made, `.apprentice-view`; in an action's folder it says what the view
/// has put there, which is all that the view ever removes.
enum ResultsMark {
  /// The name of the mark.
  static let name = ".apprentice-view"
  /// The mark of a folder about which nothing more is to be said.
  static let plain = JSONValue.object(["apprentice": 1]).canonical
  /// The mark of a pipeline's folder that shows a run's results.
  static func claim(_ name: String) -> [UInt8] {
    JSONValue.object(["apprentice": 1, "shows": .string(name)]).canonical
  }
  /// How temporary folders begin that are about to be renamed into place.
  static let fresh = ".new-"
  /// How folders begin that were replaced.
  static let old = ".old-"

  /// Whether a folder is the view's: it holds the mark, or, as views without marks were, links into a store and
  /// nothing else but folders of such.
  static func isOn(_ folder: OpenFolder) throws(StoreError) -> Bool {
    if try folder.isMarked(or: false) { return true }
    return try countOfLinks(folder).map { $0 > 0 } ?? false
  }

  /// Whether results may be put into a folder: one that is the view's, or empty.
  static func mayBePut(in folder: OpenFolder) throws(StoreError) -> Bool {
    // The mark first: a folder of many actions is not listed for each of them.
    if try folder.isMarked(or: false) { return true }
    if try folder.unsortedNames().isEmpty { return true }
    return try isOn(folder)
  }

  /// How many links into a store a folder holds and those below it; nil where there is something else, too.
  private static func countOfLinks(_ folder: OpenFolder) throws(StoreError) -> Int? {
    var count = 0
    for name in try folder.names() {
      switch try folder.status(name)?.kind {
      case .folder:
        guard let inner = try folder.folder(name), let links = try countOfLinks(inner) else { return nil }
        count += links
      case .link:
        guard let text = folder.linkText(name), leadsIntoStore(text) else { return nil }
        count += 1
      default: return nil
      }
    }
    return count
  }

  /// Whether a link leads to a blob, or to what a running action writes.
  static func leadsIntoStore(_ text: String) -> Bool {
    let parts = text.split(separator: "/")
    if parts.count >= 3, parts[parts.count - 3] == "blobs", parts[parts.count - 2] == "sha256" {
      return Digest(hexadecimal: String(parts[parts.count - 1])) != nil
    }
    return parts.count >= 4 && parts[parts.count - 4] == "work" && parts[parts.count - 2] == "out"
  }
}

/// What the view has put into an action's folder.
struct ResultsEntry: Equatable {
  /// How a file is shown.
  enum File: Equatable {
    /// A symbolic link with this text.
    case link(String)
    /// A file of this length, last changed then (nanoseconds since 1970): an edit changes the time.
    case file(size: Int, modified: Int64)
  }

  /// The action whose result is shown, or that runs.
  var key: ActionKey
  /// Files by `port/title`; a port alone is the link to a folder that is written to.
  var files: [String: File]
  /// The name of the folder that the view put it into; nil in marks of a time before that was said.
  ///
  /// A folder of another name is a copy, or was renamed: it is the user's.
  var folder: String?

  var canonical: [UInt8] {
    var members: [(String, JSONValue)] = []
    members.reserveCapacity(files.count)
    for (title, file) in files {
      switch file {
      case .link(let text): members.append((title, .string(text)))
      // As a text: nanoseconds since 1970 are more than a double holds.
      case .file(let size, let modified): members.append((title, .array([JSONValue(size), .string("\(modified)")])))
      }
    }
    var object: JSONObject = [
      "apprentice": 1, "key": .string(key.description), "files": .object(JSONObject(members)),
    ]
    if let folder { object["folder"] = .string(folder) }
    return JSONValue.object(object).canonical
  }

  init(key: ActionKey, files: [String: File] = [:], folder: String? = nil) {
    self.key = key
    self.files = files
    self.folder = folder
  }

  /// Whether it is about a folder of this name.
  func belongs(in name: String) -> Bool { folder.map { $0.utf8.elementsEqual(name.utf8) } ?? true }

  /// Reads a mark; nil where it says nothing of an action.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSONValue(parsing: bytes), let key = json["key"]?.string.flatMap({ ActionKey($0) }),
      let members = json["files"]?.object?.members
    else { return nil }
    self.init(key: key, folder: json["folder"]?.string)
    for (title, value) in members {
      if let text = value.string {
        files[title] = .link(text)
      } else if let size = value.array?.first?.integer, let time = value.array?.last?.string.flatMap({ Int64($0) }) {
        files[title] = .file(size: size, modified: time)
      }
    }
  }

  /// The mark of an action's folder; nil where there is none that says what the view put there.
  static func read(from folder: OpenFolder) throws(StoreError) -> ResultsEntry? {
    try folder.read(ResultsMark.name, limit: 64 << 20).flatMap { ResultsEntry($0) }
  }

  /// Whether an entry is as the view made it.
  func owns(_ title: String, _ name: String, in folder: OpenFolder) throws(StoreError) -> Bool {
    switch files[title] {
    case .link(let text)?: folder.linkText(name) == text
    case .file(let size, let modified)?:
      try folder.status(name).map { $0.kind == .file && $0.size == size && $0.modified == modified } ?? false
    case nil: false
    }
  }
}

/// Takes away what the view has put into a folder, and nothing else.
struct ResultsSweeper {
  /// What it has put there, where its mark says that.
  var entry: ResultsEntry?
  /// Whether the folder is a view's of a time without marks, of which only links into a store are known.
  var isOfOld: Bool

  private func owns(_ title: String, _ name: String, in folder: OpenFolder) throws(StoreError) -> Bool {
    if let entry { return try entry.owns(title, name, in: folder) }
    return isOfOld && folder.linkText(name).map(ResultsMark.leadsIntoStore) ?? false
  }

  /// Whether a folder holds nothing but what the view put there.
  func isWhollyOurs(_ folder: OpenFolder, prefix: String = "") throws(StoreError) -> Bool {
    for name in try folder.names() where name != ResultsMark.name {
      let title = prefix + name
      if try folder.status(name)?.kind == .folder {
        guard let inner = try folder.folder(name), try inner.isMarked(or: isOfOld),
          try isWhollyOurs(inner, prefix: title + "/")
        else { return false }
      } else if try !owns(title, name, in: folder) {
        return false
      }
    }
    return true
  }

  /// Removes what is the view's.
  ///
  /// - Returns: Whether nothing is left but the mark.
  func sweep(_ folder: OpenFolder, prefix: String = "") throws(StoreError) -> Bool {
    var isEmpty = true
    for name in try folder.names() where name != ResultsMark.name {
      let title = prefix + name
      if try folder.status(name)?.kind == .folder {
        guard let inner = try folder.folder(name), try inner.isMarked(or: isOfOld) else {
          isEmpty = false
          continue
        }
        guard try sweep(inner, prefix: title + "/") else {
          isEmpty = false
          continue
        }
        try inner.remove(ResultsMark.name)
        if try !folder.removeFolder(name) { isEmpty = false }
      } else if try owns(title, name, in: folder) {
        try folder.remove(name)
      } else {
        isEmpty = false
      }
    }
    return isEmpty
  }
}

extension OpenFolder {
  /// Whether the folder holds the mark.
  func isMarked(or isOld: Bool) throws(StoreError) -> Bool {
    if isOld { return true }
    return try status(ResultsMark.name)?.kind == .file
  }
}

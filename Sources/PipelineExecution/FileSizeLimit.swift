import ArtifactStore
import Glibc
package import SystemPackage

/// The limit on the size of a file, as `ulimit -f` sets it.
package enum FileSizeLimit {
  /// The first file that is as long as a file may become: the one that could not be written on.
  ///
  /// - Parameter folders: Where files were written, with the names that messages give these folders.
  /// - Returns: The file below the folder's name; nil where there is none, or no limit.
  package static func reached(below folders: [(name: String, path: FilePath)]) -> String? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, let most = Int(exactly: limit.rlim_cur)
    else { return nil }
    for folder in folders {
      if let found = Self.file(below: folder.path, called: folder.name, of: most) { return found }
    }
    return nil
  }

  private static func file(below path: FilePath, called name: String, of size: Int) -> String? {
    guard let status = (try? FileSystem.status(path)) ?? nil else { return nil }
    switch status.kind {
    case .file: return status.size >= size ? name : nil
    case .folder:
      for entry in (try? FileSystem.list(path)) ?? [] {
        if let found = Self.file(below: path.appending(entry), called: "\(name)/\(entry)", of: size) { return found }
      }
      return nil
    case .link, .other: return nil
    }
  }
}

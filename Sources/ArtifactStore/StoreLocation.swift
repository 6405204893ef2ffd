import Glibc
public import SystemPackage

/// Where the store of a pipeline is, and the folder that shows its results.
public struct StoreLocation: Sendable, Hashable {
  /// The store.
  public var store: FilePath
  /// The folder that holds `.apprentice` by the default rule, and `results` wherever the store is.
  public var project: FilePath

  /// The name of a store inside its project.
  public static let folderName = ".apprentice"

  /// Finds the store: `option`, else `environment`, else `.apprentice` in the project folder.
  ///
  /// The project is the nearest folder at or above `start` that holds `.apprentice`, else the nearest that holds
  /// `.git`, else `start` itself.
  ///
  /// - Parameters:
  ///   - option: The path that `--store` names.
  ///   - environment: The value of `APPRENTICE_STORE`; an empty one counts as none.
  ///   - start: The folder of the pipeline file, or the working directory where there is no file.
  public init(option: FilePath?, environment: String?, start: FilePath) {
    let start = start.absolute
    project =
      StoreLocation.nearest(StoreLocation.folderName, from: start)
      ?? StoreLocation.nearest(".git", from: start) ?? start
    if let option {
      store = option.absolute
    } else if let environment, !environment.isEmpty {
      store = FilePath(environment).absolute
    } else {
      store = project.appending(StoreLocation.folderName)
    }
  }

  private static func nearest(_ name: String, from start: FilePath) -> FilePath? {
    var folder = start
    while true {
      if ((try? FileSystem.status(folder.appending(name))) ?? nil) != nil { return folder }
      if !folder.removeLastComponent() { return nil }
    }
  }
}

extension FilePath {
  /// The path from the root, `.` and `..` resolved by name.
  package var absolute: FilePath {
    if isAbsolute { return lexicallyNormalized() }
    let folder = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      getcwd(buffer.baseAddress, buffer.count).map { FilePath(platformString: $0) }
    }
    return (folder ?? "/").pushing(self).lexicallyNormalized()
  }
}

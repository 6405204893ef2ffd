import Glibc
public import SystemPackage

/// An empty folder that goes with its last reference.
public final class ScratchFolder: Sendable {
  /// Where it is.
  public let path: FilePath

  /// Makes a folder below the system's folder for temporary files.
  public init() {
    var template = Array("/tmp/apprentice-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { preconditionFailure("no temporary folder: \(errno)") }
    path = FilePath(platformString: made)
  }

  deinit { Self.remove(path) }

  /// Makes a folder in it.
  public func folder(_ name: String) -> FilePath {
    let folder = path.appending(name)
    mkdir(folder.string, 0o755)
    return folder
  }

  private static func remove(_ path: FilePath) {
    if let stream = opendir(path.string) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { remove(path.appending(name)) }
      }
      closedir(stream)
    }
    Glibc.remove(path.string)
  }
}

public import SystemPackage

/// Where the files lie that tests read.
public enum Fixture {
  /// The root of the package.
  public static let root: FilePath = {
    var path = FilePath(#filePath)
    for _ in 0..<3 { path.removeLastComponent() }
    return path
  }()

  /// A file or folder below `fixtures/`.
  public static func path(_ name: String) -> FilePath { root.appending("fixtures").pushing(FilePath(name)) }

  /// Data shared beside the project, which a clone alone does not have; nil where it is absent.
  ///
  /// A test that needs it is disabled with `Fixture.sharedMissing` as its reason.
  public static func shared(_ name: String) -> FilePath? {
    let path = root.removingLastComponent().appending("shared").pushing(FilePath(name))
    return exists(path) ? path : nil
  }

  /// Whether a file or folder is there.
  public static func exists(_ path: FilePath) -> Bool {
    (try? FileDescriptor.open(path, .readOnly).close()) != nil
  }

  /// The whole content of a file.
  public static func bytes(_ path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
      var bytes: [UInt8] = []
      let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer { chunk.deallocate() }
      while true {
        let count = try file.read(into: chunk)
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<count])
      }
    }
  }

  /// The lines of a text file, without their ends.
  public static func lines(_ path: FilePath) throws -> [String] {
    String(decoding: try bytes(path), as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

import Foundation
import SystemPackage

/// What lies below a folder.
enum Tree {
  /// All names, sorted; the cache of source digests may come and go.
  static func names(below folder: FilePath) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.string).filter { !$0.hasSuffix("source-digests") }.sorted()
  }
}

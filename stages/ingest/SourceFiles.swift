import Glibc
import Records
import StageKit
import SystemPackage

/// The files of a source, by split.
struct SourceFiles {
  /// Splits in the order train, validation, test, each with its files sorted by bytes.
  let bySplit: [(split: Split, files: [FilePath])]

  /// All files with their splits.
  var all: [(split: Split, file: FilePath)] { bySplit.flatMap { split, files in files.map { (split, $0) } } }

  init(_ source: FilePath, names: [(split: Split, name: String)]) throws(StageFailure) {
    var found: [Split: [FilePath]] = [:]
    if names.isEmpty {
      if FileContent.isFolder(source) {
        for name in FileContent.names(in: source) {
          let path = FilePath(name)
          guard let stem = path.stem, let split = Split(rawValue: stem), path.extension != nil else { continue }
          found[split, default: []].append(source.appending(name))
        }
        if let (split, files) = found.first(where: { $0.value.count > 1 }) {
          throw StageFailure(
            "\(source) holds \(files.count) files for \(split.rawValue)", remedy: "name one with files",
            status: .invalid)
        }
        guard !found.isEmpty else {
          throw StageFailure(
            "\(source) holds no train, validation or test file", remedy: "name them with files", status: .invalid)
        }
      } else {
        found = [.train: [source]]
      }
    }
    for (split, name) in names {
      guard FileContent.isFolder(source) else {
        throw StageFailure("\(source) is a file, but files names \(name) below it", status: .invalid)
      }
      let matches = Self.matches(source.pushing(FilePath(name)))
      guard !matches.isEmpty else {
        throw StageFailure("\(source) holds no \(name) for \(split.rawValue)", status: .invalid)
      }
      found[split, default: []] += matches
    }
    bySplit = Split.allCases.compactMap { split in found[split].map { (split, $0) } }
  }

  /// The files that a name or glob stands for, sorted by bytes.
  private static func matches(_ pattern: FilePath) -> [FilePath] {
    if FileContent.exists(pattern) { return [pattern] }
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern.string, GLOB_NOSORT, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
    let names = (0..<Int(result.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { FilePath($0) }
  }
}

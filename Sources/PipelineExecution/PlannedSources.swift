package import ArtifactStore
package import ContentAddressing
import Glibc
package import PipelineLanguage
package import StageKit
package import SystemPackage

/// A path outside the store that can't be read.
package struct SourceProblem: Error, CustomStringConvertible {
  /// Where the path was written.
  package var origin: ValueOrigin
  /// What is wrong.
  package var message: String
  /// One sentence with the place.
  package var description: String { "\(origin): \(message)" }
}

/// Digests of the files and folders that a pipeline reads from outside the store.
package final class PlannedSources {
  private let digests: SourceDigests
  private let absent: AbsentSources?
  private var manifests: [Digest: Manifest] = [:]
  /// What was looked at already: a thousand cells that read one folder look at it once.
  private var seen: [Place: Digest] = [:]
  private var programs: [FilePath: KeyDocument.Program] = [:]

  private struct Place: Hashable {
    var path: FilePath
    var kind: ArtifactKind
    var files: [String]?
  }

  /// Digests through a store's cache.
  ///
  /// - Parameters:
  ///   - digests: Hashes files.
  ///   - absent: What is known of paths where there is nothing.
  package init(_ digests: SourceDigests, absent: AbsentSources? = nil) {
    self.digests = digests
    self.absent = absent
  }

  /// The digest that a path has as an artifact of a kind.
  ///
  /// A file counts under its own name, which tells its format; under the kind's name where the kind is one file.
  /// - Parameters:
  ///   - path: A file or folder, absolute.
  ///   - kind: The kind of the port.
  ///   - label: The input as the pipeline file has it.
  ///   - files: Names or patterns of the only files that are read below a folder; nil for all.
  ///   - origin: Where the path was written.
  /// - Returns: The digest of a manifest of the files.
  /// - Throws: `SourceProblem` where there is nothing to read, or `StoreError`.
  package func digest(
    of path: FilePath, kind: ArtifactKind, label: String, files: [String]?, origin: ValueOrigin
  ) throws -> Digest {
    let place = Place(path: path, kind: kind, files: files)
    if let digest = seen[place] { return digest }
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      guard let known = try absent?.find(path, kind: kind, label: label, files: files) else {
        throw Self.problem(path, origin)
      }
      manifests[known.digest] = known.manifest
      return known.digest
    }
    let named: [SourceDigests.File]
    if status.st_mode & S_IFMT == S_IFDIR {
      named = try Self.files(below: path, matching: files, origin: origin)
      guard !named.isEmpty else { throw SourceProblem(origin: origin, message: "\(path) holds no file that is read") }
    } else {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw SourceProblem(
          origin: origin,
          message: "\(path) is a pipe, socket or device, which a run can't read again; write it to a file first")
      }
      named = [.init(title: kind.essentialFile ?? path.lastComponent?.string ?? "file", path: path)]
    }
    guard let name = KindName(kind.rawValue) else { preconditionFailure("\(kind) is no name") }
    let manifest = try digests.manifest(kind: name, files: named)
    let digest = manifest.descriptor.digest
    manifests[digest] = manifest
    seen[place] = digest
    return digest
  }

  /// The program of a user's stage: its command and the digests of its code.
  ///
  /// - Throws: `SourceProblem` where a file is not there, or `StoreError`.
  package func program(of stage: UserStage, origin: ValueOrigin) throws -> KeyDocument.Program {
    if let program = programs[stage.folder] { return program }
    var code: [String: Digest] = [:]
    for file in stage.code { code[file.string] = try digest(ofFile: stage.folder.pushing(file), origin: origin) }
    let program = KeyDocument.Program(command: stage.command, code: code)
    programs[stage.folder] = program
    return program
  }

  /// Forgets what was looked at: it may have changed since.
  package func lookAgain() {
    seen = [:]
    programs = [:]
  }

  /// What stands in for a path where there is nothing; nil where there is something.
  package func replacement(
    of path: FilePath, kind: ArtifactKind, label: String, files: [String]?
  ) throws -> AbsentSources.Known? {
    guard access(path.string, F_OK) != 0,
      var known = try absent?.find(path, kind: kind, label: label, files: files)
    else { return nil }
    // A place counts only if it holds the very bytes.
    known.places = known.places.filter { place in
      guard access(place.string, F_OK) == 0 else { return false }
      let origin = ValueOrigin.commandLine(place.string)
      let found = try? digest(of: place, kind: kind, label: label, files: files, origin: origin)
      return found == known.digest
    }
    return known
  }

  /// The digest of a file's bytes.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - origin: What names it.
  /// - Returns: Their digest.
  /// - Throws: `SourceProblem` where there is none, or `StoreError`.
  package func digest(ofFile path: FilePath, origin: ValueOrigin) throws -> Digest {
    guard access(path.string, R_OK) == 0 else { throw Self.problem(path, origin) }
    return try digests.content(of: path).digest
  }

  /// The files of a digest that this run has computed.
  package func manifest(_ digest: Digest) -> Manifest? { manifests[digest] }

  /// Keeps what was hashed for the next time.
  package func save() { digests.save() }

  private static func problem(_ path: FilePath, _ origin: ValueOrigin) -> SourceProblem {
    SourceProblem(origin: origin, message: "there is no \(path)")
  }

  private static func files(
    below folder: FilePath, matching patterns: [String]?, origin: ValueOrigin
  ) throws -> [SourceDigests.File] {
    guard let patterns else { return try all(below: folder, prefix: "", origin: origin) }
    let special: Set<Character> = ["*", "?", "["]
    var titles: Set<String> = []
    var globs: [String] = []
    for pattern in patterns {
      let isGlob =
        pattern.contains(where: special.contains) && access(folder.pushing(FilePath(pattern)).string, F_OK) != 0
      if isGlob { globs.append(pattern) } else { titles.insert(pattern) }
    }
    if !globs.isEmpty {
      for file in try all(below: folder, prefix: "", origin: origin)
      where globs.contains(where: { fnmatch($0, file.title, FNM_PATHNAME | FNM_PERIOD) == 0 }) {
        titles.insert(file.title)
      }
    }
    var files: [SourceDigests.File] = []
    for title in titles.sorted() {
      let path = folder.pushing(FilePath(title))
      guard access(path.string, F_OK) == 0 else { throw problem(path, origin) }
      files.append(.init(title: FilePath(title).lexicallyNormalized().string, path: path))
    }
    return files
  }

  /// Every regular file, links followed; hidden ones, such as an editor's, do not count.
  private static func all(
    below folder: FilePath, prefix: String, origin: ValueOrigin
  ) throws -> [SourceDigests.File] {
    guard let stream = opendir(folder.string) else {
      throw SourceProblem(origin: origin, message: "\(folder) can't be read: \(Errno(rawValue: errno))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    var files: [SourceDigests.File] = []
    for name in names.sorted() {
      let path = folder.appending(name)
      var status = stat()
      guard stat(path.string, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: files += try all(below: path, prefix: prefix + name + "/", origin: origin)
      case S_IFREG: files.append(.init(title: prefix + name, path: path))
      default: continue
      }
    }
    return files
  }
}

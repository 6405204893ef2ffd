import CanonicalJSON
import Corpora
import Glibc
import Records
import StageKit
import SystemPackage

/// A name or glob below the source: the files of a split, or of one field of a split where texts are parallel.
struct FileRequest {
  var split: Split
  /// The field that the files' text becomes; nil where rows have fields of their own.
  var field: String?
  var name: String
}

/// The files of a source.
struct SourceFiles {
  private enum Place {
    /// Files on disk with the requests that they answer, in the order of the requests, then sorted by bytes.
    case disk([(request: FileRequest, file: FilePath)])
    case archive(CorpusFile, [FileRequest])
  }

  private let place: Place
  /// Files of a folder that are called as another tool calls its validation split, which are not read.
  private(set) var overlooked: [String] = []

  /// The files that are read; an archive counts as one.
  var all: [FilePath] {
    switch place {
    case .disk(let files): files.map(\.file)
    case .archive(let archive, _): [archive.path]
    }
  }

  /// Whether a split may be made of several files that come in any order.
  var isUnordered: Bool {
    guard case .archive(_, let requests) = place else { return false }
    return requests.contains { request in "*?[\\".utf8.contains { request.name.utf8.contains($0) } }
  }

  /// Their size in bytes.
  var size: Int { all.reduce(0) { $0 + CorpusFile($1).size } }

  /// Finds the files.
  ///
  /// - Parameters:
  ///   - source: A file, a folder or an archive.
  ///   - requests: What is asked for; empty for the files that are called as splits are.
  /// - Throws: `StageFailure` with status 2 where there are none.
  init(_ source: FilePath, requests: [FileRequest]) throws(StageFailure) {
    let isFolder = FileContent.isFolder(source)
    if !isFolder { try Self.check(source) }
    if !isFolder, CorpusFile(source).isArchive {
      place = .archive(CorpusFile(source), requests)
    } else if requests.isEmpty {
      let splits = isFolder ? try Self.splits(in: source) : [(FileRequest(split: .train, name: ""), source)]
      place = .disk(splits)
      if isFolder, !splits.contains(where: { $0.0.split == .validation }) {
        overlooked = FileContent.names(in: source).filter { Self.isOverlooked(FilePath($0)) }
      }
    } else {
      guard isFolder else {
        throw StageFailure("\(source) is a file, but files names \(requests[0].name) below it", status: .invalid)
      }
      var files: [(FileRequest, FilePath)] = []
      for request in requests {
        let matches = Self.matches(request.name, in: source)
        guard !matches.isEmpty else { throw Self.nothing(in: source, for: request) }
        for match in matches {
          try Self.check(match)
          files.append((request, match))
        }
      }
      place = .disk(files)
    }
  }

  /// Refuses a named pipe, a socket or a device before anything is read: they may never end.
  private static func check(_ file: FilePath) throws(StageFailure) {
    do throws(RecordError) { try CorpusFile(file).check() } catch { throw StageFailure("\(error)", status: .invalid) }
  }

  private static func nothing(in source: FilePath, for request: FileRequest) -> StageFailure {
    StageFailure("\(source) holds no \(request.name.shown()) for \(request.split.rawValue)", status: .invalid)
  }

  /// The split that a file is called after: `train.jsonl`, `train.csv.gz`.
  private static func split(calledAs name: FilePath) -> Split? {
    let name = CorpusFormat.uncompressed(name)
    guard name.extension != nil, let stem = name.stem else { return nil }
    return Split(rawValue: stem)
  }

  /// Whether a file is called as another tool calls its validation split.
  private static func isOverlooked(_ name: FilePath) -> Bool {
    let path = CorpusFormat.uncompressed(name)
    return path.extension != nil && ["valid", "val", "dev", "eval"].contains(path.stem)
  }

  private static func splits(in folder: FilePath) throws(StageFailure) -> [(FileRequest, FilePath)] {
    var found: [(FileRequest, FilePath)] = []
    for name in FileContent.names(in: folder) {
      guard let split = split(calledAs: FilePath(name)) else { continue }
      found.append((FileRequest(split: split, name: name), folder.appending(name)))
    }
    for split in Split.allCases {
      let count = found.count { $0.0.split == split }
      guard count < 2 else {
        throw StageFailure(
          "\(folder) holds \(count) files for \(split.rawValue)", remedy: "name one with files", status: .invalid)
      }
    }
    for (_, file) in found { try check(file) }
    guard !found.isEmpty else {
      throw StageFailure(
        "\(folder) holds no train, validation or test file", remedy: "name them with files", status: .invalid)
    }
    return found
  }

  /// The files that a name or glob stands for, sorted by bytes.
  private static func matches(_ name: String, in folder: FilePath) -> [FilePath] {
    let file = folder.pushing(FilePath(name))
    if FileContent.exists(file) { return [file] }
    var result = glob_t()
    defer { globfree(&result) }
    // What looks like a pattern in the folder's own name is none.
    let literal = folder.string.utf8.flatMap { "*?[\\".utf8.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
    let whole = String(decoding: literal, as: UTF8.self) + "/" + name
    guard glob(whole, GLOB_NOSORT, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
    let files = (0..<Int(result.gl_pathc)).compactMap { paths[$0].map { FilePath(platformString: $0) } }
    return files.sorted { $0.string.utf8.lexicographicallyPrecedes($1.string.utf8) }
  }

  /// Reads every file: those on disk in order, members of an archive in the archive's order.
  ///
  /// - Parameters:
  ///   - consumed: Called now and then with the number of bytes that were read of all files.
  ///   - waiting: Called several times a second while a pipe gives nothing; may throw to end the waiting.
  ///   - body: Reads the bytes of one file.
  /// - Returns: Members of an archive that are called as another tool calls its validation split, which are not read.
  /// - Throws: `StageFailure` where an archive lacks what is asked for, what reading throws, and what `body` throws.
  func read(
    consumed: @escaping (Int) -> Void, waiting: @escaping () throws -> Void,
    _ body: (_ request: FileRequest, _ file: FilePath, _ bytes: any ByteSource) throws -> Void
  ) throws -> [String] {
    switch place {
    case .disk(let files):
      var before = 0
      for (request, path) in files {
        let file = CorpusFile(path, waiting: waiting)
        let start = before
        try file.read(consumed: { consumed(start + $0) }) { try body(request, path, $0) }
        before += file.size
      }
      return []
    case .archive(let archive, let requests):
      return try read(archive, requests, consumed: consumed, body)
    }
  }

  private func read(
    _ archive: CorpusFile, _ requests: [FileRequest], consumed: @escaping (Int) -> Void,
    _ body: (_ request: FileRequest, _ file: FilePath, _ bytes: any ByteSource) throws -> Void
  ) throws -> [String] {
    var overlooked: [String] = []
    func answers(_ name: String) -> [FileRequest] {
      if requests.isEmpty {
        guard let last = FilePath(name).lastComponent, let split = Self.split(calledAs: FilePath(last.string)) else {
          return []
        }
        return [FileRequest(split: split, name: name)]
      }
      return requests.filter {
        $0.name.hasSameBytes(as: name) || fnmatch($0.name, name, FNM_PATHNAME | FNM_PERIOD) == 0
      }
    }
    var answered: [[UInt8]: Int] = [:]
    func key(_ request: FileRequest) -> [UInt8] {
      Array("\(request.split) \(requests.isEmpty ? "" : request.name)".utf8)
    }
    // A member that answers several requests is met once in each pass.
    var pass = 0
    var passes = 1
    while pass < passes {
      let isWanted = { (name: String) -> Bool in
        if requests.isEmpty, let last = FilePath(name).lastComponent, Self.isOverlooked(FilePath(last.string)) {
          overlooked.append(name)
        }
        return answers(name).count > pass
      }
      try archive.readMembers(isWanted, consumed: consumed) { name, file, bytes in
        let all = answers(name)
        passes = max(passes, all.count)
        answered[key(all[pass]), default: 0] += 1
        try body(all[pass], file, bytes)
      }
      pass += 1
    }
    if requests.isEmpty {
      if let (key, count) = answered.first(where: { $0.value > 1 }) {
        let split = String(decoding: key.dropLast(), as: UTF8.self).shown()
        throw StageFailure("\(archive.path) holds \(count) files for \(split)", remedy: "name one with files")
      }
      guard !answered.isEmpty else {
        throw StageFailure(
          "\(archive.path) holds no train, validation or test file", remedy: "name them with files")
      }
    }
    for request in requests where answered[key(request)] == nil {
      throw StageFailure("\(archive.path) holds no \(request.name.shown()) for \(request.split.rawValue)")
    }
    return answered.keys.contains(key(FileRequest(split: .validation, name: ""))) ? [] : overlooked
  }
}

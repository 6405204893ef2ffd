import ArtifactStore
import CanonicalJSON
import ContentAddressing

/// A file that an import writes to a folder.
struct BundleFile: Sendable, Hashable {
  /// The names from the folder down.
  var path: [String]
  /// Its content.
  var digest: Digest
  /// The number of its bytes.
  var size: Int
  /// Whether it may be run.
  var isProgram: Bool

  /// The path as a text.
  var title: String { path.joined(separator: "/") }
}

/// The files that an import writes to a folder: the code of own stages, the sources that travel and whose place is below
/// the pipeline's, and last the pipeline file.
///
/// No name begins with a dot, none leads out, and all of them can stand side by side.
struct BundleFiles: Sendable {
  private(set) var files: [BundleFile] = []

  static let rule =
    "names that can stand side by side, at most \(mostNames) of them and \(BundleNames.most) bytes, none "
    + "of which begins with a dot"
  private static let mostNames = 32
  private static let most = 100_000

  /// The files of a bundle.
  ///
  /// - Parameters:
  ///   - description: What it says of itself.
  ///   - own: Its own manifest.
  ///   - manifest: The manifests that travel, by their digests.
  /// - Throws: `ManifestError` that names the file.
  init(
    _ description: BundleDescription, own: Manifest, manifest: (Digest) -> Manifest?
  ) throws(ManifestError) {
    for (index, stage) in description.stages.enumerated() {
      for layer in manifest(stage.manifest)?.layers ?? [] {
        let title = layer.title ?? ""
        try add(
          "\(stage.folder)/\(title)", layer, isProgram: stage.programs.contains(title), at: "stages[\(index)].folder")
      }
    }
    for (index, source) in description.sources.enumerated() where source.setting == nil {
      guard let below = Self.below(source.path), let manifest = manifest(source.manifest) else { continue }
      for layer in manifest.layers {
        let path = source.isFolder ? (below.isEmpty ? "" : below + "/") + (layer.title ?? "") : below
        try add(path, layer, isProgram: false, at: "sources[\(index)].path")
      }
    }
    guard let pipeline = own.file(Store.bundlePipeline) else {
      throw ManifestError(member: "layers", expected: "\(Store.bundlePipeline) among them")
    }
    try add(description.file, pipeline, isProgram: false, at: "file")
    try checkPlaces()
  }

  /// The part of a source's path that lies below the pipeline's folder, empty for that folder itself; nil where it lies
  /// outside of it.
  private static func below(_ path: String) -> String? {
    if path == "." { return "" }
    let below = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    return below == ".." || below.hasPrefix("../") ? nil : below
  }

  private mutating func add(
    _ path: String, _ layer: Descriptor, isProgram: Bool, at member: String
  ) throws(ManifestError) {
    let names = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard FileTitle.isValid(path), BundleNames.isText(path), names.count <= Self.mostNames,
      names.allSatisfy({ $0.first != UInt8(ascii: ".") })
    else { throw ManifestError(member: "\(member): \(path.shown())", expected: Self.rule) }
    guard files.count < Self.most else { throw ManifestError(member: member, expected: "at most \(Self.most) files") }
    files.append(
      BundleFile(
        path: names.map { String(decoding: $0, as: UTF8.self) }, digest: layer.digest, size: layer.size,
        isProgram: isProgram))
  }

  /// Makes each file one, and refuses two contents under one name and a file that another one needs as its folder.
  private mutating func checkPlaces() throws(ManifestError) {
    let places = files.map { ClashFreeNames.sortable($0.title) }
    let order = files.indices.sorted { places[$0].lexicographicallyPrecedes(places[$1]) }
    var superfluous: Set<Int> = []
    for (one, other) in zip(order, order.dropFirst()) {
      if places[one] == places[other] {
        guard files[one].digest == files[other].digest else {
          throw ManifestError(member: files[one].title.shown(), expected: "one content, and there are two")
        }
        // The later one in the list stays: the pipeline file is written last.
        superfluous.insert(min(one, other))
        if files[min(one, other)].isProgram { files[max(one, other)].isProgram = true }
      } else if ClashFreeNames.isFolder(places[one], of: places[other]) {
        throw ManifestError(
          member: files[other].title.shown(), expected: "a folder above it, where \(files[one].title.shown()) is a file"
        )
      }
    }
    files = files.indices.filter { !superfluous.contains($0) }.map { files[$0] }
  }
}

/// Paths that can stand side by side: none is a file where another one has a folder.
enum ClashFreeNames {
  /// The bytes of a path in an order in which what lies in a folder follows the folder at once.
  static func sortable(_ path: String) -> [UInt8] { path.utf8.map { $0 == UInt8(ascii: "/") ? 0 : $0 } }

  /// Whether a path is a folder of another, both sortable.
  static func isFolder(_ path: [UInt8], of other: [UInt8]) -> Bool {
    other.count > path.count && other[path.count] == 0 && other.starts(with: path)
  }

  /// The first file that another one needs as its folder.
  static func firstClash(_ paths: [String]) -> String? {
    let sorted = paths.map { sortable($0) }.sorted { $0.lexicographicallyPrecedes($1) }
    for (one, other) in zip(sorted, sorted.dropFirst()) where isFolder(one, of: other) {
      return String(decoding: one.map { $0 == 0 ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
    }
    return nil
  }
}

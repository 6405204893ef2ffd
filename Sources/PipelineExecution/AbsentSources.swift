package import ArtifactStore
package import ContentAddressing
import Glibc
package import PipelineLanguage
package import StageKit
package import SystemPackage

/// What is known, from bundles that were imported, of sources that are not where the pipeline looks for them.
package struct AbsentSources {
  /// A source that is known by its content.
  package struct Known {
    /// The digest of its manifest.
    package var digest: Digest
    /// The list of its files.
    package var manifest: Manifest
    /// Whether it is a folder of files, or one file.
    package var isFolder: Bool
    /// Where else it may lie.
    package var places: [FilePath]

    /// The files that the store lacks, with their digests.
    package func missing(in store: Store) throws -> [Descriptor] {
      try manifest.layers.filter { file throws(StoreError) in try !store.has(file.digest, size: file.size) }
    }
  }

  private let store: Store
  /// The best one last.
  private let records: [RecordedSource]
  private let folder: FilePath
  private let settings: [String]
  private let folders: [FilePath]

  /// What a store knows: bundles of this very pipeline file count before others of its name, later imports before
  /// earlier ones, and those of other pipelines not at all.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - file: The pipeline file, absolute.
  ///   - pipeline: The pipeline's name; nil where it is not known yet, so that every name counts.
  ///   - settings: The arguments of `--set`: a path that one of them names is known only under the same.
  ///   - folders: Folders that may stand for the pipeline's own when a source is looked for.
  /// - Throws: `StoreError` where the system refuses.
  package init(
    in store: Store, file: FilePath, pipeline: String?, settings: [String], searching folders: [FilePath] = []
  ) throws(StoreError) {
    self.folders = folders
    self.store = store
    let bundles = try store.recordedBundles().filter { pipeline == nil || $0.pipeline == pipeline }
    let own = bundles.isEmpty ? nil : try FileSystem.read(file).map { Digest(hashing: $0) }
    records = (bundles.filter { $0.file != own } + bundles.filter { $0.file == own }).flatMap(\.sources)
    folder = file.removingLastComponent().lexicallyNormalized()
    self.settings = settings
  }

  /// Whether an input is known, whichever of its files are read.
  package func isKnown(_ path: FilePath, kind: ArtifactKind, label: String) -> Bool {
    records.contains { matches($0, path, kind, label) }
  }

  /// What is known of an input.
  package func find(
    _ path: FilePath, kind: ArtifactKind, label: String, files: [String]?
  ) throws(StoreError) -> Known? {
    guard let record = records.last(where: { matches($0, path, kind, label) && $0.files == files }) else { return nil }
    return Known(
      digest: record.manifest, manifest: try store.manifest(record.manifest, neededBy: "input \(label)"),
      isFolder: record.isFolder,
      places: record.setting == nil ? folders.map { $0.pushing(FilePath(record.path)).lexicallyNormalized() } : [])
  }

  private func matches(_ record: RecordedSource, _ path: FilePath, _ kind: ArtifactKind, _ label: String) -> Bool {
    guard record.label == label, record.kind == kind.rawValue else { return false }
    if let setting = record.setting { return settings.contains(setting) }
    return record.path == Self.relative(path, to: folder)
  }

  /// A path as seen from a folder, both absolute: `../fixtures/e2e`.
  package static func relative(_ path: FilePath, to folder: FilePath) -> String {
    let (from, to) = (folder.lexicallyNormalized().components, path.lexicallyNormalized().components)
    let shared = zip(from, to).prefix { $0 == $1 }.count
    let parts = Array(repeating: "..", count: from.count - shared) + to.dropFirst(shared).map(\.string)
    return parts.isEmpty ? "." : parts.joined(separator: "/")
  }
}

/// A path that has to be read and where there is nothing, of which it is known what was there.
package struct LackingSource {
  /// Where the path was written.
  package var origin: ValueOrigin
  /// The path.
  package var path: FilePath
  /// The files that are needed.
  package var missing: [Descriptor]
  /// Whether the path is that of a file, not of a folder.
  package var isOneFile: Bool

  /// The first of the files, with their digests.
  package var files: String {
    missing.prefix(3).map { "\($0.title ?? "") (\($0.digest))" }.joined(separator: ", ")
      + (missing.count > 3 ? " and \(missing.count - 3) more" : "")
  }
}

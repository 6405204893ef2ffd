import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import Records
import StageCatalog
import StageKit
import SystemPackage

/// Shows one row of an artifact: the line of the file that holds the kind's rows.
enum ArtifactRow {
  /// Prints a row.
  ///
  /// - Parameters:
  ///   - row: The row, from 0; splits follow one another.
  ///   - artifact: The artifact.
  ///   - store: Where its files are.
  ///   - json: Whether to print it as JSON.
  /// - Throws: `CommandFailure` where there is no such row.
  static func show(_ row: Int, of artifact: ShownArtifact, in store: Store, json: Bool) throws {
    if artifact.kind == .tokens {
      let shown = try explained { try tokens(row, of: artifact, in: store) }
      guard let shown else {
        throw CommandFailure(.invalid, "\(artifact.label ?? artifact.digest.description) has no row \(row)")
      }
      return json ? printDocument(shown.json) : Answer.print(shown.text, terminator: "")
    }
    var rest = row
    _ = try explained { try store.verify(artifact: artifact.digest) }
    for file in artifact.manifest.layers where file.title?.hasSuffix(".jsonl") == true {
      let bytes = try explained { try FileContent.read(store.blobPath(file.digest)) }
      let lines = bytes.split(separator: UInt8(ascii: "\n"))
      guard rest >= lines.count else {
        let value = try explained { try JSONValue(parsing: Array(lines[rest])) }
        return json ? printDocument(value) : Answer.print(value.prettyText, terminator: "")
      }
      rest -= lines.count
    }
    throw CommandFailure(.invalid, "\(artifact.label ?? artifact.digest.description) has no row \(row)")
  }

  /// A row of tokens as pieces, by the tokenizer that left the same action.
  private static func tokens(_ row: Int, of artifact: ShownArtifact, in store: Store) throws -> TokensDisplay? {
    let folder = FilePath(Environment.variable("TMPDIR") ?? "/tmp").appending("apprentice-show-\(getpid())")
    defer { try? FileSystem.removeTree(folder) }
    let tokens = folder.appending("tokens")
    try store.verify(artifact: artifact.digest)
    try store.linkFiles(of: artifact.manifest, into: tokens)
    var tokenizer: FilePath?
    if let manifest = try tokenizerManifest(beside: artifact.digest, in: store) {
      tokenizer = folder.appending("tokenizer")
      try store.linkFiles(of: manifest, into: folder.appending("tokenizer"))
    }
    return try TokensDisplay(row: row, tokens: tokens, tokenizer: tokenizer)
  }

  private static func tokenizerManifest(beside digest: Digest, in store: Store) throws -> Manifest? {
    for pipeline in try store.pipelines().sorted() {
      let records = try store.latestActions(of: pipeline)
      for label in records.keys.sorted() {
        guard let record = records[label], case .hit(let result) = try store.lookup(record.key),
          result.outputs.contains(where: { $0.artifact.digest == digest })
        else { continue }
        let kind = ArtifactKind.tokenizer.rawValue
        if let beside = result.outputs.first(where: { $0.artifact.manifest.kind?.description == kind }) {
          return beside.artifact.manifest
        }
      }
    }
    return nil
  }
}

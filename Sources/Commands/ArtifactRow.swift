import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import Records
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
  static func show(_ row: Int, of artifact: ShownArtifact, in store: Store, json: Bool) throws {
    var rest = row
    for file in artifact.manifest.layers where file.title?.hasSuffix(".jsonl") == true {
      let bytes = try explained { try FileContent.read(store.blobPath(file.digest)) }
      let lines = bytes.split(separator: UInt8(ascii: "\n"))
      guard rest >= lines.count else {
        let value = try explained { try JSONValue(parsing: Array(lines[rest])) }
        return print(json ? value.text : value.prettyText, terminator: json ? "\n" : "")
      }
      rest -= lines.count
    }
    throw CommandFailure(.invalid, "\(artifact.label ?? artifact.digest.description) has no row \(row)")
  }
}

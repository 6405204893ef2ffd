import ContentAddressing
import Foundation
import SystemPackage
import TestSupport
import Testing

/// A pipeline that runs in a moment, with its results, made once for all tests; and a registry's content after a push.
enum SmallBundle {
  private static let text = """
    apprentice: 1
    name: small
    params: { rows: ./rows, limit: 20 }
    stages:
      corpus:
        uses: ingest
        in: { source: "${rows}" }
        with: { files: { train: train.jsonl }, limit: "${limit}" }
      tokens: { uses: tokenize, in: { dataset: corpus.dataset }, with: { vocab_size: 280 } }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 1, width: 256, heads: 2, context: 64 }

    """

  /// Holds `small.yaml`, its rows, and the results in `store`.
  static let folder: ScratchFolder = {
    let folder = ScratchFolder()
    let rows = (0..<30).map { "{\"prompt\":\"count to \($0)\",\"completion\":\"\($0 / 2) and \($0 - $0 / 2)\"}\n" }
    do {
      try TemporaryFolder.write(rows.joined(), to: folder.path.pushing("rows/train.jsonl"))
      try TemporaryFolder.write(text, to: folder.path.appending("small.yaml"))
      let outcome = try Tool.run("run", "small.yaml", "--store", "store", "--no-results", in: folder.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
    } catch { Issue.record(error) }
    return folder
  }()

  static var pipeline: String { folder.path.appending("small.yaml").string }
  static var store: String { folder.path.appending("store").string }

  /// What a registry holds after `push` under `small:v1`.
  static let holdings: FakeRegistry.Holdings = {
    let registry = FakeRegistry(digest: digest)
    do {
      let outcome = try Tool.run("push", pipeline, registry.reference("small:v1"), "--store", store)
      #expect(outcome.status == 0, "\(outcome.errors)")
    } catch { Issue.record(error) }
    return registry.holdings
  }()

  /// A registry with the bundle under `small:v1`.
  static func registry() -> FakeRegistry {
    let registry = FakeRegistry(digest: digest)
    let holdings = holdings
    registry.change { $0 = holdings }
    return registry
  }

  /// The largest blob of the bundle: the model's weights.
  static var largest: (digest: String, bytes: [UInt8]) {
    let blob = holdings.blobs.max { $0.value.count < $1.value.count }!
    return (blob.key, blob.value)
  }

  @Sendable static func digest(_ bytes: [UInt8]) -> String { "\(Digest(hashing: bytes))" }

  /// The blobs of a store by name.
  static func blobs(_ store: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: store.pushing("blobs/sha256").string).sorted()
  }
}

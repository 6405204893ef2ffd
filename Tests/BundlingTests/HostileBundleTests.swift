import Archives
import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Every bundle of `fixtures/hostile/bundles` is refused in words that name what is wrong, and leaves the store alone.
@Suite struct HostileBundleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var status: Int
    var words: [String]
    var testDescription: String { name }
  }

  static let folder = Fixture.path("hostile/bundles")

  static func cases() throws -> [Case] {
    let members = try JSONValue(parsing: Fixture.bytes(folder.appending("expected.json"))).object?.members ?? []
    return members.map { member in
      Case(
        name: member.name, status: member.value["status"]?.integer ?? -1,
        words: member.value["words"]?.array?.compactMap(\.string) ?? [])
    }
  }

  /// All names below a store.
  static func listing(_ store: FilePath) -> [String] {
    let names = FileManager.default.enumerator(atPath: store.string)?.allObjects as? [String] ?? []
    return names.sorted()
  }

  @Test("refused, named, and nothing left behind", arguments: try cases())
  func refusal(of hostile: Case) throws {
    try TemporaryFolder.with { folder in
      let store = try Store.open(folder.appending("store"), creating: true)
      let before = Self.listing(store.path)
      let path = Self.folder.appending(hostile.name)
      if hostile.status == 0 {
        #expect(try store.importBundle(path).complete == 1)
        #expect(try verifyBundle(path).blobs >= 11)
        #expect(try BundleInspection(path: path).description.pipeline == "small")
        return
      }
      let error = #expect(throws: (any Error).self) { try store.importBundle(path) }
      let text = error.map { "\($0)" } ?? ""
      for word in hostile.words { #expect(text.contains(word), "\(text)") }
      #expect(error is BundleError || error is ArchiveError)
      #expect(Self.listing(store.path) == before)
    }
  }

  /// Faults that only who reads to the end meets.
  static let unseen = [
    "duplicate", "unnamed-blob", "absent-blob", "wrong-digest", "wrong-blob", "path", "link", "device", "pipe.",
    "folder.",
    "short-name", "traversal", "cut-off", "bit-flip", "size-too",
  ]

  @Test("verify refuses in the same words, and inspect shows nothing of it", arguments: try cases())
  func sameRules(of hostile: Case) throws {
    guard hostile.status != 0 else { return }
    let path = Self.folder.appending(hostile.name)
    let error = #expect(throws: (any Error).self) { try verifyBundle(path) }
    let text = error.map { "\($0)" } ?? ""
    for word in hostile.words { #expect(text.contains(word), "\(text)") }
    if Self.unseen.contains(where: hostile.name.contains), (try? BundleInspection(path: path)) != nil { return }
    let seen = #expect(throws: (any Error).self) { try BundleInspection(path: path) }
    let shown = seen.map { "\($0)" } ?? ""
    for word in hostile.words { #expect(shown.contains(word), "\(shown)") }
  }

  /// Reads on whatever comes.
  private final class Reader: BundleVisitor {
    func document(_ bytes: [UInt8], digest: Digest) {}
    func manifestsEnd(_ outline: BundleOutline) -> Bool { true }
    func documentsEnd(_ bundle: CheckedBundle) -> Bool { true }
    func blob(_ digest: Digest, size: Int, next: (UnsafeMutableRawBufferPointer) throws -> Int) -> Bool { true }
  }

  @Test("documents that are small enough each are refused where they are too large together")
  func documentsTogether() throws {
    let path = Self.folder.appending("sound-stage.tar.zst")
    var limits = BundleLimits()
    limits.documents = 1 << 20
    #expect(throws: Never.self) { try BundleReader(path: path, limits: limits).read(Reader()) }
    limits.documents = 300
    let error = #expect(throws: BundleError.self) { try BundleReader(path: path, limits: limits).read(Reader()) }
    #expect(error?.description.contains("all documents together") == true, "\(String(describing: error))")
  }

  @Test("the corpus is what its script makes")
  func corpus() throws {
    try TemporaryFolder.with { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["python3", Fixture.path("hostile/make_bundles.py").string, folder.string]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(
        try Fixture.bytes(folder.appending("expected.json"))
          == Fixture.bytes(Self.folder.appending("expected.json")))
      #expect(Self.listing(folder) == Self.listing(Self.folder))
    }
  }

  /// An unpacked bundle that gives, for one manifest, other bytes of the same number.
  private struct Liar: BundleOrigin {
    let folder: FilePath
    let lie: Digest?
    let name = "liar"

    func bytes(_ digest: Digest) throws -> [UInt8] {
      try Fixture.bytes(folder.pushing("blobs/sha256").appending(digest.hexadecimal))
    }

    /// The flat index, to which the one that the layout begins with leads.
    func index(limit: Int) throws -> [UInt8] {
      let first = try ImageIndex(json: JSONValue(parsing: Fixture.bytes(folder.appending("index.json"))))
      return try bytes(#require(first.manifests.first).digest)
    }

    func manifests(_ manifests: [Descriptor]) throws -> [[UInt8]] {
      try manifests.map { manifest in
        let bytes = try bytes(manifest.digest)
        guard manifest.digest == lie else { return bytes }
        // Another digit: it reads as well as before.
        let place = try #require(bytes.lastIndex { (0x30...0x38).contains($0) })
        return bytes[..<place] + [bytes[place] + 1] + bytes[(place + 1)...]
      }
    }

    func fetch(_ blobs: [Descriptor], into intake: Intake) throws {
      for blob in blobs { try intake.add(bytes(blob.digest)) }
    }
  }

  @Test("a manifest that has not the digest by which it was asked for is refused, however well it reads")
  func otherManifest() throws {
    try TemporaryFolder.with { folder in
      try Shell.run("mkdir x; tar -xf '\(Self.folder.appending("sound-stage.tar.zst"))' -C x", in: folder)
      let store = try Store.open(folder.appending("store"), creating: true)
      let before = Self.listing(store.path)
      let sound = Liar(folder: folder.appending("x"), lie: nil)
      let index = try ImageIndex(json: JSONValue(parsing: sound.index(limit: .max)))
      for manifest in index.manifests {
        let error = #expect(throws: BundleError.self) {
          try store.importBundle(from: Liar(folder: folder.appending("x"), lie: manifest.digest))
        }
        let text = error?.description ?? ""
        #expect(text.contains("manifest \(manifest.digest): it has"), "\(text)")
        #expect(Self.listing(store.path) == before)
      }
      #expect(try store.importBundle(from: sound).complete == 1)
    }
  }
}

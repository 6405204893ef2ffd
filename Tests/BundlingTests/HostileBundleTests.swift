import Archives
import ArtifactStore
import Bundling
import CanonicalJSON
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
}

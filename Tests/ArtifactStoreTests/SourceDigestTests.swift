import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Digests of sources")
struct SourceDigestTests {
  /// A file with times old enough to be trusted.
  ///
  /// Only the time of content can be set, so the test waits for the other.
  func settledFile(_ lab: Laboratory, _ text: String) async throws -> FilePath {
    let path = lab.folder.appending("data.csv")
    try Laboratory.write(text, to: path)
    try await Task.sleep(for: .milliseconds(2100))
    return path
  }

  /// Whether the store's cache has an entry for a content.
  func remembers(_ lab: Laboratory, _ text: String) -> Bool {
    let file = Laboratory.read(lab.store.path.appending("work/source-digests")) ?? ""
    return file.contains(Digest(hashing: Array(text.utf8)).hexadecimal)
  }

  @Test("A file that has settled is hashed once; a change of content is seen, one of length or not")
  func cached() async throws {
    let lab = try Laboratory()
    let path = try await settledFile(lab, "some rows")
    let digests = lab.store.sourceDigests()
    #expect(try digests.content(of: path).digest == Digest(hashing: Array("some rows".utf8)))
    digests.save()
    #expect(remembers(lab, "some rows"))
    #expect(try lab.store.sourceDigests().content(of: path).digest == Digest(hashing: Array("some rows".utf8)))
    // Same length, and the time of content put back: the time of change tells.
    let date = try FileManager.default.attributesOfItem(atPath: path.string)[.modificationDate]
    try Laboratory.write("SOME rows", to: path)
    try FileManager.default.setAttributes([.modificationDate: date ?? Date()], ofItemAtPath: path.string)
    #expect(try lab.store.sourceDigests().content(of: path).digest == Digest(hashing: Array("SOME rows".utf8)))
  }

  @Test("A cached digest is believed without reading, unless everything is to be rehashed")
  func believed() async throws {
    let lab = try Laboratory()
    let path = try await settledFile(lab, "some rows")
    let digests = lab.store.sourceDigests()
    _ = try digests.content(of: path)
    digests.save()
    // A lie with a valid checksum shows whether the cache or the file was asked.
    let cache = lab.store.path.appending("work/source-digests")
    let lie = Digest(hashing: [1])
    let fields = (Laboratory.read(cache) ?? "").split(separator: " ").map(String.init)
    let line = (fields[0..<5] + [lie.hexadecimal]).joined(separator: " ")
    let sum = line.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    try Laboratory.write("\(line) \(String(sum, radix: 16))\n", to: cache)
    #expect(try lab.store.sourceDigests().content(of: path).digest == lie)
    #expect(
      try lab.store.sourceDigests(rehashing: true).content(of: path).digest == Digest(hashing: Array("some rows".utf8)))
  }

  @Test("A file younger than two seconds is not remembered")
  func young() throws {
    let lab = try Laboratory()
    let path = lab.folder.appending("data.csv")
    try Laboratory.write("young", to: path)
    let digests = lab.store.sourceDigests()
    _ = try digests.content(of: path)
    digests.save()
    #expect(!remembers(lab, "young"))
  }

  @Test("Damaged lines of the cache are passed over, and new ones are written after them")
  func damagedCache() async throws {
    let lab = try Laboratory()
    let path = try await settledFile(lab, "some rows")
    let cache = lab.store.path.appending("work/source-digests")
    try Laboratory.write("garbage\n\n1 2 3 4 5 6 7\n12 34 torn", to: cache)
    let digests = lab.store.sourceDigests()
    #expect(try digests.content(of: path).digest == Digest(hashing: Array("some rows".utf8)))
    digests.save()
    let good = try #require((Laboratory.read(cache) ?? "").split(separator: "\n").last)
    // One digit of the digest changed: the checksum no longer fits, and the file is asked.
    var fields = good.split(separator: " ").map(String.init)
    fields[5] = Digest(hashing: [1]).hexadecimal
    try Laboratory.write(fields.joined(separator: " ") + "\n", to: cache)
    #expect(try lab.store.sourceDigests().content(of: path).digest == Digest(hashing: Array("some rows".utf8)))
  }

  @Test("Sources that are absent, or no files, are errors that name the path")
  func absent() throws {
    let lab = try Laboratory()
    for path in [lab.folder.appending("absent"), lab.folder] {
      let error = #expect(throws: StoreError.self) { try lab.store.sourceDigests().content(of: path) }
      #expect(error?.description.contains(path.string) == true)
    }
  }

  @Test("A set of named files has the digest that it would have as an artifact, and only named files are read")
  func manifests() throws {
    let lab = try Laboratory()
    let folder = lab.folder.appending("model")
    try Laboratory.write("{}", to: folder.appending("config.json"))
    try Laboratory.write("weights", to: folder.appending("model.safetensors"))
    let kind = try #require(KindName("model"))
    let files = ["model.safetensors", "config.json"].map {
      SourceDigests.File(title: $0, path: folder.appending($0))
    }
    let manifest = try lab.store.sourceDigests().manifest(kind: kind, files: files)
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(1).key)
    let artifact = try lab.store.beginPublication(in: work).add(folder: folder, kind: kind, source: .copying)
    #expect(manifest == artifact.manifest)
    try Laboratory.write("not named", to: folder.appending("notes.txt"))
    #expect(try lab.store.sourceDigests().manifest(kind: kind, files: files) == manifest)
    let kept = try lab.store.keep(sourceManifest: manifest)
    #expect(kept == artifact.digest)
    #expect(throws: StoreError.self) {
      try lab.store.sourceDigests().manifest(kind: kind, files: [.init(title: "../x", path: files[0].path)])
    }
  }
}

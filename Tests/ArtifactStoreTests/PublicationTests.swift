import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Publishing")
struct PublicationTests {
  /// A work folder with files in the output `data`.
  func folder(_ lab: Laboratory, _ files: [String: String]) throws -> (work: WorkFolder, output: FilePath) {
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(0).key)
    for (title, text) in files { try Laboratory.write(text, to: work.output("data").pushing(FilePath(title))) }
    return (work, work.output("data"))
  }

  @Test("Files are moved, not copied: a blob is the file that the stage wrote, read-only")
  func moves() throws {
    let lab = try Laboratory()
    let (work, output) = try folder(lab, ["train.jsonl": "train", "nested/deep/test.jsonl": "test"])
    let inode = try Laboratory.inode(output.appending("train.jsonl"))
    let artifact = try lab.store.beginPublication(in: work).add(folder: output, kind: Laboratory.kind)
    let blob = lab.store.blobPath(Digest(hashing: Array("train".utf8)))
    #expect(try Laboratory.inode(blob) == inode)
    #expect(try Laboratory.mode(blob) == 0o444)
    #expect(artifact.manifest.layers.map(\.title) == ["nested/deep/test.jsonl", "train.jsonl"])
    #expect(artifact.manifest.layers.map(\.size) == [4, 5])
    #expect(!Laboratory.exists(output.appending("train.jsonl")))
    #expect(
      Laboratory.read(lab.store.blobPath(artifact.digest))
        == String(decoding: artifact.manifest.canonical, as: UTF8.self))
  }

  @Test("Equal files give equal digests, in whatever store and order they were written")
  func reproducible() throws {
    let files = ["b": "1", "a": "2", "c/d": "3"]
    let digests = try (0..<2).map { _ in
      let lab = try Laboratory()
      let (work, output) = try folder(lab, files)
      return try lab.store.beginPublication(in: work).add(folder: output, kind: Laboratory.kind).digest
    }
    #expect(digests[0] == digests[1])
  }

  @Test("Files copied into a store stay where they were")
  func copies() throws {
    let lab = try Laboratory()
    let source = lab.folder.appending("user")
    try Laboratory.write("mine", to: source.appending("a.txt"))
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(0).key)
    let artifact = try lab.store.beginPublication(in: work).add(
      folder: source, kind: Laboratory.kind, source: .copying)
    #expect(Laboratory.read(source.appending("a.txt")) == "mine")
    #expect(try Laboratory.mode(source.appending("a.txt")) & 0o200 != 0)
    let blob = lab.store.blobPath(try #require(artifact.manifest.layers.first).digest)
    #expect(Laboratory.read(blob) == "mine")
    #expect(try Laboratory.inode(blob) != Laboratory.inode(source.appending("a.txt")))
  }

  @Test("A file with a second name elsewhere is copied, so that a later edit there cannot change the blob")
  func hardLinks() throws {
    let lab = try Laboratory()
    let (work, output) = try folder(lab, ["a": "shared"])
    let other = lab.folder.appending("other-name")
    try FileManager.default.linkItem(atPath: output.appending("a").string, toPath: other.string)
    let artifact = try lab.store.beginPublication(in: work).add(folder: output, kind: Laboratory.kind)
    try Laboratory.write("edited", to: other)
    #expect(throws: Never.self) { try lab.store.verify(artifact: artifact.digest) }
    #expect(Laboratory.read(lab.store.blobPath(artifact.manifest.layers[0].digest)) == "shared")
  }

  @Test("Links, pipes and empty outputs are refused with their path")
  func refused() throws {
    let lab = try Laboratory()
    let (work, output) = try folder(lab, ["a": "1"])
    let link = output.appending("link")
    try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: "a")
    #expect(throws: StoreError.refusedEntry(link, what: "a symbolic link")) {
      try lab.store.beginPublication(in: work).add(folder: output, kind: Laboratory.kind)
    }
    try FileManager.default.removeItem(atPath: link.string)
    let pipe = output.appending("pipe")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    #expect(throws: StoreError.refusedEntry(pipe, what: "a device, socket or pipe")) {
      try lab.store.beginPublication(in: work).add(folder: output, kind: Laboratory.kind)
    }
    let empty = work.output("empty")
    try FileManager.default.createDirectory(
      atPath: empty.appending("sub").string, withIntermediateDirectories: true)
    #expect(throws: StoreError.emptyArtifact(empty)) {
      try lab.store.beginPublication(in: work).add(folder: empty, kind: Laboratory.kind)
    }
    #expect(Laboratory.read(output.appending("a")) == "1")
  }

  @Test("Publishing the same again changes nothing and leaves the blobs alone")
  func idempotent() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1)
    let blob = lab.store.blobPath(first.result.outputs[0].artifact.manifest.layers[0].digest)
    let inode = try Laboratory.inode(blob)
    let names = Laboratory.names(lab.store.path.appending("blobs/sha256"))
    let second = try Laboratory.publish(Laboratory.document(1), ["train.jsonl": "{}\n"], in: lab.reopened())
    #expect(second == first)
    #expect(try Laboratory.inode(blob) == inode)
    #expect(Laboratory.names(lab.store.path.appending("blobs/sha256")) == names)
    #expect(Laboratory.names(lab.store.path.appending("work")).isEmpty)
  }

  @Test("A damaged blob does not stand in for the good bytes that are published again")
  func heals() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1)
    let layer = first.result.outputs[0].artifact.manifest.layers[0]
    try Laboratory.flipBit(lab.store.blobPath(layer.digest))
    try Laboratory.publish(Laboratory.document(1), ["train.jsonl": "{}\n"], in: lab.reopened())
    #expect(Laboratory.read(lab.store.blobPath(layer.digest)) == "{}\n")
    #expect(Laboratory.names(lab.store.path.appending("quarantine")).count == 1)
  }

  @Test("A result is a manifest over key document, environment and outputs, and its entry is one line")
  func result() throws {
    let lab = try Laboratory()
    let recording = try lab.publish(1)
    let key = Laboratory.document(1).key
    let entry = Laboratory.read(lab.store.path.appending("actions").appending(key.digest.hexadecimal))
    #expect(entry == "\(recording.result.digest)\n")
    let manifest = try lab.reopened().manifest(recording.result.digest, neededBy: "the test")
    #expect(manifest.artifactType == "application/vnd.apprentice.result.v1+json")
    #expect(manifest.layers.map(\.title) == ["environment.json", "key.json", "outputs.json"])
    #expect(manifest.file("key.json")?.digest == key.digest)
    #expect(try lab.store.keyDocument(key) == Laboratory.document(1))
    #expect(try lab.store.environment(of: recording.result.digest) == Laboratory.environment)
  }

  @Test("Durable publishing syncs few and many files alike and ends in a hit")
  func durable() throws {
    var options = Laboratory.options
    options.durability = .full
    let lab = try Laboratory(options: options)
    try lab.publish(1)
    try lab.publish(2, Dictionary(uniqueKeysWithValues: (0..<50).map { ("f\($0)", "\($0)") }))
    for number in 1...2 {
      guard case .hit = try lab.reopened().lookup(Laboratory.document(number).key) else {
        Issue.record("action \(number) is a miss")
        continue
      }
    }
  }

  @Test("An output folder that is a link is refused, and what it leads to stays where it is")
  func linkedOutput() throws {
    let lab = try Laboratory()
    let far = lab.folder.appending("far")
    try Laboratory.write("mine", to: far.appending("train.jsonl"))
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(0).key)
    try FileManager.default.createSymbolicLink(atPath: work.output("data").string, withDestinationPath: far.string)
    let publication = try lab.store.beginPublication(in: work)
    #expect(throws: StoreError.refusedEntry(work.output("data"), what: "a symbolic link")) {
      try publication.add(folder: work.output("data"), kind: Laboratory.kind)
    }
    #expect(Laboratory.read(far.appending("train.jsonl")) == "mine")
  }
}

import ContentAddressing
import Foundation
import SystemPackage
import Testing

import ArtifactStore

@Suite("Index of results")
struct ResultIndexTests {
  private static let documents = (1...4).map { Laboratory.document($0) }

  /// A store with four results.
  private func laboratory() throws -> Laboratory {
    let lab = try Laboratory()
    for number in 1...4 { try lab.publish(number, ["train.jsonl": "{\"n\":\(number)}\n", "b/c.txt": "c"]) }
    return lab
  }

  /// What an index finds as another process reads it; it is kept where that is wanted.
  private func ask(
    _ lab: Laboratory, _ documents: [KeyDocument] = documents, settling: Int64 = 0, keeping: Bool = false
  ) throws -> [ResultIndex.Answer] {
    let index = try lab.reopened().resultIndex(of: "p", settling: settling)
    let answers = index.lookup(documents)
    if keeping { index.save() }
    return answers
  }

  private func result(_ answer: ResultIndex.Answer) throws -> ActionResult? {
    if case .hit(let result) = try answer.lookup.get() { result } else { nil }
  }

  private func results(_ answers: [ResultIndex.Answer]) throws -> [ActionResult?] {
    try answers.map { try result($0) }
  }

  private func blob(_ lab: Laboratory, _ digest: Digest) -> FilePath { lab.store.blobPath(digest) }

  @Test("What was found once is known again, the same to the last layer, without a document being read")
  func recalled() throws {
    let lab = try laboratory()
    let first = try ask(lab, keeping: true)
    #expect(first.map(\.isRecalled) == [false, false, false, false])
    let second = try ask(lab)
    #expect(second.map(\.isRecalled) == [true, true, true, true])
    #expect(first.map(\.key) == second.map(\.key))
    let (one, other) = (try results(first), try results(second))
    #expect(one == other)
    let none = try results(ask(lab, [Laboratory.document(9)]))
    #expect(none == [nil])
  }

  @Test("A document that is younger than the times of files can tell is read each time")
  func young() throws {
    let lab = try laboratory()
    _ = try ask(lab, settling: 3_600_000_000_000, keeping: true)
    #expect(try ask(lab).map(\.isRecalled) == [false, false, false, false])
  }

  @Test(
    "A bit that was flipped in a document is found: it is read as soon as its times are others",
    arguments: ["result", "list of outputs", "output"])
  func damagedDocument(which: String) throws {
    let lab = try laboratory()
    let first = try #require(try results(ask(lab, keeping: true))[0])
    let digest =
      switch which {
      case "result": first.digest
      case "list of outputs": try #require(first.manifest.file("outputs.json")).digest
      default: first.outputs[0].artifact.digest
      }
    try Laboratory.flipBit(blob(lab, digest))
    let answers = try ask(lab)
    #expect(!answers[0].isRecalled)
    #expect(try result(answers[0]) == nil)
    #expect(answers[1].isRecalled)
  }

  @Test("An entry that leads to another result is followed")
  func otherEntry() throws {
    let lab = try laboratory()
    _ = try ask(lab, keeping: true)
    let again = try lab.publish(1, ["train.jsonl": "other\n"]).result
    let answer = try ask(lab)[0]
    #expect(!answer.isRecalled)
    #expect(try result(answer) == again)
  }

  @Test("A file of an output that is gone or shorter is a miss, as without an index", arguments: [true, false])
  func lostFile(isGone: Bool) throws {
    let lab = try laboratory()
    let first = try #require(try results(ask(lab, keeping: true))[2])
    let file = try #require(first.outputs[0].artifact.manifest.file("train.jsonl"))
    try FileManager.default.removeItem(atPath: blob(lab, file.digest).string)
    if !isGone { try Laboratory.write("{", to: blob(lab, file.digest)) }
    guard case .miss(.outputGone(port: "data", file: "train.jsonl")) = try ask(lab)[2].lookup.get() else {
      Issue.record("a result without its file is taken for one")
      return
    }
  }

  @Test("An index with a flipped bit, cut short or of another version is none", arguments: [0, 30, 60, 200, -1])
  func damagedIndex(place: Int) throws {
    let lab = try laboratory()
    _ = try ask(lab, keeping: true)
    let file = lab.store.path.pushing("runs/latest/p.index")
    var bytes = [UInt8](try #require(FileManager.default.contents(atPath: file.string)))
    if place < 0 { bytes.removeLast() } else { bytes[place] ^= 1 }
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    let answers = try ask(lab, keeping: true)
    #expect(answers.map(\.isRecalled) == [false, false, false, false])
    let found = try results(answers)
    #expect(!found.contains(nil))
    #expect(try ask(lab).map(\.isRecalled) == [true, true, true, true], "it is made again")
  }

  @Test("Results that nobody asks for any more leave the index when they are more than those asked for")
  func forgotten() throws {
    let lab = try laboratory()
    _ = try ask(lab, Array(Self.documents[..<3]), keeping: true)
    _ = try ask(lab, Array(Self.documents[3...]), keeping: true)
    #expect(try ask(lab).map(\.isRecalled) == [false, false, false, true])
    _ = try ask(lab, Array(Self.documents[..<2]), keeping: true)
    #expect(try ask(lab).map(\.isRecalled) == [true, true, false, true])
  }

  @Test("What manifests of others say more than ours is not forgotten by the index")
  func remarks() throws {
    let (far, lab) = (try Laboratory(), try Laboratory())
    let result = try far.publish(1).result
    let intake = try lab.store.beginIntake()
    var artifact = result.outputs[0].artifact.manifest
    artifact.annotations = ["note": "by hand"]
    try intake.add(artifact.canonical)
    for layer in artifact.layers + result.manifest.layers {
      try intake.add(far.store.document(layer.digest, neededBy: "the test"))
    }
    let list = try #require(result.manifest.file("outputs.json")).digest
    let text = String(decoding: try far.store.document(list, neededBy: "the test"), as: UTF8.self)
    let outputs = Array(
      text.replacing(
        result.outputs[0].artifact.digest.description, with: Digest(hashing: artifact.canonical).description
      ).utf8)
    try intake.add(outputs)
    var manifest = result.manifest
    for place in manifest.layers.indices where manifest.layers[place].title == "outputs.json" {
      manifest.layers[place].digest = Digest(hashing: outputs)
      manifest.layers[place].size = outputs.count
    }
    try intake.add(manifest.canonical)
    _ = try intake.publish(Digest(hashing: manifest.canonical), of: result.key, from: nil)
    for _ in 0..<2 {
      let found = try #require(try self.result(ask(lab, [Laboratory.document(1)], keeping: true)[0]))
      #expect(found.outputs[0].artifact.manifest.annotations == ["note": "by hand"])
    }
  }

  @Test("A store whose folders are links to a larger disk has an index, too")
  func linked() throws {
    let lab = try laboratory()
    for name in ["blobs/sha256", "actions"] {
      let (place, other) = (lab.store.path.pushing(FilePath(name)), lab.folder.appending(FilePath(name).lastComponent!))
      try FileManager.default.moveItem(atPath: place.string, toPath: other.string)
      try FileManager.default.createSymbolicLink(atPath: place.string, withDestinationPath: other.string)
    }
    _ = try ask(lab, keeping: true)
    #expect(try ask(lab).map(\.isRecalled) == [true, true, true, true])
  }
}

import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Lookup")
struct LookupTests {
  let key = Laboratory.document(1).key

  func missReason(_ lab: Laboratory) throws -> MissReason? {
    switch try lab.reopened().lookup(key) {
    case .hit: nil
    case .miss(let reason): reason
    }
  }

  @Test("What was published is a hit for every process; what was not is a miss")
  func hitAndMiss() throws {
    let lab = try Laboratory()
    #expect(try missReason(lab) == .neverRun)
    let recording = try lab.publish(1, ["a": "1", "b/c": "2"])
    guard case .hit(let result) = try lab.reopened().lookup(key) else {
      Issue.record("a miss")
      return
    }
    #expect(result == recording.result)
    #expect(result.output("data")?.manifest.layers.map(\.title) == ["a", "b/c"])
    #expect(result.output("other") == nil)
  }

  @Test("A hit whose bytes are gone or cut is a miss that names port and file")
  func goneBytes() throws {
    for damage in ["gone", "cut"] {
      let lab = try Laboratory()
      let recording = try lab.publish(1, ["a": "1", "b": "22"])
      let layer = try #require(recording.result.outputs[0].artifact.manifest.file("b"))
      let blob = lab.store.blobPath(layer.digest).string
      try FileManager.default.removeItem(atPath: blob)
      if damage == "cut" { try Data("2".utf8).write(to: URL(fileURLWithPath: blob)) }
      #expect(try missReason(lab) == .outputGone(port: "data", file: "b"))
      // Done again, it is whole.
      try Laboratory.publish(Laboratory.document(1), ["a": "1", "b": "22"], in: lab.reopened())
      #expect(try missReason(lab) == nil)
    }
  }

  @Test("Any document of a result that is gone or damaged makes a miss, never an error, and can be made again")
  func damagedDocuments() throws {
    let files = ["a": "1"]
    for flipping in [false, true] {
      let names = try {
        let lab = try Laboratory()
        let result = try lab.publish(1, files).result
        return [result.digest, result.outputs[0].artifact.digest, result.manifest.file("outputs.json")!.digest]
      }()
      for digest in names {
        let lab = try Laboratory()
        try lab.publish(1, files)
        if flipping {
          try Laboratory.flipBit(lab.store.blobPath(digest))
        } else {
          try FileManager.default.removeItem(atPath: lab.store.blobPath(digest).string)
        }
        #expect(try missReason(lab) != nil)
        try Laboratory.publish(Laboratory.document(1), files, in: lab.reopened())
        #expect(try missReason(lab) == nil)
      }
    }
  }

  @Test("An entry that is no digest, or leads to another action's result, is a miss")
  func strangeEntries() throws {
    let lab = try Laboratory()
    let other = try lab.publish(2)
    let entry = lab.store.path.appending("actions").appending(key.digest.hexadecimal)
    for text in ["garbage\n", ""] {
      try Laboratory.write(text, to: entry)
      #expect(try missReason(lab) == .unusableRecord("its entry is not one line with a digest"))
    }
    try Laboratory.write("\(other.result.digest)\n", to: entry)
    #expect(try missReason(lab) != nil)
    try Laboratory.write("\(other.result.outputs[0].artifact.digest)\n", to: entry)
    #expect(try missReason(lab) != nil)
  }

  @Test("Other outputs under the same key are told with both environments, and both results are kept")
  func divergence() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1, ["a": "1"])
    #expect(first.divergence == nil)
    let second = try lab.publish(1, ["a": "2"], environment: ["cpu": "another"])
    let divergence = try #require(second.divergence)
    #expect(divergence.previous == first.result.digest)
    #expect(divergence.current == second.result.digest)
    #expect(divergence.ports == ["data"])
    #expect(divergence.previousEnvironment == Laboratory.environment)
    #expect(divergence.currentEnvironment == ["cpu": "another"])
    #expect(!divergence.hasEqualEnvironments)
    #expect(try lab.publish(1, ["a": "3"], environment: ["cpu": "another"]).divergence?.hasEqualEnvironments == true)
    // All three survive a collection without grace.
    var policy = CollectionPolicy()
    policy.grace = -60
    try lab.store.collect(lab.store.planCollection(policy))
    for recording in [first, second] {
      #expect(throws: Never.self) {
        try lab.reopened().verify(artifact: recording.result.outputs[0].artifact.digest)
      }
    }
  }

  @Test("The same outputs from another environment leave the recorded result as it is")
  func sameOutputs() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1)
    let second = try lab.publish(1, environment: ["cpu": "another"])
    #expect(second.divergence == nil)
    #expect(second.result == first.result)
  }
}

import Commands
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct NumericDistanceTests {
  /// The distance of two files of one name.
  private func between(_ before: [UInt8], _ now: [UInt8], _ title: String) throws -> Double? {
    try TemporaryFolder.with { folder in
      for (name, bytes) in [("before", before), ("now", now)] {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.appending(name).string))
      }
      return NumericDistance.between(folder.appending("before"), folder.appending("now"), title: title)
    }
  }

  private func between(_ before: String, _ now: String, _ title: String = "x.json") throws -> Double? {
    try between(Array(before.utf8), Array(now.utf8), title)
  }

  @Test("documents are as far apart as the two numbers that are furthest, relative to 1 + the recorded one")
  func documents() throws {
    #expect(try between(#"{"a":[1.5,{"b":2.5}],"c":"x"}"#, #"{"a":[1.5,{"b":2.5}],"c":"x"}"#) == 0)
    #expect(try between(#"{"a":[1.5,{"b":3.0}],"c":0.5}"#, #"{"a":[1.5,{"b":3.5}],"c":0.75}"#) == 0.25 / 1.5)
    #expect(try between("[1.5]\n[-0.5]\n", "[1.5]\n[-1.25]\n", "x.jsonl") == 0.75 / 1.5)
  }

  @Test(
    "what rounding doesn't change is no distance",
    arguments: [
      ("[1.5]", "[1.5,1.5]"), ("[1.5,1.5]", "[1.5]"), (#"{"a":1.5}"#, #"{"b":1.5}"#),
      (#"{"a":1.5}"#, #"{"a":1.5,"b":1}"#),
      (#"{"a":1.5}"#, #"{"a":"1.5"}"#), ("[1.5]", "[null]"), ("[true]", "[false]"), (#"["x"]"#, #"["y"]"#),
      ("[50000]", "[50001]"), ("[0]", "[1]"), ("[1.5]", "1.5"), ("[1.5]", "[1.5"),
    ])
  func otherDocuments(before: String, now: String) throws {
    #expect(try between(before, now) == nil)
    #expect(try between(before + "\n", now + "\n", "x.jsonl") == nil)
  }

  @Test("lines are compared one by one, and none may be missing")
  func lines() throws {
    #expect(try between("[1.5]\n", "[1.5]\n[1.5]\n", "x.jsonl") == nil)
    #expect(try between("[1.5]\n[1.5]\n", "[1.5]\n", "x.jsonl") == nil)
    #expect(try between("a", "b", "notes.txt") == nil)
  }

  /// A safetensors file with one tensor.
  private func tensor(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
    let header = #"{"\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[0,\#(bytes.count)]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(padded.utf8.count).littleEndian, Array.init) + Array(padded.utf8) + bytes
  }

  private func floats(_ values: [Float]) -> [UInt8] { values.flatMap { withUnsafeBytes(of: $0, Array.init) } }
  private func integers(_ values: [Int32]) -> [UInt8] { values.flatMap { withUnsafeBytes(of: $0, Array.init) } }

  @Test("tensors of fractions may be near, those of integers, of other names, types or shapes are not")
  func tensors() throws {
    let file = "model.safetensors"
    let recorded = tensor("w", "F32", [2, 1], floats([1, -3]))
    #expect(try between(recorded, recorded, file) == 0)
    #expect(try between(recorded, tensor("w", "F32", [2, 1], floats([1, -2])), file) == 0.25)
    #expect(try between(recorded, tensor("w", "F32", [1, 2], floats([1, -3])), file) == nil)
    #expect(try between(recorded, tensor("v", "F32", [2, 1], floats([1, -3])), file) == nil)
    #expect(try between(recorded, tensor("w", "I32", [2, 1], floats([1, -3])), file) == nil)
    #expect(try between(recorded, tensor("w", "F32", [2, 1], floats([1, .nan])), file) == nil)
    #expect(try between(recorded, Array(recorded.dropLast()), file) == nil)
    let ids = tensor("ids", "I32", [2], integers([7, 100_000]))
    #expect(try between(ids, ids, file) == 0)
    #expect(try between(ids, tensor("ids", "I32", [2], integers([7, 100_001])), file) == nil)
  }
}

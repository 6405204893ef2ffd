import CanonicalJSON
import Glibc
import SafetensorsFormat
import SystemPackage
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  /// A file with the given header and number of data bytes.
  private func file(_ header: String, data: Int, in folder: FilePath, length: UInt64? = nil) throws -> FilePath {
    let path = folder.appending("x.safetensors")
    var bytes = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) }
    bytes += Array(header.utf8) + [UInt8](repeating: 0, count: data)
    let descriptor = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    _ = try descriptor.closeAfter { try descriptor.writeAll(bytes) }
    return path
  }

  @Test("what is written is read back, and equal tensors give equal bytes")
  func roundTrip() throws {
    try TemporaryFolder.with { folder in
      let floats: [Float] = [1, -0.0, .pi, Float(bitPattern: 71362), 3.4e38, .leastNonzeroMagnitude]
      func write(_ name: String) throws -> FilePath {
        let path = folder.appending(name)
        try floats.withUnsafeBufferPointer {
          var writer = SafetensorsWriter(metadata: ["format": "pt"])
          writer.add("ids", [3, 1, 2] as [Int32])
          writer.add("weights", shape: [2, 3], memory: $0)
          writer.add("offsets", [0, 1 << 40] as [Int64])
          try writer.write(to: path)
        }
        return path
      }
      let path = try write("a")
      #expect(try Fixture.bytes(path) == Fixture.bytes(try write("b")))
      let file = try SafetensorsFile(path)
      #expect(file.metadata?["format"] == "pt")
      #expect(try file.int32s("ids") == [3, 1, 2])
      #expect(try file.int64s("offsets") == [0, 1 << 40])
      let entry = try #require(file.entry("weights"))
      #expect(entry.shape == [2, 3])
      var read = [Float](repeating: 0, count: 6)
      try read.withUnsafeMutableBufferPointer { try file.copyFloats(of: entry, to: $0) }
      #expect(read.map(\.bitPattern) == floats.map(\.bitPattern))
    }
  }

  @Test("half precision and bfloat16 widen exactly")
  func halves() throws {
    try TemporaryFolder.with { folder in
      // 1.5 and −2⁻²⁴ in half precision, 1.5 and infinity in bfloat16.
      let header =
        #"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}"#
      let path = try file(header, data: 0, in: folder)
      let descriptor = try FileDescriptor.open(path, .writeOnly, options: .append)
      _ = try descriptor.closeAfter {
        try descriptor.writeAll([0x00, 0x3E, 0x01, 0x80, 0xC0, 0x3F, 0x80, 0x7F] as [UInt8])
      }
      let tensors = try SafetensorsFile(path)
      var read = [Float](repeating: 0, count: 2)
      try read.withUnsafeMutableBufferPointer { try tensors.copyFloats(of: tensors.entry("h")!, to: $0) }
      #expect(read == [1.5, -0x1p-24])
      try read.withUnsafeMutableBufferPointer { try tensors.copyFloats(of: tensors.entry("b")!, to: $0) }
      #expect(read == [1.5, .infinity])
    }
  }

  @Test(
    "a header that lies, or a file that is cut off, is refused with the tensor's name",
    arguments: [
      (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "cut off"),
      (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "1 bytes belong to no tensor"),
      (#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "tensor w takes 8 bytes"),
      (#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "tensor w has shape [-2]"),
      (
        #"{"w":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,8]}}"#, 8,
        "which no file can hold"
      ),
      (#"{"w":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}"#, 8, "tensor w has dtype"),
      (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "tensor w has data_offsets"),
      (
        #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
        12, "tensor w begins at 4"
      ),
      (#"{"w":"#, 8, "no JSON"),
      ("[]", 8, "not an object"),
    ])
  func lies(header: String, data: Int, expected: String) throws {
    try TemporaryFolder.with { folder in
      let path = try file(header, data: data, in: folder)
      do {
        _ = try SafetensorsFile(path)
        Issue.record("the file was accepted")
      } catch {
        #expect("\(error)".contains(expected), "\(error)")
        #expect("\(error)".hasPrefix(path.string))
      }
    }
  }

  @Test("a header longer than the file is refused", arguments: [1 << 20, UInt64.max])
  func longHeader(length: UInt64) throws {
    try TemporaryFolder.with { folder in
      let path = try file("{}", data: 0, in: folder, length: length)
      #expect(throws: SafetensorsError.self) { try SafetensorsFile(path) }
    }
  }

  @Test("a missing tensor, another type or another rank is refused")
  func demands() throws {
    try TemporaryFolder.with { folder in
      let header = #"{"w":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#
      let tensors = try SafetensorsFile(try file(header, data: 8, in: folder))
      #expect(throws: SafetensorsError.self) { try tensors.int64s("v") }
      #expect(throws: SafetensorsError.self) { try tensors.int32s("w") }
      #expect(throws: SafetensorsError.self) { try tensors.require("w", types: [.int64], rank: 2) }
      #expect(try tensors.int64s("w") == [0])
    }
  }

  @Test("bytes that are not those that were written are refused before the header is read")
  func changed() throws {
    try TemporaryFolder.with { folder in
      let path = try file("{}", data: 0, in: folder)
      var seen: [UInt8] = []
      _ = try SafetensorsFile(path) {
        seen = Array($0)
        return true
      }
      #expect(try seen == Fixture.bytes(path))
      let nonsense = try file("{]", data: 0, in: folder)
      let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(nonsense) { _ in false } }
      #expect(error?.reason == .changed)
    }
  }

  @Test("a named pipe is refused, not waited for")
  func pipe() throws {
    try TemporaryFolder.with { folder in
      let path = folder.appending("x.safetensors")
      mkfifo(path.string, 0o600)
      let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path) }
      #expect(error?.description.contains("named pipe") == true)
    }
  }
}

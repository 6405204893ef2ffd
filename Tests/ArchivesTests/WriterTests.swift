import Archives
import SystemPackage
import TestSupport
import Testing

/// What is written is read back, by us and by tar, and is the same every time.
@Suite struct WriterTests {
  static let noise: [UInt8] = (0..<600_000).map { index in UInt8(truncatingIfNeeded: (index &* 48_271) >> 9) }

  static func write(_ path: FilePath, threads: Int = 1) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try file.closeAfter {
      let writer = try ArchiveWriter(descriptor: file, name: path.string, level: 3, threads: threads)
      for index in 0..<6 { try writer.add("blobs/noise-\(index)", noise) }
      try writer.add("empty", [])
      try writer.add(String(repeating: "long/", count: 60) + "x", Array("x".utf8))
      try writer.finish()
    }
  }

  @Test("members come back in order")
  func roundTrip() throws {
    try TemporaryFolder.with { folder in
      let path = folder.appending("x.tar.zst")
      try Self.write(path)
      let members = try ReaderTests.members(path, .tar)
      #expect(members.count == 8)
      #expect(members[3].entry == ArchiveEntry(name: "blobs/noise-3", kind: .file, size: 600_000))
      #expect(members[3].bytes == Self.noise)
      #expect(members[7].entry.name == String(repeating: "long/", count: 60) + "x")
      // Without `-q`, which would leave tar with a broken pipe.
      try Shell.run(
        "tar --zstd -tvf x.tar.zst | grep '^-rw-r--r-- 0/0 .* 1970-01-01 .* empty$' > found", in: folder)
    }
  }

  @Test("the bytes do not depend on the number of threads")
  func deterministic() throws {
    try TemporaryFolder.with { folder in
      try Self.write(folder.appending("1"), threads: 1)
      try Self.write(folder.appending("2"), threads: 2)
      try Self.write(folder.appending("4"), threads: 4)
      let bytes = try Fixture.bytes(folder.appending("1"))
      #expect(try Fixture.bytes(folder.appending("2")) == bytes)
      #expect(try Fixture.bytes(folder.appending("4")) == bytes)
    }
  }

  @Test("a member that is longer or shorter than announced is refused")
  func sizes() throws {
    try TemporaryFolder.with { folder in
      let file = try FileDescriptor.open(
        folder.appending("x"), .writeOnly, options: .create, permissions: .ownerReadWrite)
      try file.closeAfter {
        let writer = try ArchiveWriter(descriptor: file, name: "x")
        try writer.begin("a", size: 2)
        #expect(throws: ArchiveError(file: "x", member: "a", fault: .wrongSize(announced: 2, written: 0))) {
          try writer.finish()
        }
        let bytes: [UInt8] = [1, 2, 3]
        _ = bytes.withUnsafeBytes { bytes in
          #expect(throws: ArchiveError(file: "x", member: "a", fault: .wrongSize(announced: 2, written: 3))) {
            try writer.write(bytes)
          }
        }
      }
    }
  }
}

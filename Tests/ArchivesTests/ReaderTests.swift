import Archives
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Reads what Debian's own tools wrote.
@Suite struct ReaderTests {
  static func members(_ reader: ArchiveReader) throws -> [(entry: ArchiveEntry, bytes: [UInt8])] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
    defer { buffer.deallocate() }
    var members: [(entry: ArchiveEntry, bytes: [UInt8])] = []
    while let entry = try reader.next() {
      var bytes: [UInt8] = []
      while true {
        let count = try reader.read(into: buffer)
        if count == 0 { break }
        bytes += buffer[..<count]
      }
      members.append((entry, bytes))
    }
    return members
  }

  static func members(_ path: FilePath, _ acceptance: ArchiveReader.Acceptance = .singleFilesToo) throws
    -> [(entry: ArchiveEntry, bytes: [UInt8])]
  {
    try members(ArchiveReader(path: path, accepting: acceptance))
  }

  /// A folder `d` with a text of 200 kB, an empty file, a file whose name is not ASCII, and links.
  static func sample(in folder: FilePath) throws -> String {
    let text = (0..<20_000).map { "line \($0 &* 7919 % 10_007)\n" }.joined()
    try TemporaryFolder.write(text, to: folder.appending("d/text.jsonl"))
    try TemporaryFolder.write("", to: folder.appending("d/empty"))
    try TemporaryFolder.write("ü", to: folder.appending("d/größe.txt"))
    return text
  }

  @Test(
    "tar is read under every compression, whatever its name",
    arguments: ["cat", "gzip", "zstd -q", "xz", "bzip2"])
  func compressedTar(filter: String) throws {
    try TemporaryFolder.with { folder in
      let text = try Self.sample(in: folder)
      try Shell.run("ln -s text.jsonl d/link; ln d/empty d/second; tar --sort=name -c d | \(filter) > x", in: folder)
      let members = try Self.members(folder.appending("x"))
      #expect(
        members.map(\.entry) == [
          ArchiveEntry(name: "d/", kind: .folder, size: 0),
          ArchiveEntry(name: "d/empty", kind: .file, size: 0),
          ArchiveEntry(name: "d/größe.txt", kind: .file, size: 2),
          ArchiveEntry(name: "d/link", kind: .symbolicLink("text.jsonl"), size: 0),
          ArchiveEntry(name: "d/second", kind: .hardLink("d/empty"), size: members[4].entry.size),
          ArchiveEntry(name: "d/text.jsonl", kind: .file, size: text.utf8.count),
        ])
      #expect(members[5].bytes == Array(text.utf8))
    }
  }

  @Test("zip is read through its table, and from a pipe")
  func zip() throws {
    try TemporaryFolder.with { folder in
      let text = try Self.sample(in: folder)
      try Shell.run("python3 -m zipfile -c x.zip d/text.jsonl d/empty", in: folder)
      for piped in [false, true] {
        let file = try FileDescriptor.open(folder.appending("x.zip"), .readOnly)
        let ends = try FileDescriptor.pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/cat")
        process.standardInput = FileHandle(fileDescriptor: file.rawValue)
        process.standardOutput = FileHandle(fileDescriptor: ends.writeEnd.rawValue)
        if piped { try process.run() }
        try ends.writeEnd.close()
        let members = try Self.members(ArchiveReader(descriptor: piped ? ends.readEnd : file, name: "x"))
        if piped { process.waitUntilExit() }
        try ends.readEnd.close()
        try file.close()
        #expect(members.map(\.entry.name) == ["text.jsonl", "empty"])
        #expect(members.map(\.bytes) == [Array(text.utf8), []])
      }
    }
  }

  @Test(
    "a single file is one member without a name; two gzip members are one text",
    arguments: ["cat", "gzip", "zstd -q", "xz", "bzip2"])
  func single(filter: String) throws {
    try TemporaryFolder.with { folder in
      let text = try Self.sample(in: folder)
      try Shell.run("\(filter) < d/text.jsonl > x; \(filter) < d/text.jsonl >> x", in: folder)
      let members = try Self.members(folder.appending("x"))
      #expect(members.map(\.entry) == [ArchiveEntry(name: nil, kind: .file, size: nil)])
      #expect(members.first?.bytes == Array((text + text).utf8))
      #expect(throws: ArchiveError(file: folder.appending("x").string, fault: .unknownFormat)) {
        try Self.members(folder.appending("x"), .archives)
      }
    }
  }

  @Test(
    "a compressed member of an archive is read through a second reader; what stops the first stops it",
    arguments: ["gzip", "zstd -q", "xz", "bzip2"])
  func nested(filter: String) throws {
    try TemporaryFolder.with { folder in
      let text = try Self.sample(in: folder)
      try Shell.run(
        "\(filter) < d/text.jsonl > y; tar -c y d/empty | gzip > x; head -c $(($(stat -c %s x) / 2)) x > z", in: folder)
      for (file, whole) in [("x", true), ("z", false)] {
        let outer = try ArchiveReader(path: folder.appending(file), accepting: .archives)
        #expect(try outer.next()?.name == "y")
        let read = { try Self.members(ArchiveReader(name: "y") { try outer.read(into: $0) }).map(\.bytes) }
        guard whole else {
          let error = #expect(throws: ArchiveError.self) { _ = try read() }
          #expect(error.map { "\($0)" }?.hasSuffix("z, member y: damaged archive: the gzip data is cut off") == true)
          continue
        }
        #expect(try read() == [Array(text.utf8)])
        #expect(try outer.next()?.name == "d/empty")
      }
    }
  }

  @Test("a gzip file of which a few bytes unpack to much is read to its end")
  func compressible() throws {
    try TemporaryFolder.with { folder in
      try Shell.run("yes | head -c 3000000 | gzip -9 > x", in: folder)
      #expect(try Self.members(folder.appending("x")).first?.bytes.count == 3_000_000)
    }
  }

  @Test("an empty file has no member")
  func empty() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write("", to: folder.appending("x"))
      #expect(try Self.members(folder.appending("x")).isEmpty)
    }
  }

  @Test(
    "bytes that are cut off are an error that names the file, and the member where one was begun",
    arguments: ["cat", "gzip", "zstd -q", "xz", "bzip2"])
  func truncated(filter: String) throws {
    try TemporaryFolder.with { folder in
      _ = try Self.sample(in: folder)
      try Shell.run(
        "tar -c d/text.jsonl | \(filter) > x; size=$(stat -c %s x); head -c $((size * 2 / 3)) x > y", in: folder)
      let error = #expect(throws: ArchiveError.self) { try Self.members(folder.appending("y")) }
      guard case .damaged = error?.fault else { return #expect(Bool(false), "\(String(describing: error))") }
      #expect(error?.file == folder.appending("y").string)
      // So little is left of a compressed file that its first bytes are missed already.
      if filter == "cat" { #expect(error?.member == "d/text.jsonl") }
    }
  }

  @Test("an altered byte is found by the checksum", arguments: ["gzip", "zstd -q --check", "xz", "bzip2", "zip"])
  func altered(filter: String) throws {
    try TemporaryFolder.with { folder in
      // Stored nearly as they are, so that an altered byte stays readable.
      let noise = (0..<100_000).map { index in UInt8(truncatingIfNeeded: (index &* 2_654_435_761) >> 13) }
      try Data(noise).write(to: URL(fileURLWithPath: folder.appending("noise").string))
      try Shell.run(
        filter == "zip"
          ? "python3 -c 'import zipfile; zipfile.ZipFile(\"x\", \"w\").write(\"noise\")'" : "\(filter) < noise > x",
        in: folder)
      var bytes = try Fixture.bytes(folder.appending("x"))
      bytes[bytes.count / 2] ^= 0x10
      try Data(bytes).write(to: URL(fileURLWithPath: folder.appending("x").string))
      let error = #expect(throws: ArchiveError.self) { try Self.members(folder.appending("x")) }
      guard case .damaged = error?.fault else { return #expect(Bool(false), "\(String(describing: error))") }
    }
  }

  @Test("the checksum of gzip itself is checked")
  func gzipChecksum() throws {
    try TemporaryFolder.with { folder in
      _ = try Self.sample(in: folder)
      try Shell.run("gzip < d/text.jsonl > x", in: folder)
      var bytes = try Fixture.bytes(folder.appending("x"))
      bytes[bytes.count - 8] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: folder.appending("x").string))
      #expect(throws: ArchiveError.self) { try Self.members(folder.appending("x")) }
    }
  }

  @Test(
    "a compression is read to its end, also behind the archive within: what is cut off or stands behind is told",
    arguments: [("gzip -c", 4), ("bzip2 -c", 4), ("zstd -qc", 1)])
  func behindArchive(command: String, missing: Int) throws {
    try TemporaryFolder.with { folder in
      try Shell.run("echo text > f && tar cf a.tar f && \(command) a.tar > whole", in: folder)
      let names = try Self.members(folder.appending("whole")).map { $0.entry.name }
      #expect(names == ["f"])
      try Shell.run("head -c -\(missing) whole > cut; cp whole more; echo garbage >> more", in: folder)
      for name in ["cut", "more"] {
        let error = #expect(throws: ArchiveError.self) { try Self.members(folder.appending(name)) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("is cut off") || text.contains("stand behind"), "\(name): \(text)")
      }
    }
  }

  @Test("zstd is read with frames to skip before, between and behind, and with a window of 2 GiB")
  func zstdFrames() throws {
    try TemporaryFolder.with { folder in
      let text = Array(try Self.sample(in: folder).utf8)
      try Shell.run(
        "zstd -q --long=31 < d/text.jsonl > long",
        in: folder)
      let frame = try Fixture.bytes(folder.appending("long"))
      let skipped: [UInt8] = [0x5F, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
      func read(_ bytes: [UInt8]) throws -> [UInt8]? {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.appending("y").string))
        return try Self.members(folder.appending("y")).first?.bytes
      }
      #expect(try read(frame) == text)
      #expect(try read(skipped + frame + skipped + frame + skipped) == text + text)
      for (bytes, reason) in [
        (frame + skipped.dropLast(), "the zstd data is cut off"), (frame.dropLast(9), "the zstd data is cut off"),
        (frame + Array("none of it".utf8), "bytes that are no zstd stand behind the zstd data"),
      ] as [([UInt8], String)] {
        let error = #expect(throws: ArchiveError.self) { try read(bytes) }
        #expect(error?.fault == .damaged(reason))
      }
      // A pipe may give less than a frame's head at a time.
      var rest = (skipped + frame)[...]
      let reader = try ArchiveReader(name: "x") { buffer in
        let count = min(3, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
      }
      #expect(try Self.members(reader).first?.bytes == text)
    }
  }

  @Test("behind gzip zeros fill a block, and anything else is told")
  func behindGzip() throws {
    try TemporaryFolder.with { folder in
      let text = Array(try Self.sample(in: folder).utf8)
      try Shell.run("gzip < d/text.jsonl > x; head -c 700 /dev/zero >> x; cp x y; echo none >> y", in: folder)
      #expect(try Self.members(folder.appending("x")).first?.bytes == text)
      let error = #expect(throws: ArchiveError.self) { try Self.members(folder.appending("y")) }
      #expect(error?.fault == .damaged("bytes that are no gzip stand behind the gzip data"))
    }
  }

  @Test("a named pipe in the place of an archive is refused, not waited for and not taken for an empty one")
  func pipe() throws {
    try TemporaryFolder.with { folder in
      try Shell.run("mkfifo x", in: folder)
      let error = #expect(throws: ArchiveError.self) { try Self.members(folder.appending("x")) }
      #expect(error?.fault == .special)
    }
  }

  @Test("names that are no UTF-8 stay different from each other")
  func foreignNames() throws {
    try TemporaryFolder.with { folder in
      try Shell.run(
        #"mkdir d; touch "$(printf "d/\344.txt")" "$(printf "d/\366.txt")"; tar --sort=name -cf x d"#, in: folder)
      let names = try Self.members(folder.appending("x")).map(\.entry.name)
      #expect(names == ["d/", #"d/\xE4.txt"#, #"d/\xF6.txt"#])
    }
  }

  @Test("a member's name is shown on one line, whatever it holds")
  func names() {
    let error = ArchiveError(file: "a\u{1B}", member: "b\n\u{7}", fault: .damaged("c\u{85}"))
    #expect(error.description == #"a\u{1b}, member b\n\u{7}: damaged archive: c\u{85}"#)
  }

  @Test("of bzip2, streams behind one another are one, and what is cut off or no stream behind them is an error")
  func bzip2Streams() throws {
    try TemporaryFolder.with { folder in
      let path = folder.appending("a.bz2")
      try Shell.run("printf 'one\\n' | bzip2 -c > first; (cat first; seq 1 200000 | bzip2 -c) > a.bz2", in: folder)
      let whole = try Fixture.bytes(path)
      let text = try #require(try Self.members(path).first).bytes
      #expect(text.starts(with: Array("one\n1\n".utf8)))
      #expect(text.count == 4 + 1_288_895)
      let length = try Fixture.bytes(folder.appending("first")).count
      for count in [1, 3, 4, 9, 10, 14, 1000] {
        try Data(whole[..<(length + count)]).write(to: URL(fileURLWithPath: path.string))
        #expect(throws: ArchiveError.self, "\(count) bytes of the second stream") { try Self.members(path) }
      }
      try Data(whole[..<length] + Array("junk".utf8)).write(to: URL(fileURLWithPath: path.string))
      let error = #expect(throws: ArchiveError.self) { try Self.members(path) }
      #expect(error?.fault == .damaged("bytes that are no bzip2 stand behind the bzip2 data"))
      // A text may begin like such data.
      try TemporaryFolder.write("BZhello\n", to: path)
      #expect(try Self.members(path).first?.bytes == Array("BZhello\n".utf8))
    }
  }

  @Test("a zip's names are read as UTF-8, whatever the locale")
  func zipNames() throws {
    try TemporaryFolder.with { folder in
      for name in ["中/train.jsonl", "re\u{301}sume\u{301}/a", "rés/b", "😀.txt"] {
        try TemporaryFolder.write("x", to: folder.pushing(FilePath("d/" + name)))
      }
      try Shell.run(
        "cd d && python3 -c 'import zipfile,os; z=zipfile.ZipFile(\"../n.zip\",\"w\"); "
          + "[z.write(os.path.join(d,f)) for d,_,fs in os.walk(\".\") for f in fs]'", in: folder)
      let names = try Self.members(folder.appending("n.zip")).compactMap(\.entry.name)
      #expect(Set(names) == ["中/train.jsonl", "re\u{301}sume\u{301}/a", "rés/b", "😀.txt"])
    }
  }

  @Test("a frame that ends exactly as a buffer is full is whole")
  func fullBuffer() throws {
    try TemporaryFolder.with { folder in
      try Shell.run("yes 0123456 | head -c 524288 | zstd -q -c > z.zst", in: folder)
      #expect(try Self.members(folder.appending("z.zst")).first?.bytes.count == 524_288)
    }
  }
}

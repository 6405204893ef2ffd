import Corpora
import Foundation
import Glibc
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct CorpusFileTests {
  private func bytes(_ path: FilePath, waiting: @escaping () throws -> Void = {}) throws -> Int {
    var count = 0
    try CorpusFile(path, waiting: waiting).read(consumed: { _ in }) { source in
      var buffer = [UInt8](repeating: 0, count: 1000)
      while case let read = try buffer.withUnsafeMutableBytes(source.read), read > 0 { count += read }
    }
    return count
  }

  @Test(
    "a pipe that this process was given open is read once and whole, compressed or not",
    arguments: ["cat", "gzip", "zstd -q"])
  func pipe(filter: String) throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(String(repeating: "line\n", count: 40_000), to: folder.appending("x"))
      try Shell.run("\(filter) < x > y", in: folder)
      let content = try Fixture.bytes(folder.appending("y"))
      let ends = try FileDescriptor.pipe()
      let writing = Thread {
        try? ends.writeEnd.closeAfter { _ = try ends.writeEnd.writeAll(content) }
      }
      writing.start()
      #expect(try bytes(FilePath("/dev/fd/\(ends.readEnd.rawValue)")) == 200_000)
      try ends.readEnd.close()
    }
  }

  @Test("who waits for a pipe is asked whether to wait on")
  func waiting() throws {
    struct Enough: Error {}
    let ends = try FileDescriptor.pipe()
    #expect(throws: Enough.self) {
      try bytes(FilePath("/dev/fd/\(ends.readEnd.rawValue)")) { throw Enough() }
    }
    try ends.writeEnd.close()
    try ends.readEnd.close()
  }

  @Test("a named pipe, a socket, a device and a folder are refused before anything waits for them")
  func special() throws {
    try TemporaryFolder.with { folder in
      try Shell.run(
        "mkfifo pipe; mkdir folder; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'",
        in: folder)
      for (path, what) in [
        (folder.appending("pipe"), "is a named pipe"), (folder.appending("socket"), "is a socket"),
        ("/dev/zero", "is a device"), (folder.appending("folder"), "is a folder"),
      ] {
        for read in [{ _ = try self.bytes(path) }, { _ = try FileContent.read(path) }] {
          let error = #expect(throws: RecordError.self) { try read() }
          #expect(error?.reason.hasPrefix(what) == true, "\(path)")
        }
      }
    }
  }

  @Test("a file that grows or shrinks while it is read is refused")
  func changing() throws {
    try TemporaryFolder.with { folder in
      let path = folder.appending("x")
      for size in [10, 1_000_000] {
        try TemporaryFolder.write(String(repeating: "x", count: 500_000), to: path)
        let source = try FileBytes(path)
        var buffer = [UInt8](repeating: 0, count: 1000)
        _ = try buffer.withUnsafeMutableBytes(source.read)
        #expect(truncate(path.string, size) == 0)
        let error = #expect(throws: RecordError.self) {
          while try buffer.withUnsafeMutableBytes(source.read) > 0 {}
        }
        #expect(error?.reason.hasPrefix("changed while it was read") == true)
      }
    }
  }

  @Test("members that nobody asks for bar no archive: foreign names, devices, encryption, unknown compression")
  func unasked() throws {
    try TemporaryFolder.with { folder in
      try Shell.run(
        """
        cat > make.py <<'END'
        import io, struct, tarfile, zipfile
        def zipped(name, *members):
          with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z:
            for member in members: z.writestr(member, "rows" * 100)
          return bytearray(open(name, "rb").read())
        z = zipped("name.zip", "AAAA.txt", "train.jsonl").replace(b"AAAA", "数据".encode("gbk"))
        open("name.zip", "wb").write(z)
        z = zipped("flag.zip", "größe.txt", "train.jsonl").replace("ö".encode(), b"\\xf6\\xf6")
        open("flag.zip", "wb").write(z)
        for name, at, value in ("method", 8, 97), ("secret", 6, 1):
          z = zipped(name + ".zip", "other", "train.jsonl")
          for head, offset in (b"PK\\x03\\x04", at), (b"PK\\x01\\x02", at + 2):
            place = z.find(head) + offset
            z[place:place + 2] = struct.pack("<H", value)
          open(name + ".zip", "wb").write(z)
        for form in tarfile.GNU_FORMAT, tarfile.PAX_FORMAT:
          with tarfile.open("tar%d.tar" % form, "w", format=form) as t:
            t.addfile(tarfile.TarInfo(b"M\\xfcll".decode("utf-8", "surrogateescape") + "x" * 150))
            device = tarfile.TarInfo("device"); device.type = tarfile.CHRTYPE; t.addfile(device)
            row = tarfile.TarInfo("train.jsonl"); row.size = 400; t.addfile(row, io.BytesIO(b"rows" * 100))
        END
        python3 make.py
        """, in: folder)
      for name in ["name.zip", "flag.zip", "method.zip", "secret.zip", "tar1.tar", "tar2.tar"] {
        var read: [String] = []
        try CorpusFile(folder.appending(name)).readMembers({ $0.hasSuffix(".jsonl") }, consumed: { _ in }) {
          name, _, bytes in
          var buffer = [UInt8](repeating: 0, count: 1000)
          read.append("\(name) \(try buffer.withUnsafeMutableBytes(bytes.read))")
        }
        #expect(read == ["train.jsonl 400"], "\(name)")
      }
      // One that is asked for is named by its bytes.
      var names: [String] = []
      try CorpusFile(folder.appending("name.zip")).readMembers({ $0.hasSuffix(".txt") }, consumed: { _ in }) {
        name, _, _ in
        names.append(name)
      }
      #expect(names == ["\\xCA\\xFD\\xBE\\xDD.txt"])
      for (name, reason) in [("method.zip", "Unsupported ZIP compression method"), ("secret.zip", "is encrypted")] {
        let error = #expect(throws: (any Error).self) {
          try CorpusFile(folder.appending(name)).readMembers({ $0 == "other" }, consumed: { _ in }) { _, _, bytes in
            var buffer = [UInt8](repeating: 0, count: 1000)
            _ = try buffer.withUnsafeMutableBytes(bytes.read)
          }
        }
        #expect(error.map { "\($0)" }?.contains(reason) == true)
      }
    }
  }
}

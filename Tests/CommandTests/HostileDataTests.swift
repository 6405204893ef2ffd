import Foundation
import SystemPackage
import TestSupport
import Testing

/// Data files that are damaged, lie or attack.
///
/// Each gives one clear error and status 1, in bounded memory, and leaves the store as it was.
/// `fixtures/hostile/make_data.py` makes them.
@Suite struct HostileDataTests {
  struct Case: CustomStringConvertible, Sendable {
    var file: String
    var expected: String
    var isText = false
    var description: String { file }
  }

  static let cases: [Case] = [
    Case(file: "truncated.jsonl.gz", expected: "the gzip data is cut off"),
    Case(file: "flipped.jsonl.gz", expected: "flipped.jsonl.gz"),
    Case(file: "truncated.jsonl.zst", expected: "damaged archive"),
    Case(file: "flipped.jsonl.zst", expected: "flipped.jsonl.zst"),
    Case(file: "truncated.jsonl.xz", expected: "damaged archive"),
    Case(file: "flipped.jsonl.bz2", expected: "flipped.jsonl.bz2"),
    Case(file: "truncated.zip", expected: "truncated.zip"),
    Case(file: "flipped.zip", expected: "flipped.zip"),
    Case(file: "truncated.tar.gz", expected: "the gzip data is cut off"),
    Case(file: "empty.tar.gz", expected: "holds no train, validation or test file"),
    Case(file: "plain.jsonl.gz", expected: "is not compressed, though its name ends with .gz"),
    Case(file: "archive.jsonl.gz", expected: "is an archive, though its name does not say so"),
    Case(file: "archive-member.zip", expected: "archive-member.zip/train.jsonl: is an archive within an archive"),
    Case(file: "packed-archive-member.tar", expected: "/train.jsonl.gz: is an archive within an archive"),
    Case(file: "truncated-member.tar", expected: "truncated-member.tar/train.jsonl.zst: damaged archive"),
    Case(file: "plain-member.zip", expected: "/train.jsonl.gz: is not compressed, though its name ends with .gz"),
    Case(file: "traversal.tar", expected: "member \"../train.jsonl\" has a name that leads out of the archive"),
    Case(file: "traversal.zip", expected: "has a name that leads out of the archive"),
    Case(file: "absolute.tar", expected: "has a name that leads out of the archive"),
    Case(file: "link.tar", expected: "link.tar/train.jsonl: is a link or a device, no file"),
    Case(file: "hardlink.tar", expected: "hardlink.tar/train.jsonl: is a link or a device, no file"),
    Case(file: "device.tar", expected: "device.tar/train.jsonl: is a link or a device, no file"),
    Case(file: "duplicate.tar", expected: "duplicate.tar/train.jsonl: stands twice in the archive"),
    Case(file: "bomb-line.jsonl.zst", expected: "bomb-line.jsonl.zst"),
    Case(file: "bomb-rows.txt.zst", expected: "unpacks to more than 250 times its size", isText: true),
    Case(file: "bomb-rows.jsonl.zst", expected: "unpacks to more than 250 times its size"),
    Case(file: "bomb-blank.zip", expected: "unpacks to more than 250 times its size"),
    Case(file: "bomb-member.zip", expected: "bomb-member.zip/train.jsonl.zst: unpacks to more than 250 times its size"),
    Case(file: "deep.jsonl", expected: "deep.jsonl:1: not valid JSON (column 522): nested deeper than 512"),
    Case(file: "deep.json", expected: "deep.json:1: not valid JSON: nested deeper than 512"),
    Case(file: "deep.xml", expected: "deep.xml:1: is no well-formed XML"),
    Case(file: "mixed.csv", expected: "mixed.csv:3: is not valid UTF-8; declare the file's encoding"),
    Case(file: "latin.jsonl", expected: "latin.jsonl:1: is not valid UTF-8; declare the file's encoding"),
    Case(file: "surrogate.jsonl", expected: "surrogate.jsonl:1: not valid JSON (column 18): an unpaired surrogate"),
    Case(file: "half.utf16.txt", expected: "is not valid UTF-16LE", isText: true),
    Case(file: "laughs.xml", expected: "refers to the entity &l9;"),
    Case(file: "attribute.xml", expected: "refers to the entity &l9;"),
    Case(file: "quadratic.xml", expected: "refers to the entity &a;"),
    Case(file: "external-file.xml", expected: "refers to the entity &x;"),
    Case(file: "parameter.xml", expected: "refers to the parameter entity %p;"),
  ]

  /// A pipeline over harmless data.
  private func laboratory(in folder: FilePath) throws -> FilePath {
    try TemporaryFolder.write(#"{"prompt":"a","completion":"b"}"#, to: folder.pushing("good/train.jsonl"))
    return try TemporaryFolder.write(
      """
      apprentice: 1
      name: hostile
      params: { data: ./good/train.jsonl }
      stages:
        corpus: { uses: ingest, in: { source: "${data}" } }
      """, to: folder.appending("apprentice.yaml"))
  }

  private func actions(in folder: FilePath) -> [String] {
    let actions = folder.pushing(".apprentice/actions").string
    return ((try? FileManager.default.contentsOfDirectory(atPath: actions)) ?? []).sorted()
  }

  @Test("a hostile file is one clear error in bounded memory, and nothing is written", arguments: cases)
  func refused(_ example: Case) throws {
    try TemporaryFolder.with { folder in
      let source = Fixture.path("hostile/data/" + example.file)
      let given = example.isText ? ["--with", "prompt=", "--with", "completion={text}"] : []
      let (outcome, peak) = try PeakMemory.run(
        ["exec", "ingest", "--in", "source=\(source)", "--out", "out"] + given, in: folder)
      #expect(outcome.status == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains(example.expected), "\(outcome.errors)")
      #expect(!outcome.errors.contains("root:"), "a file of the system was read")
      #expect(peak < 900 << 20, "\(peak >> 20) MiB")
      #expect(!Fixture.exists(folder.pushing("out/dataset")) && !Fixture.exists(folder.appending("train.jsonl")))
    }
  }

  @Test("in a pipeline the failure leaves the store's results as they were and the store sound")
  func store() throws {
    try TemporaryFolder.with { folder in
      let pipeline = try laboratory(in: folder)
      #expect(try Tool.run("run", pipeline.string, in: folder).status == 0)
      let before = actions(in: folder)
      #expect(before.count == 1)
      for file in ["truncated.jsonl.gz", "bomb-rows.jsonl.zst", "traversal.zip", "laughs.xml"] {
        let source = Fixture.path("hostile/data/" + file)
        #expect(try Tool.run("run", pipeline.string, "--set", "data=\(source)", in: folder).status == 1)
      }
      #expect(actions(in: folder) == before)
      #expect(try Tool.run("fsck", in: folder).status == 0)
    }
  }

  @Test("what is not asked for does no harm: 100000 members beside the one, names that lead out, links")
  func harmless() throws {
    try TemporaryFolder.with { folder in
      for file in ["many.tar.xz", "harmless.tar"] {
        let (outcome, peak) = try PeakMemory.run(
          ["exec", "ingest", "--in", "source=\(Fixture.path("hostile/data/" + file))", "--out", file], in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(peak < 400 << 20, "\(peak >> 20) MiB")
        #expect(try Fixture.lines(folder.pushing(FilePath("\(file)/dataset/train.jsonl"))).count == 1)
      }
      #expect(!Fixture.exists(folder.appending("evil")))
    }
  }

  @Test("a row of more than 64 MiB is refused")
  func hugeLine() throws {
    try TemporaryFolder.with { folder in
      let row = Data("{\"prompt\":\"".utf8) + Data(repeating: UInt8(ascii: "a"), count: 80 << 20)
      try row.write(to: URL(fileURLWithPath: folder.appending("rows.jsonl").string))
      let (outcome, peak) = try PeakMemory.run(
        ["exec", "ingest", "--in", "source=rows.jsonl", "--out", "out"], in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("rows.jsonl:1: begins a row longer than 64 MiB"), "\(outcome.errors)")
      #expect(peak < 400 << 20, "\(peak >> 20) MiB")
    }
  }

  @Test("an external entity is never fetched: the server that it names sees no connection")
  func network() throws {
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    defer { close(server) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        #expect(bind(server, $0, length) == 0 && listen(server, 4) == 0 && getsockname(server, $0, &length) == 0)
      }
    }
    let port = UInt16(bigEndian: address.sin_port)
    try TemporaryFolder.with { folder in
      for (name, type) in [
        ("SYSTEM \"http://127.0.0.1:\(port)/x.dtd\"", ""),
        ("[<!ENTITY x SYSTEM \"http://127.0.0.1:\(port)/x\">]", "&x;"),
        ("[<!ENTITY % x SYSTEM \"http://127.0.0.1:\(port)/x\"> %x;]", ""),
      ] {
        try TemporaryFolder.write(
          "<!DOCTYPE dataset \(name)><dataset><doc id=\"d\"><src><seg id=\"1\">a\(type)</seg></src></doc></dataset>",
          to: folder.appending("rows.xml"))
        let outcome = try Tool.run(
          "exec", "ingest", "--in", "source=rows.xml", "--with", "prompt=", "--with", "completion={src}", "--out",
          "out",
          "--force", in: folder)
        #expect(outcome.status == (name.hasPrefix("SYSTEM") ? 0 : 1), "\(outcome.errors)")
      }
    }
    #expect(accept(server, nil, nil) == -1 && errno == EAGAIN)
  }
}

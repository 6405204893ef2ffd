import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct SampleFileIndexTests {
  private func prompts(_ text: String) throws -> [[String]] {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(text, to: folder.appending("samples.jsonl"))
      let index = try SampleFileIndex(folder)
      var found: [[String]] = []
      try index.forEachPrompt { rows in
        let id = try index.id(ofPrompt: found.count)
        #expect(id == rows[0].row.id)
        #expect(index.sampleCount(ofPrompt: found.count) == rows.count)
        found.append(rows.map { "\($0.row.id)/\($0.row.sample)@\($0.line)" })
      }
      #expect(index.promptCount == found.count)
      return found
    }
  }

  @Test("the samples of a prompt come together, wherever they stand, in the order of the file")
  func together() throws {
    let text = """
      {"id":"a","sample":0,"text":"x"}
      {"id":"b","sample":0,"text":"x"}

      {"sample":1,"id":"a","text":"x"}
        {"id":"\\u0061","sample":2,"text":"x"}\r
      {"id":"b","sample":1,"text":"x"}
      """
    #expect(try prompts(text) == [["a/0@1", "a/1@4", "a/2@5"], ["b/0@2", "b/1@6"]])
  }

  @Test("ids are told apart by their bytes")
  func bytes() throws {
    #expect(
      try prompts("{\"id\":\"\u{E9}\",\"text\":\"x\"}\n{\"id\":\"e\u{301}\",\"text\":\"x\"}\n")
        == [["\u{E9}/0@1"], ["e\u{301}/0@2"]])
  }

  @Test("files larger than what is read at a time, prompt by prompt or sample by sample", arguments: [false, true])
  func large(isInterleaved: Bool) throws {
    let (prompts, samples) = (500, 4)
    let rows = (0..<prompts * samples).map { row in
      let (prompt, sample) = isInterleaved ? (row % prompts, row / prompts) : (row / samples, row % samples)
      return
        "{\"id\":\"p\(prompt)\",\"sample\":\(sample),\"text\":\"\(String(repeating: "x", count: row * 7 % 5000))\"}\n"
    }
    let found = try self.prompts(rows.joined())
    #expect(found.count == prompts)
    #expect(found[7].map { $0.prefix { $0 != "@" } } == ["p7/0", "p7/1", "p7/2", "p7/3"])
  }

  @Test("what is no row is told with its line")
  func broken() {
    for (text, line) in [("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\"\n", 2), ("{\"sample\":0}\n", 1), ("[]\n", 1)] {
      let error = #expect(throws: RecordError.self) { try prompts(text) }
      #expect(error?.line == line)
    }
  }

  @Test("a pipe, which can be read once only, is kept")
  func pipe() throws {
    let (reader, writer) = try FileDescriptor.pipe()
    _ = try writer.closeAfter {
      try writer.writeAll("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"y\"}\n".utf8)
    }
    try reader.closeAfter {
      let index = try SampleFileIndex(FilePath("/proc/self/fd/\(reader.rawValue)"))
      var texts: [String?] = []
      try index.forEachPrompt { texts += $0.map(\.row.text) }
      #expect(texts == ["x", "y"])
    }
  }
}

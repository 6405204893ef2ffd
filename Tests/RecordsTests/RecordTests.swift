import CanonicalJSON
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct RecordTests {
  @Test("dataset rows come back as they were, whatever their characters")
  func dataset() throws {
    try TemporaryFolder.with { folder in
      let rows = [
        DatasetRow(id: "train-0", prompt: "a\u{2028}b\"\\\n\u{1}", completion: "é", references: ["é", "e\u{301}", ""]),
        DatasetRow(id: "train-1", prompt: "", completion: "👩‍🚀\r\n", references: []),
      ]
      try DatasetFiles.write(rows, .train, in: folder)
      #expect(DatasetFiles.splits(in: folder) == [.train])
      let read = try DatasetFiles.read(.train, in: folder)
      #expect(read == rows)
      #expect(read[0].references.map { Array($0.utf8) } == rows[0].references.map { Array($0.utf8) })
    }
  }

  @Test(
    "the check of a dataset says what reading says, with its line, on any number of threads",
    arguments: [
      #"{"id":"x","prompt":"p","completion":"c","references":["c"]}"#,
      #"{ "id": "x", "completion": "\u00e9", "prompt": "p", "more": {"a": [1, null]} }"#,
      #"{"id":"x","prompt":"p","completion":"c","references":[]}"#, "  \t",
      #"{"id":"x","prompt":"p","completion":"c","references":["c",1]}"#,
      #"{"id":"x","prompt":"p","completion":"c","references":["c",]}"#,
      #"{"id":"x","prompt":"p","completion":"c","references":["c"],"id":"y"}"#,
      #"{"id":"x","prompt":"p","completion":"c","references":["c"]} x"#,
      #"{"id":"x","prompt":"\q","completion":"c","references":["c"]}"#,
      #"{"id":"x","prompt":"\ud800","completion":"c","references":["c"]}"#,
      #"{"id":"x","prompt":"p","references":["c"]}"#, #"{"id":"x","prompt":"p"#, "[]", "{",
    ])
  func check(line: String) throws {
    try TemporaryFolder.with { folder in
      let row = DatasetRow(
        id: "a\n", prompt: String(repeating: "é\"\\ ", count: 100), completion: "c", references: ["c", "d"])
      let file = DatasetFiles.file(of: .train, in: folder)
      for (before, after) in [(0, 0), (0, 3000), (2500, 500)] {
        try DatasetFiles.write(Array(repeating: row, count: before), .train, in: folder)
        let head = try Fixture.bytes(file)
        try DatasetFiles.write(Array(repeating: row, count: after), .train, in: folder)
        try FileContent.write(head + Array("\(line)\n".utf8) + Fixture.bytes(file), to: file)
        func said(_ body: () throws -> Void) -> String {
          do { try body() } catch { return "\(error)" }
          return "sound"
        }
        let reading = said { _ = try DatasetFiles.read(.train, in: folder) }
        #expect(reading == "sound" || reading.contains("train.jsonl:\(before + 1): "))
        for threads in 1...3 {
          #expect(said { try DatasetFiles.check(.train, in: folder, threads: threads) } == reading)
        }
      }
    }
  }

  @Test("bytes that are no UTF-8 are found by the check of a dataset")
  func checkOfBytes() throws {
    try TemporaryFolder.with { folder in
      let line = Array(#"{"id":"x","prompt":"?","completion":"c","references":["c"]}"#.utf8)
      let bytes = line.map { $0 == UInt8(ascii: "?") ? 0xE9 : $0 }
      try FileContent.write(bytes, to: DatasetFiles.file(of: .test, in: folder))
      #expect(throws: RecordError.self) { try DatasetFiles.check(.test, in: folder) }
    }
  }

  @Test("the number of threads changes no byte of a dataset")
  func threads() throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<5000).map { DatasetRow(id: "train-\($0)", prompt: "p\($0)", completion: "c", references: ["c"]) }
      let files = try (1...3).map { threads in
        try DatasetFiles.write(rows, .train, in: folder, threads: threads)
        return try Fixture.bytes(DatasetFiles.file(of: .train, in: folder))
      }
      #expect(files[0] == files[1] && files[0] == files[2])
      #expect(try DatasetFiles.read(.train, in: folder) == rows)
    }
  }

  @Test("token rows come back as they were and give prompt and completion apart")
  func tokens() throws {
    try TemporaryFolder.with { folder in
      var rows = TokenRows()
      rows.append(id: "a", prompt: [5], completion: [1, 2, 0])
      rows.append(id: "b", prompt: [7, 8], completion: [])
      try TokenRows.write([(.train, rows), (.test, TokenRows())], to: folder)
      let read = try TokenRows(.train, in: folder)
      #expect(read == rows)
      #expect(Array(read.prompt(0)) == [5] && Array(read.completion(0)) == [1, 2, 0] && read.completion(1).isEmpty)
      #expect(read.completionTokenCount == 3)
      #expect(try TokenRows(.test, in: folder).count == 0)
    }
  }

  @Test("offsets of any size in a damaged file are an error that names the row")
  func wildOffsets() throws {
    try TemporaryFolder.with { folder in
      let seed = Fixture.root.pushing("Tests/fuzzing/seeds/safetensors/wild-offsets.safetensors")
      try FileContent.write(try Fixture.bytes(seed), to: folder.appending("train.safetensors"))
      let error = #expect(throws: RecordError.self) { try TokenRows(.train, in: folder) }
      #expect(error?.reason == "row 0 reaches from 0 to 9223372036854775807, there are 6 tokens")
    }
  }

  @Test("samples keep floats by their shortest form, and unknown members stay unknown")
  func samples() throws {
    try TemporaryFolder.with { folder in
      let sample = SampleRow(
        id: "x", sample: 3, text: "", promptTokens: [1], tokens: [2, 0], logProbabilities: [-0.1, -1e-7],
        entropies: [0.3, 12], finish: .end, references: ["r"])
      try SampleFiles.write([sample], settings: ["temperature": 0.7], to: folder)
      #expect(try SampleFiles.read(folder) == [sample])
      #expect(try SampleFiles.read(folder.appending("samples.jsonl")) == [sample])
      #expect(try SampleFiles.settings(folder)?["temperature"] == 0.7)
      let text = String(decoding: try Fixture.bytes(folder.appending("samples.jsonl")), as: UTF8.self)
      #expect(text.contains("\"logprobs\":[-0.1,-1e-7]"))
    }
  }

  @Test(
    "a row that is not of its kind is named by file, line and member",
    arguments: [
      (#"{"id":"a"}"# + "\n" + #"{"sample":1}"#, ":2: member \"id\" is missing"),
      (#"{"id":"a","tokens":[1,2.5]}"#, ":1: member \"tokens\": expected an array of token ids, found an array"),
      (#"{"id":"a","tokens":[1],"logprobs":[0,0]}"#, ":1: has 1 tokens and 2 logprobs"),
      (
        #"{"id":"a","finish":"halt"}"#,
        ":1: member \"finish\": expected \"eos\", \"length\" or \"stop\", found \"halt\""
      ),
      ("{", ":1: not valid JSON"),
    ])
  func malformed(text: String, expected: String) throws {
    try TemporaryFolder.with { folder in
      let file = try TemporaryFolder.write(text, to: folder.appending("samples.jsonl"))
      do {
        _ = try SampleFiles.read(folder)
        Issue.record("the file was read")
      } catch {
        #expect("\(error)".hasPrefix(file.string + expected), "\(error)")
      }
    }
  }

  @Test("rewards, curves and scores come back as they were")
  func measures() throws {
    try TemporaryFolder.with { folder in
      let reward = RewardRow(
        id: "a", sample: 0, tokens: [4, 0], logProbabilities: [-1.5, -0.25], values: [3, 2.5], rewards: [0.5, 0.125],
        return: 0.625)
      try RewardFiles.write([reward], to: folder)
      #expect(try RewardFiles.read(folder) == [reward])
      let curve = CurveRow(
        step: 0, split: .train, loss: 2.5, mle: 2, td: 5, entropy: 1.5, gradientNorm: 0.1, learningRate: 1e-5,
        tokens: 62,
        extra: [("mean_v", -3)])
      try FileContent.write(curve.line, to: folder.appending("curves.jsonl"))
      #expect(try CurveFiles.read(folder) == [curve])
      let scores = ScoreFile(
        metrics: [
          ("bleu", MetricValue(value: 65.9, low: 64, high: 67, count: 630)),
          ("entropy", MetricValue(value: 1, count: 2)),
        ],
        settings: ["samples": ["temperature": 1]])
      try scores.write(to: folder)
      #expect(try ScoreFile(folder) == scores)
    }
  }

  @Test("tokens that are written row by row are the file that is written at once, and the check says what reading says")
  func tokenStream() throws {
    try TemporaryFolder.with { folder in
      let (whole, streamed) = (folder.appending("whole"), folder.appending("streamed"))
      try Shell.run("mkdir whole streamed work", in: folder)
      var splits: [(split: Split, rows: TokenRows)] = []
      let writer = try TokenRowsWriter(to: streamed, work: folder.appending("work"))
      for (split, count) in [(Split.train, 3000), (.test, 2)] {
        var rows = TokenRows()
        try writer.begin(split)
        for row in 0..<count {
          let completion = (0..<Int32(row % 200)).map { $0 * 7 }
          rows.append(id: "\(split.rawValue)-\(row)\n", prompt: [Int32(row)], completion: completion)
          try writer.append(id: "\(split.rawValue)-\(row)\n", prompt: [Int32(row)], completion: completion)
        }
        #expect(writer.count == count)
        splits.append((split, rows))
      }
      try writer.finish()
      try TokenRows.write(splits, to: whole)
      for name in ["train.safetensors", "test.safetensors", "ids.jsonl"] {
        #expect(try Fixture.bytes(streamed.appending(name)) == Fixture.bytes(whole.appending(name)), "\(name)")
      }
      #expect(FileContent.names(in: folder.appending("work")).isEmpty)
      #expect(try TokenRows(.train, in: streamed) == splits[0].rows)
      func said(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "sound"
      }
      let file = TokenRows.file(of: .test, in: streamed)
      let sound = try Fixture.bytes(file)
      #expect(said { try TokenRows.check(.test, in: streamed) } == "sound")
      for index in sound.indices.suffix(60) {
        var bytes = sound
        bytes[index] ^= 0x81
        try FileContent.write(bytes, to: file)
        #expect(
          said { try TokenRows.check(.test, in: streamed) } == said { _ = try TokenRows(.test, in: streamed) })
      }
    }
  }
}

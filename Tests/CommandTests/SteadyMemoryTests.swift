import Records
import SystemPackage
import TestSupport
import Testing

/// Memory does not grow with steps (practice row 37).
@Suite struct SteadyMemoryTests {
  @Test(
    "practice row 37: once the longest batches have been seen, a thousand steps need no more memory, give or take 2 %")
  func steps() throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<40).map { row in
        let text = String(repeating: "word \(row) ", count: 1 + row * 7 % 11)
        return "{\"prompt\":\"say \(row)\",\"completion\":\"\(text)\"}\n"
      }
      try TemporaryFolder.write(rows.joined(), to: folder.appending("train.jsonl"))
      for arguments in [
        ["ingest", "--in", "source=train.jsonl", "--out", "data"],
        ["tokenize", "--in", "dataset=data/dataset", "--with", "vocab_size=300", "--out", "tokens"],
        [
          "init-model", "--in", "tokenizer=tokens/tokenizer", "--with", "layers=2", "--with", "width=192", "--with",
          "heads=4", "--with", "context=256", "--out", "init",
        ],
      ] {
        let outcome = try Tool.run(["exec"] + arguments, in: folder)
        try #require(outcome.status == 0, "\(outcome.errors)")
      }
      // A hundred steps are ten epochs of other batches each; ten would not have met the longest.
      let peaks = try [100, 1000].map { steps in
        let (outcome, peak) = try PeakMemory.run(
          [
            "exec", "train-iq", "--in", "tokens=tokens/tokens", "--in", "model=init/model", "--with", "steps=\(steps)",
            "--with", "batch_rows=4", "--with", "checkpoint_every=1000000", "--threads", "1", "--out", "out-\(steps)",
          ], in: folder)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return peak
      }
      #expect(Double(peaks[1]) < 1.02 * Double(peaks[0]), "\(peaks)")
    }
  }
}

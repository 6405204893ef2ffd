import CanonicalJSON
import Foundation
import Records
import SystemPackage
import TestSupport
import Testing

/// `generate` through the command line, on a small model of a small vocabulary.
@Suite struct GenerateTests {
  /// A folder with a dataset, its tokens, and a new model.
  private func withModel(_ tokenize: [String] = [], _ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<12).map { "{\"prompt\":\"say \($0)\",\"completion\":\"number \($0) it is\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.appending("train.jsonl"))
      try exec(["ingest", "--in", "source=train.jsonl", "--out", "data"], in: folder)
      try exec(
        ["tokenize", "--in", "dataset=data/dataset", "--with", "vocab_size=280", "--out", "tokens"] + tokenize,
        in: folder)
      try exec(
        [
          "init-model", "--in", "tokenizer=tokens/tokenizer", "--with", "layers=1", "--with", "width=32", "--with",
          "heads=2", "--with", "context=32", "--out", "init",
        ], in: folder)
      try body(folder)
    }
  }

  @discardableResult
  private func exec(_ arguments: [String], in folder: FilePath, status: Int32 = 0) throws -> Tool.Outcome {
    let outcome = try Tool.run(["exec"] + arguments, in: folder)
    #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
    return outcome
  }

  private let fromDataset = ["generate", "--in", "model=init/model", "--in", "dataset=data/dataset"]

  @Test("prompts are encoded as for training, whatever stood around them there", arguments: ["none", "end"])
  func convention(end: String) throws {
    try withModel(["--with", "prompt_end=\(end)"]) { folder in
      try exec(fromDataset + ["--with", "max_new_tokens=3", "--out", "a"], in: folder)
      try exec(
        [
          "generate", "--in", "model=init/model", "--in", "tokens=tokens/tokens", "--with", "max_new_tokens=3", "--out",
          "b",
        ], in: folder)
      let fromText = try SampleFiles.read(folder.pushing("a/samples"))
      let fromTokens = try SampleFiles.read(folder.pushing("b/samples"))
      #expect(fromText.map(\.promptTokens) == fromTokens.map(\.promptTokens))
      #expect(fromText.map(\.tokens) == fromTokens.map(\.tokens))
      #expect(fromText.count == 12)
      #expect(fromText.allSatisfy { ($0.promptTokens?.last == 0) == (end == "end") })
    }
  }

  @Test("settings say how samples were made, and samples carry references, log-probabilities and entropies")
  func settings() throws {
    try withModel { folder in
      try exec(
        fromDataset + [
          "--with", "samples=3", "--with", "temperature=0.5", "--with", "limit=2", "--with",
          "max_new_tokens=8", "--out", "out",
        ], in: folder)
      let samples = try SampleFiles.read(folder.pushing("out/samples"))
      #expect(samples.map(\.id) == ["train-0", "train-0", "train-0", "train-1", "train-1", "train-1"])
      #expect(samples.map(\.sample) == [0, 1, 2, 0, 1, 2])
      #expect(samples.allSatisfy { $0.references?.count == 1 && $0.prompt?.hasPrefix("say ") == true })
      #expect(samples.allSatisfy { $0.tokens?.count == $0.entropies?.count && $0.logProbabilities != nil })
      let settings = try #require(try SampleFiles.settings(folder.pushing("out/samples")))
      #expect(settings["temperature"] == 0.5 && settings["split"] == "train" && settings["samples"] == 3)
    }
  }

  @Test("practice row 16: a prompt that leaves no room for the new tokens is refused by its id")
  func context() throws {
    try withModel { folder in
      let outcome = try exec(fromDataset + ["--with", "max_new_tokens=32", "--out", "out"], in: folder, status: 1)
      #expect(outcome.errors.contains("prompt train-0 has"))
      #expect(outcome.errors.contains("exceeds the context of 32"))
      let one = fromDataset + ["--with", "limit=1"]
      try exec(one + ["--with", "max_new_tokens=1", "--out", "short"], in: folder)
      let prompt = try #require(try SampleFiles.read(folder.pushing("short/samples")).first?.promptTokens)
      try exec(one + ["--with", "max_new_tokens=\(32 - prompt.count)", "--out", "full"], in: folder)
      try exec(one + ["--with", "max_new_tokens=\(33 - prompt.count)", "--out", "over"], in: folder, status: 1)
    }
  }

  @Test("practice row 27: sampling defaults in generation_config.json are named and not obeyed")
  func hiddenDefaults() throws {
    try withModel { folder in
      try exec(fromDataset + ["--with", "max_new_tokens=5", "--out", "plain"], in: folder)
      let file = folder.pushing("init/model/generation_config.json")
      try TemporaryFolder.write("{\"eos_token_id\": 0, \"temperature\": 0.1, \"top_k\": 1}", to: file)
      let outcome = try exec(fromDataset + ["--with", "max_new_tokens=5", "--out", "hidden"], in: folder)
      #expect(outcome.errors.contains("generation_config.json asks for temperature 0.1, top_k 1; this is not obeyed"))
      #expect(
        try Fixture.bytes(folder.pushing("plain/samples/samples.jsonl"))
          == Fixture.bytes(folder.pushing("hidden/samples/samples.jsonl")))
    }
  }

  @Test("practice row 20: another tokenizer than the model's own is refused with status 2, the model's own is not")
  func foreignTokenizer() throws {
    try withModel { folder in
      let port = { (path: String, out: String) in
        ["--in", "tokenizer=\(path)", "--with", "max_new_tokens=3", "--with", "limit=2", "--out", out]
      }
      try exec(fromDataset + port("tokens/tokenizer", "own"), in: folder)
      try exec(
        ["tokenize", "--in", "dataset=data/dataset", "--with", "vocab_size=270", "--out", "other"], in: folder)
      for source in [fromDataset, ["generate", "--in", "model=init/model", "--in", "tokens=tokens/tokens"]] {
        let outcome = try exec(source + port("other/tokenizer", "out"), in: folder, status: 2)
        #expect(outcome.errors.contains("is not that of the model") && outcome.errors.contains("leave the port"))
        #expect(!Fixture.exists(folder.pushing("out/samples")))
      }
      // One merge less is enough, and so is another convention than the one that the model names.
      let text = String(decoding: try Fixture.bytes(folder.pushing("tokens/tokenizer/tokenizer.json")), as: UTF8.self)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let merge = try #require(lines.lastIndex { $0.hasPrefix("      [") })
      let fewer = lines[..<(merge - 1)] + [lines[merge]] + lines[(merge + 1)...]
      try TemporaryFolder.write(fewer.joined(separator: "\n"), to: folder.pushing("fewer/tokenizer.json"))
      try TemporaryFolder.write(
        #"{"eos_token": "<|endoftext|>"}"#, to: folder.pushing("fewer/tokenizer_config.json"))
      try exec(fromDataset + port("fewer", "out"), in: folder, status: 2)
    }
    try withModel(["--with", "prompt_end=end"]) { folder in
      try exec(["tokenize", "--in", "dataset=data/dataset", "--with", "vocab_size=280", "--out", "usual"], in: folder)
      let outcome = try exec(
        fromDataset + ["--in", "tokenizer=usual/tokenizer", "--with", "max_new_tokens=3", "--out", "out"], in: folder,
        status: 2)
      #expect(outcome.errors.contains("other tokens around a prompt"))
    }
  }

  @Test("practice row 20: a model without a tokenizer takes the port's; a convention that it doesn't know is named")
  func givenTokenizer() throws {
    try withModel { folder in
      try exec(
        [
          "tokenize", "--in", "dataset=data/dataset", "--with", "vocab_size=280", "--with", "prompt_end=end", "--out",
          "ended",
        ], in: folder)
      let given = ["--in", "tokenizer=ended/tokenizer", "--with", "max_new_tokens=3", "--out"]
      let outcome = try exec(fromDataset + given + ["a"], in: folder)
      #expect(outcome.errors.contains("puts other tokens around prompts"))
      let samples = try SampleFiles.read(folder.pushing("a/samples"))
      #expect(samples.allSatisfy { $0.promptTokens?.last == 0 })
      for name in ["tokenizer.json", "tokenizer_config.json"] {
        try FileManager.default.removeItem(atPath: folder.pushing("init/model").appending(name).string)
      }
      let quiet = try exec(fromDataset + given + ["b"], in: folder)
      #expect(!quiet.errors.contains("puts other tokens"))
      #expect(try SampleFiles.read(folder.pushing("b/samples")).map(\.tokens) == samples.map(\.tokens))
    }
  }

  @Test("settings that exclude each other are refused before anything runs")
  func exclusions() throws {
    try withModel { folder in
      for setting in ["temperature=0.5", "top_k=3", "samples=4"] {
        let outcome = try exec(
          fromDataset + ["--with", "decoding=greedy", "--with", setting, "--out", "out"], in: folder, status: 2)
        #expect(outcome.errors.contains("decoding: sample"))
      }
    }
  }
}

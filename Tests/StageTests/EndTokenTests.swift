import CanonicalJSON
import Records
import SystemPackage
import TestSupport
import Testing

/// A trained model knows when to stop.
@Suite struct EndTokenTests {
  @Test("practice row 9: after 300 steps on 64 examples at least 95 % of greedy completions end by themselves")
  func stops() throws {
    let bench = StageBench()
    let folder = bench.scratch.folder("dataset")
    let words = ["red", "green", "blue", "black", "white", "grey", "pink", "brown"]
    let rows = (0..<64).map { row in
      DatasetRow(
        id: "train-\(row)", prompt: "colour \(row % 8) times \(row / 8)",
        completion: Array(repeating: words[row % 8], count: 1 + row / 8 % 3).joined(separator: " "), references: [])
    }
    try DatasetFiles.write(rows, .train, in: folder)
    let tokenized = try bench.run("tokenize", [("dataset", folder)], ["vocab_size": 320])
    let tokens = try #require(tokenized["tokens"])
    let fresh = try bench.run(
      "init-model", [("tokenizer", try #require(tokenized["tokenizer"]))],
      ["layers": 1, "width": 32, "heads": 2, "context": 64], name: "fresh")
    let trained = try bench.run(
      "train-mle", [("tokens", tokens), ("model", try #require(fresh["model"]))],
      ["steps": 300, "batch_rows": 16, "learning_rate": 0.01], name: "trained")
    func ended(_ model: FilePath?, _ name: String) throws -> Int {
      let outputs = try bench.run(
        "generate", [("model", try #require(model)), ("dataset", folder)],
        ["decoding": "greedy", "max_new_tokens": 24, "split": "train"], name: name)
      let samples = try SampleFiles.read(try #require(outputs["samples"]))
      #expect(samples.count == 64)
      return samples.count { $0.finish == .end && $0.tokens?.last == 0 }
    }
    #expect(try ended(fresh["model"], "before") < 61)
    #expect(try ended(trained["model"], "after") >= 61)
  }

  @Test("practice row 41: the model says which step was kept and by what rule")
  func kept() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [("tokens", try bench.tokens()), ("model", try bench.model())]
    let outputs = try bench.run("train-mle", inputs, ["steps": 4, "batch_rows": 4, "evaluate_every": 1])
    let best = try CurveFiles.read(try #require(outputs["curves"])).filter { $0.split == .validation }
      .min { $0.mle < $1.mle }
    let bytes = try FileContent.read(try #require(outputs["model"]).appending("model.safetensors"))
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(bytes[8..<8 + length]))
    let step = try #require(best).step
    #expect(header["__metadata__"]?["apprentice.kept"]?.string == "best validation mle, step \(step)")
    let last = try bench.run("train-mle", inputs, ["steps": 4, "keep": "last"], name: "last")
    let plain = try FileContent.read(try #require(last["model"]).appending("model.safetensors"))
    #expect(!String(decoding: plain.prefix(4096), as: UTF8.self).contains("apprentice.kept"))
  }
}

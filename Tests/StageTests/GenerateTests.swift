import CanonicalJSON
import Glibc
import Records
import StageKit
import SystemPackage
import TestSupport
import Testing

@Suite struct GenerateTests {
  /// Rows of one split of tokens, with these ids.
  private static func tokens(_ bench: StageBench, ids: [String]) throws -> FilePath {
    let folder = bench.scratch.folder("tokens-\(ids.joined())")
    var rows = TokenRows()
    for id in ids { rows.append(id: id, prompt: [3], completion: [4, 2]) }
    try TokenRows.write([(.test, rows)], to: folder)
    return folder
  }

  @Test("Prompts of one id are refused with both rows, whichever prompts are asked for decide")
  func duplicates() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [
      ("model", try bench.model()), ("tokens", try Self.tokens(bench, ids: ["a", "b", "a"])),
    ]
    let refusal = try #require(bench.refusal("generate", inputs))
    #expect(refusal.text.contains("test.safetensors: rows 1 and 3 have one id"))
    #expect(bench.refusal("generate", inputs, ["limit": 2]) == nil)
  }

  @Test("A limit beyond the prompts and a top_k beyond the vocabulary are said")
  func beyond() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [
      ("model", try bench.model()), ("tokens", try Self.tokens(bench, ids: ["a", "b"])),
    ]
    try bench.run("generate", inputs, ["limit": 2, "top_k": 21], name: "within")
    #expect(bench.warnings.isEmpty)
    try bench.run("generate", inputs, ["limit": 3, "top_k": 22], name: "beyond")
    #expect(bench.warnings.contains { $0.contains("limit is 3, the split test has 2 prompts") })
    #expect(bench.warnings.contains { $0.contains("top_k 22 takes all 21 tokens") })
  }

  @Test("A seed beside greedy decoding, which draws nothing, is said")
  func idleSeed() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [
      ("model", try bench.model()), ("tokens", try Self.tokens(bench, ids: ["a"])),
    ]
    try bench.run("generate", inputs, ["decoding": "greedy"], name: "without")
    try bench.run("generate", inputs, ["seed": 3], name: "drawn")
    #expect(bench.warnings.isEmpty)
    try bench.run("generate", inputs, ["decoding": "greedy", "seed": 3], name: "idle")
    #expect(bench.warnings == ["seed has no effect: decoding greedy draws nothing"])
  }

  @Test("A split without rows gives no samples and no rewards, and is refused by name")
  func emptySplit() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [
      ("model", try bench.model()), ("tokens", try Self.tokens(bench, ids: [])),
    ]
    #expect(try #require(bench.refusal("generate", inputs)).text.contains("the split test has no prompts"))
    #expect(try #require(bench.refusal("extract-reward", inputs)).text.contains("there is no completion to reward"))
  }

  @Test("A split that is not there is refused")
  func split() throws {
    let bench = StageBench()
    let inputs: [(port: String, path: FilePath)] = [
      ("model", try bench.model()), ("tokens", try Self.tokens(bench, ids: ["a"])),
    ]
    #expect(try #require(bench.refusal("generate", inputs, ["split": "train"])).text.contains("has no split train"))
  }

  @Test(
    "A named pipe in the place of prompts is refused, not waited for", arguments: ["test.jsonl", "test.safetensors"])
  func pipes(name: String) throws {
    let bench = StageBench()
    let folder = bench.scratch.folder("pipe")
    mkfifo(folder.appending(name).string, 0o600)
    let model = try bench.model()
    try FileContent.write(
      #"{"model": {"type": "BPE", "vocab": {"a": 0, "<e>": 1}, "merges": []}}"#.utf8,
      to: model.appending("tokenizer.json"))
    let port = name.hasSuffix("jsonl") ? "dataset" : "tokens"
    let refusal = try #require(bench.refusal("generate", [("model", model), (port, folder)]))
    #expect(refusal.text.contains("named pipe"), "\(refusal.text)")
  }

  @Test("Keys and values larger than the machine are refused before memory is taken")
  func memory() throws {
    let bench = StageBench()
    let model = try bench.model(["context": 1_000_000], name: "long")
    let refusal = try #require(
      bench.refusal(
        "generate", [("model", model), ("tokens", try Self.tokens(bench, ids: ["a"]))],
        ["max_new_tokens": 900_000, "samples": 100_000]))
    #expect(refusal.text.contains("decoding 100000 sequences at once needs"), "\(refusal.text)")
  }
}

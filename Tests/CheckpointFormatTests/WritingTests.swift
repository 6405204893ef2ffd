import CanonicalJSON
import CheckpointFormat
import Foundation
import Glibc
import Records
import SafetensorsFormat
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformers

enum Path {
  static func remove(_ path: FilePath) throws {
    if unlink(path.string) != 0 { throw Errno(rawValue: errno) }
  }
}

@Suite struct WritingTests {
  /// Models that differ in all that `config.json` says.
  static let configurations: [(name: String, configuration: LlamaConfiguration)] = [
    ("tied", CheckpointEditor.configuration),
    (
      "untied, grouped, two end tokens",
      LlamaConfiguration(
        vocabularySize: 13, width: 16, layers: 2, heads: 4, keyValueHeads: 2, headWidth: 6, feedForward: 20,
        contextLength: 40, normEpsilon: 1e-6, rotaryBase: 500_000, isTied: false, endTokens: [3, 5])
    ),
    (
      "Llama 3's rotary scaling and a level",
      LlamaConfiguration(
        vocabularySize: 11, width: 8, layers: 1, heads: 2, feedForward: 12, contextLength: 64,
        rotaryScaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16),
        levelOffset: -3.25, beginToken: 0, endTokens: [2])
    ),
  ]

  @Test("A model that is written and loaded is the same, bit for bit", arguments: configurations.indices)
  func roundTrip(index: Int) throws {
    let editor = try CheckpointEditor(Self.configurations[index].configuration)
    let loaded = try editor.load()
    #expect(loaded.configuration == editor.model.configuration)
    #expect(loaded.parameters.values.elements == editor.model.parameters.values.elements)
  }

  @Test("Equal models give equal bytes")
  func bytes() throws {
    let (left, right) = (try CheckpointEditor(), try CheckpointEditor())
    for name in ["config.json", "generation_config.json", "model.safetensors"] {
      #expect(try FileContent.read(left.folder.appending(name)) == FileContent.read(right.folder.appending(name)))
    }
  }

  @Test("generation_config.json has the end tokens (practice row 11), the weights the format's mark")
  func companions() throws {
    let editor = try CheckpointEditor()
    #expect(try FileContent.json(editor.folder.appending("generation_config.json"))["eos_token_id"]?.integer == 2)
    let file = try SafetensorsFile(editor.folder.appending("model.safetensors"))
    #expect(file.metadata?["format"]?.string == "pt")
    #expect(file.entry("lm_head.weight") == nil)
    #expect(try FileContent.json(editor.folder.appending("config.json"))["level_offset"] == nil)
    let level = try CheckpointEditor(Self.configurations[2].configuration)
    #expect(try FileContent.json(level.folder.appending("config.json"))["level_offset"]?.number == -3.25)
  }

  @Test("Tokenizer files travel as they are, those that are missing don't matter")
  func tokenizer() throws {
    let scratch = ScratchFolder()
    let (from, to) = (scratch.folder("from"), scratch.folder("to"))
    try FileContent.write("{}".utf8, to: from.appending("tokenizer.json"))
    try FileContent.write("x".utf8, to: from.appending("notes.txt"))
    try TokenizerFiles.copy(from: from, to: to)
    #expect(FileContent.names(in: to) == ["tokenizer.json"])
  }

  /// A Python with transformers, where the environment names one.
  static let python = ProcessInfo.processInfo.environment["PYTHON"]

  private static let script = """
    import json, sys, torch
    from transformers import AutoModelForCausalLM
    model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], output_loading_info=True)
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    with torch.no_grad():
        logits = model(torch.tensor([json.loads(sys.argv[2])])).logits[0]
    eos = model.generation_config.eos_token_id
    print(json.dumps({"logits": logits.flatten().tolist(), "dtype": str(logits.dtype), "eos": eos}))
    """

  @Test(
    "transformers loads what is written and gives the same logits, but for the level (practice row 35)",
    .enabled(if: python != nil, "skipped: PYTHON names no Python with torch and transformers"),
    arguments: configurations.indices)
  func transformers(index: Int) throws {
    let editor = try CheckpointEditor(Self.configurations[index].configuration)
    let tokens: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = ["-c", Self.script, editor.folder.string, "\(tokens)"]
    process.standardError = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let answer = try JSONValue(parsing: Array(output))
    let theirs = try #require(answer["logits"]?.array).compactMap { $0.number.map(Float.init) }
    let ours = logits(of: editor.model, tokens).map { $0 + editor.model.levelOffset }
    #expect(worst(ours, theirs) < 1e-5)
    #expect(answer["dtype"]?.string == "torch.float32")
    let endTokens = answer["eos"]?.array?.compactMap(\.integer) ?? [answer["eos"]?.integer ?? -1]
    #expect(endTokens == editor.model.endTokens.map(Int.init))
  }
}

import CanonicalJSON
import CheckpointFormat
import Glibc
import Records
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformers

@Suite struct LoadingTests {
  @Test(
    "Directories that transformers wrote give transformers' logits (practice row 36)",
    arguments: ["untied-bf16", "tied-sharded", "llama3-f16-older"])
  func fixtures(name: String) throws {
    let expected = try FileContent.json(Fixture.path("checkpoints/logits.json"))
    let tokens = try #require(expected["tokens"]?.array).compactMap { $0.integer.map(Int32.init) }
    let rows = try #require(expected["logits"]?[name]?.array).flatMap { $0.array ?? [] }
    let model = try ModelFolder.load(Fixture.path("checkpoints/\(name)"), on: Device(threads: 2), trained: false)
    #expect(worst(logits(of: model, tokens), rows.compactMap { $0.number.map(Float.init) }) < 2e-5)
  }

  @Test("Head width, end tokens and rotary scaling are read in every spelling")
  func spellings() throws {
    let sharded = try ModelFolder.configuration(of: Fixture.path("checkpoints/tied-sharded"))
    #expect(sharded.headWidth == 6 && sharded.endTokens == [2, 7] && sharded.isTied && sharded.beginToken == 1)
    let older = try ModelFolder.configuration(of: Fixture.path("checkpoints/llama3-f16-older"))
    #expect(older.headWidth == 4 && older.endTokens == [2] && !older.isTied && older.rotaryBase == 5000)
    #expect(
      older.rotaryScaling
        == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16))
    let untied = try ModelFolder.configuration(of: Fixture.path("checkpoints/untied-bf16"))
    #expect(untied.keyValueHeads == 2 && untied.heads == 4 && untied.rotaryScaling == .none)
  }

  @Test("What config.json leaves out has the value of transformers' LlamaConfig")
  func defaults() throws {
    let editor = try CheckpointEditor()
    let names = [
      "num_key_value_heads", "head_dim", "tie_word_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling",
      "eos_token_id", "bos_token_id", "max_position_embeddings", "attention_bias", "hidden_act",
    ]
    try editor.configure(names.map { ($0, nil) })
    let configuration = try ModelFolder.configuration(of: editor.folder)
    #expect(configuration.keyValueHeads == 2 && configuration.headWidth == 4 && !configuration.isTied)
    #expect(configuration.normEpsilon == 1e-6 && configuration.rotaryBase == 10_000)
    #expect(configuration.endTokens == [2] && configuration.beginToken == 1 && configuration.contextLength == 2048)
  }

  @Test("End tokens of generation_config.json count beside those of config.json")
  func generationEndTokens() throws {
    let editor = try CheckpointEditor()
    try editor.configure([("eos_token_id", [5, 2])], file: "generation_config.json")
    #expect(try ModelFolder.configuration(of: editor.folder).endTokens == [2, 5])
    try editor.configure([("eos_token_id", nil as JSONValue?)], file: "generation_config.json")
    try editor.configure([("eos_token_id", .null)])
    #expect(try ModelFolder.configuration(of: editor.folder).endTokens.isEmpty)
  }

  @Test("A missing, an extra and a wrongly shaped tensor are refused by name (practice rows 22 and 35)")
  func strictness() throws {
    let editor = try CheckpointEditor()
    let gate = "model.layers.0.mlp.gate_proj.weight"
    try editor.rewrite { $0.removeAll { $0.name == gate } }
    #expect(editor.complaint().contains("tensor \(gate) is missing"))
    try editor.rewrite { $0.append(.floats("model.layers.1.mlp.gate_proj.weight", [2], [0, 0])) }
    #expect(editor.complaint().contains("tensor model.layers.1.mlp.gate_proj.weight belongs to no part"))
    try editor.rewrite { entries in
      for index in entries.indices where entries[index].name == gate { entries[index].shape.reverse() }
    }
    #expect(editor.complaint().contains("tensor \(gate) has shape [8, 12], config.json wants [12, 8]"))
    try editor.rewrite { entries in
      for index in entries.indices where entries[index].name == gate { entries[index].type = "I32" }
    }
    #expect(editor.complaint().contains("tensor \(gate) is I32"))
    try editor.rewrite { _ in }
    #expect(editor.complaint() == "")
  }

  @Test("Beside tied embeddings a head that equals them is passed over, another one refused (practice row 35)")
  func spareHead() throws {
    let editor = try CheckpointEditor()
    let embedding = try #require(editor.model.parameters["model.embed_tokens.weight"]).elements
    try editor.rewrite { $0.append(.floats("lm_head.weight", [11, 8], embedding)) }
    #expect(editor.complaint() == "")
    try editor.rewrite { $0.append(.floats("lm_head.weight", [11, 8], embedding.map { $0 + 1 })) }
    #expect(editor.complaint().contains("tensor lm_head.weight differs from the embeddings"))
    try editor.rewrite { _ in }
    try editor.configure([("tie_word_embeddings", false)])
    #expect(editor.complaint().contains("tensor lm_head.weight is missing"))
  }

  @Test("Rotary tables of old checkpoints are passed over")
  func rotaryTables() throws {
    let editor = try CheckpointEditor()
    try editor.rewrite { $0.append(.floats("model.layers.0.self_attn.rotary_emb.inv_freq", [2], [1, 0.1])) }
    #expect(editor.complaint() == "")
  }

  static let unsupported: [(member: String, value: JSONValue, complaint: String)] = [
    ("model_type", "mistral", "field model_type is mistral"),
    ("architectures", ["LlamaForSequenceClassification"], "field architectures names LlamaForSequenceClassification"),
    ("hidden_act", "gelu", "field hidden_act is gelu"), ("attention_bias", true, "field attention_bias is true"),
    ("mlp_bias", true, "field mlp_bias is true"), ("quantization_config", ["bits": 4], "field quantization_config"),
    ("rope_scaling", ["rope_type": "yarn", "factor": 2], "field rope_scaling is of type yarn"),
    ("rope_parameters", ["rope_type": "default", "partial_rotary_factor": 0.5], "partial_rotary_factor"),
    ("num_key_value_heads", 3, "field num_key_value_heads is 3"), ("head_dim", 3, "field head_dim is 3"),
    ("hidden_size", 0, "field hidden_size is 0"), ("hidden_size", "8", "field hidden_size is \"8\""),
    ("vocab_size", .null, "field vocab_size is missing"), ("eos_token_id", 11, "field eos_token_id is 11"),
    ("rms_norm_eps", "small", "field rms_norm_eps is \"small\""),
    ("rms_norm_eps", 1e300, "field rms_norm_eps is 1e+300"), ("rms_norm_eps", -1, "field rms_norm_eps is -1"),
    ("level_offset", 1e39, "field level_offset is 1e+39"), ("level_offset", -1e12, "field level_offset is -1e+12"),
    ("level_offset", 1e12, "beside a larger one nothing is left of values"), ("rope_theta", 0, "field rope_theta is 0"),
    (
      "rope_parameters", ["rope_type": "default", "rope_theta": 5],
      "field rope_theta is 10000.0, in rope_parameters it is"
    ),
    (
      "rope_scaling",
      [
        "rope_type": "llama3", "factor": 0, "low_freq_factor": 1, "high_freq_factor": 4,
        "original_max_position_embeddings": 8,
      ],
      "field factor is 0"
    ),
  ]

  @Test("What can't be loaded is refused in one sentence that names file and field", arguments: unsupported.indices)
  func unsupportedConfigurations(index: Int) throws {
    let (member, value, complaint) = Self.unsupported[index]
    let editor = try CheckpointEditor()
    try editor.configure([(member, value)])
    #expect(editor.complaint().contains("config.json: "))
    #expect(editor.complaint().contains(complaint), "\(editor.complaint())")
  }

  @Test("Sizes that config.json states and the weights don't have are refused before memory is asked for")
  func statedSizes() throws {
    for (member, size, complaint) in [
      ("hidden_size", 1_000_000_000, "has shape [11, 8], config.json wants [11, 1000000000]"),
      ("vocab_size", 2_000_000_000, "has shape [11, 8], config.json wants [2000000000, 8]"),
      ("intermediate_size", 2_147_483_648, "config.json wants [2147483648, 8]"),
      ("num_hidden_layers", 2_000_000_000, "field num_hidden_layers is 2000000000, the files hold 11 tensors"),
      ("head_dim", 2_000_000_000, "config.json wants [4000000000, 8]"),
      ("num_attention_heads", 2_147_483_648, "config.json wants [8589934592, 8]"),
    ] as [(String, Int, String)] {
      let editor = try CheckpointEditor()
      try editor.configure([(member, JSONValue(size))])
      if member == "num_attention_heads" { try editor.configure([("num_key_value_heads", JSONValue(size))]) }
      #expect(editor.complaint().contains(complaint), "\(editor.complaint())")
    }
  }

  @Test("Weights that are missing, cut off or in a wrong place are refused with the file's name")
  func files() throws {
    let editor = try CheckpointEditor()
    let file = editor.folder.appending("model.safetensors")
    let whole = try FileContent.read(file)
    try FileContent.write(whole.dropLast(4), to: file)
    #expect(editor.complaint().contains("model.safetensors: is cut off"))
    try Path.remove(file)
    #expect(editor.complaint().contains("model.safetensors: there is no such file"))
    let index = editor.folder.appending("model.safetensors.index.json")
    try FileContent.write(#"{"weight_map": {"model.norm.weight": "../model.safetensors"}}"#.utf8, to: index)
    #expect(editor.complaint().contains("no name in this folder"))
    try FileContent.write(#"{"weight_map": {"model.norm.weight": "model-1.safetensors"}}"#.utf8, to: index)
    #expect(editor.complaint().contains("model-1.safetensors: can't be read"))
    try Path.remove(editor.folder.appending("config.json"))
    #expect(editor.complaint().contains("config.json: there is no such file"))
  }

  @Test("A context of two thousand million positions takes no memory until it is read")
  func statedContext() throws {
    let editor = try CheckpointEditor()
    try editor.configure([("max_position_embeddings", 2_000_000_000)])
    let model = try editor.load()
    #expect(model.contextLength == 2_000_000_000)
    #expect(logits(of: model, [1, 2, 3]) == logits(of: editor.model, [1, 2, 3]))
    let long = (0..<700).map { Int32($0 % 11) }
    let near = logits(of: model, long)
    #expect(Array(near.prefix(33)) == logits(of: model, [0, 1, 2]))
  }

  @Test("A weight that is no number or infinite is refused with tensor and place, in every type")
  func notFinite() throws {
    let editor = try CheckpointEditor()
    let gate = "model.layers.0.mlp.gate_proj.weight"
    for (type, poison) in [
      ("F32", [0, 0, 0xC0, 0x7F]), ("F32", [0, 0, 0x80, 0xFF]), ("F16", [0, 0x7C]), ("BF16", [0xC0, 0x7F]),
    ]
      as [(String, [UInt8])]
    {
      try editor.rewrite { entries in
        for index in entries.indices where entries[index].name == gate {
          let width = poison.count
          entries[index].type = type
          entries[index].bytes = [UInt8](repeating: 0, count: 96 * width)
          entries[index].bytes.replaceSubrange(17 * width..<18 * width, with: poison)
        }
      }
      #expect(editor.complaint().contains("tensor \(gate) holds "), "\(editor.complaint())")
      #expect(editor.complaint().contains("at element 17 of 96"))
    }
  }

  @Test("A named pipe in the place of a file of the model is refused, not waited for")
  func pipes() throws {
    for name in ["config.json", "generation_config.json", "model.safetensors"] {
      let editor = try CheckpointEditor()
      try Path.remove(editor.folder.appending(name))
      mkfifo(editor.folder.appending(name).string, 0o600)
      #expect(editor.complaint().contains("named pipe"), "\(editor.complaint())")
    }
  }

  @Test("Where files state an end token differently, all of them end a text and it is said")
  func endTokens() throws {
    let editor = try CheckpointEditor()
    #expect(try ModelFacts(of: editor.folder).notes.isEmpty)
    try editor.configure([("eos_token_id", 5)], file: "generation_config.json")
    let facts = try ModelFacts(of: editor.folder)
    #expect(facts.configuration.endTokens == [2, 5] && facts.tokenizerEnd == nil)
    #expect(facts.notes.count == 1 && facts.notes[0].contains("generation_config.json names the end token 5"))
    try editor.configure([("eos_token_id", [5, 2])], file: "generation_config.json")
    let tokenizer =
      #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "<e>": 3}, "merges": []}, "added_tokens": []}"#
    try FileContent.write(tokenizer.utf8, to: editor.folder.appending("tokenizer.json"))
    try FileContent.write(#"{"eos_token": "<e>"}"#.utf8, to: editor.folder.appending("tokenizer_config.json"))
    let third = try ModelFacts(of: editor.folder)
    #expect(third.tokenizerEnd == 3 && third.notes.count == 1)
    #expect(third.notes[0].contains("ends texts with the end token 3, the model in "))
  }

  @Test("A tokenizer beside a model that can't be read bars nothing, and it is said that nothing was compared")
  func unreadableTokenizer() throws {
    let editor = try CheckpointEditor()
    try FileContent.write("{}".utf8, to: editor.folder.appending("tokenizer.json"))
    let facts = try ModelFacts(of: editor.folder)
    #expect(facts.configuration.endTokens == [2] && facts.tokenizerEnd == nil)
    #expect(facts.notes.count == 1)
    #expect(facts.notes.first?.contains("the tokenizer's end token is not compared with the model's") == true)
  }

  @Test("Two spellings of the rotary scaling that say something else are refused, two that agree are one")
  func twoScalings() throws {
    let scaling: JSONValue = [
      "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
      "original_max_position_embeddings": 8,
    ]
    let editor = try CheckpointEditor()
    try editor.configure([("rope_scaling", scaling), ("rope_parameters", scaling)])
    #expect(editor.complaint() == "")
    try editor.configure([("rope_parameters", ["rope_type": "default"])])
    #expect(editor.complaint().contains("field rope_scaling says something else than rope_parameters"))
  }

  @Test("Where files state a begin token differently it is said, and what becomes of it")
  func beginTokens() throws {
    let editor = try CheckpointEditor()
    try editor.configure([("bos_token_id", 7)], file: "generation_config.json")
    let facts = try ModelFacts(of: editor.folder)
    #expect(
      facts.notes.count == 1 && facts.notes[0].contains("names the begin token 7")
        && facts.notes[0].hasSuffix("1 is written on"))
    try editor.configure([("bos_token_id", 7)])
    #expect(try ModelFacts(of: editor.folder).notes.isEmpty)
    let tokenizer =
      #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<e>": 2}, "merges": []}, "added_tokens": []}"#
    try FileContent.write(tokenizer.utf8, to: editor.folder.appending("tokenizer.json"))
    let configuration = editor.folder.appending("tokenizer_config.json")
    try FileContent.write(#"{"eos_token": "<e>", "bos_token": "a"}"#.utf8, to: configuration)
    let other = try ModelFacts(of: editor.folder)
    #expect(other.notes.count == 1 && other.notes[0].contains("the tokenizer begins texts with 0"))
    #expect(other.notes.first?.hasSuffix("7 is written on") == true)
    // A tokenizer that names none begins none.
    try FileContent.write(#"{"eos_token": "<e>"}"#.utf8, to: configuration)
    #expect(try ModelFacts(of: editor.folder).notes.isEmpty)
  }

  @Test("An index of other files beside model.safetensors is said, and not read")
  func shadowedIndex() throws {
    let editor = try CheckpointEditor()
    let index = editor.folder.appending("model.safetensors.index.json")
    for (text, isSaid) in [
      (#"{"weight_map": {"a": "other-1.safetensors", "b": "other-2.safetensors"}}"#, true),
      (#"{"weight_map": {"a": "model.safetensors"}}"#, false), ("x", false),
    ] {
      try FileContent.write(text.utf8, to: index)
      let notes = try ModelFacts(of: editor.folder).notes
      #expect(notes.count == (isSaid ? 1 : 0))
      #expect(notes.allSatisfy { $0.contains("names other files (other-1.safetensors, other-2.safetensors)") })
      _ = try editor.load()
    }
  }

  @Test(
    "A model is checked by configuration and headers: shapes, missing and extra tensors; of strangers headers alone")
  func headersAlone() throws {
    let editor = try CheckpointEditor()
    try ModelFolder.check(editor.folder)
    func complaint() -> String {
      do {
        try ModelFolder.check(editor.folder)
        return ""
      } catch {
        return "\(error)"
      }
    }
    try editor.configure([("hidden_size", 16)])
    #expect(complaint().contains("has shape [11, 8], config.json wants [11, 16]"))
    try editor.configure([("model_type", "gpt2")])
    #expect(complaint() == "")
    try editor.configure([("hidden_size", 8), ("model_type", nil as JSONValue?)])
    #expect(complaint().contains("field model_type is missing"))
    try editor.configure([("model_type", "llama")])
    let embedding = try #require(editor.model.parameters["model.embed_tokens.weight"]).elements
    try editor.rewrite {
      $0.append(.floats("lm_head.weight", [11, 8], embedding))
      $0.append(.floats("model.layers.0.self_attn.rotary_emb.inv_freq", [2], [1, 0.1]))
    }
    #expect(complaint() == "")
    try editor.rewrite { $0.append(.floats("model.layers.1.mlp.gate_proj.weight", [2], [0, 0])) }
    #expect(complaint().contains("model.layers.1.mlp.gate_proj.weight belongs to no part"))
    try editor.rewrite { $0[0].type = "I32" }
    #expect(complaint().contains(" is I32, expected F32, F16 or BF16"))
    try editor.rewrite { $0.removeLast() }
    #expect(complaint().contains("is missing"))
  }

  @Test(
    "Golden models load, and both spellings of one model are the same",
    .enabled(if: Fixture.shared("golden/models") != nil, "skipped: no shared golden data beside the project"))
  func golden() throws {
    let models = try #require(Fixture.shared("golden/models"))
    let device = Device(threads: 2)
    for name in ["llama-gqa", "llama-headdim", "llama-tied"] {
      _ = try ModelFolder.load(models.pushing(FilePath("\(name)/hf")), on: device, trained: false)
    }
    let newer = try ModelFolder.load(models.pushing("llama3-rope/hf"), on: device, trained: false)
    let older = try ModelFolder.load(models.pushing("llama3-rope/hf-legacy"), on: device, trained: false)
    #expect(newer.configuration == older.configuration)
    #expect(newer.parameters.values.elements == older.parameters.values.elements)
    for name in ["gpt2", "qwen2", "t5-v10"] {
      #expect(throws: CheckpointError.self) {
        try ModelFolder.load(models.pushing(FilePath("\(name)/hf")), on: device, trained: false)
      }
    }
  }
}

import CanonicalJSON
import SystemPackage
import Transformers

/// The `config.json` of a Llama, as transformers 4 and 5 spell it.
///
/// What is absent has the value of their `LlamaConfig`.
enum LlamaConfigurationFile {
  /// Reads the members of a `config.json`.
  ///
  /// - Parameters:
  ///   - fields: The file.
  ///   - generation: `generation_config.json`, whose end tokens count too, where there is one.
  /// - Returns: The configuration.
  /// - Throws: `CheckpointError` naming the field that is missing, wrong or not supported.
  static func read(_ fields: ConfigurationFields, generation: ConfigurationFields?) throws(CheckpointError)
    -> LlamaConfiguration
  {
    try refuseStrangers(fields)
    let width = try fields.count("hidden_size")
    let heads = try fields.count("num_attention_heads")
    let keyValueHeads = try fields.count("num_key_value_heads", standard: heads)
    guard heads % keyValueHeads == 0 else {
      throw fields.failure("num_key_value_heads", "is \(keyValueHeads), which does not divide the \(heads) heads")
    }
    if !fields.has("head_dim"), width % heads != 0 {
      throw fields.failure("head_dim", "is missing, and the \(heads) heads do not divide the width \(width)")
    }
    let headWidth = try fields.count("head_dim", standard: width / heads)
    guard headWidth % 2 == 0 else {
      throw fields.failure("head_dim", "is \(headWidth), rotary positions need an even number")
    }
    let vocabulary = try fields.count("vocab_size")
    let level = try fields.float("level_offset", standard: 0)
    guard abs(level) <= LlamaConfiguration.largestLevelOffset else {
      throw fields.failure(
        "level_offset",
        "is \(level), expected a number from -\(LlamaConfiguration.largestLevelOffset) to "
          + "\(LlamaConfiguration.largestLevelOffset): beside a larger one nothing is left of values")
    }
    let rotary = try rotary(fields)
    var endTokens = try fields.tokens("eos_token_id", standard: [2], vocabulary: vocabulary)
    if let generation {
      for token in try generation.tokens("eos_token_id", standard: [], vocabulary: vocabulary)
      where !endTokens.contains(token) {
        endTokens.append(token)
      }
    }
    return LlamaConfiguration(
      vocabularySize: vocabulary, width: width, layers: try fields.count("num_hidden_layers"), heads: heads,
      keyValueHeads: keyValueHeads, headWidth: headWidth, feedForward: try fields.count("intermediate_size"),
      contextLength: try fields.count("max_position_embeddings", standard: 2048),
      normEpsilon: try fields.float("rms_norm_eps", standard: 1e-6, from: 0), rotaryBase: rotary.base,
      rotaryScaling: rotary.scaling, isTied: try fields.flag("tie_word_embeddings", standard: false),
      levelOffset: level,
      beginToken: try fields.tokens("bos_token_id", standard: [1], vocabulary: vocabulary).first,
      endTokens: endTokens)
  }

  private static func refuseStrangers(_ fields: ConfigurationFields) throws(CheckpointError) {
    let type = try fields.string("model_type")
    guard type == "llama" else {
      guard let type else { throw fields.failure("model_type", "is missing; only llama can be loaded as yet") }
      throw fields.unsupported("model_type", "is \(type); only llama can be loaded as yet")
    }
    if let architecture = fields.object["architectures"]?.array?.first?.string, architecture != "LlamaForCausalLM" {
      throw fields.unsupported(
        "architectures", "names \(architecture); only LlamaForCausalLM has the language model's head")
    }
    if let activation = try fields.string("hidden_act"), activation != "silu" {
      throw fields.unsupported("hidden_act", "is \(activation); only silu is supported")
    }
    for name in ["attention_bias", "mlp_bias"] where try fields.flag(name, standard: false) {
      throw fields.unsupported(name, "is true; biases are not supported")
    }
    if fields.has("quantization_config") {
      throw fields.unsupported("quantization_config", "says that weights are quantised; save them as F32, F16 or BF16")
    }
  }

  /// Rotary positions: `rope_parameters` of transformers 5, else `rope_theta` and `rope_scaling` of 4.
  private static func rotary(_ fields: ConfigurationFields) throws(CheckpointError) -> (
    base: Double, scaling: RotaryScaling
  ) {
    let base = try fields.positive("rope_theta", standard: 10_000)
    let parameters = try fields.fields("rope_parameters")
    let older = try fields.fields("rope_scaling")
    if let parameters, let older, parameters.object != older.object {
      throw fields.failure("rope_scaling", "says something else than rope_parameters; leave one of them out")
    }
    guard let rotary = parameters ?? older else { return (base, .none) }
    let name = parameters == nil ? "rope_scaling" : "rope_parameters"
    if try rotary.number("partial_rotary_factor", standard: 1) != 1 {
      throw fields.unsupported(name, "has a partial_rotary_factor; only whole heads can be turned")
    }
    let ownBase = try rotary.positive("rope_theta", standard: base)
    if fields.has("rope_theta"), ownBase != base {
      throw fields.failure("rope_theta", "is \(base), in \(name) it is \(ownBase); leave one of them out")
    }
    let (type, olderType) = (try rotary.string("rope_type"), try rotary.string("type"))
    switch type ?? olderType ?? "default" {
    case "default": return (ownBase, .none)
    case "llama3":
      return (
        ownBase,
        .llama3(
          factor: try rotary.positive("factor"), lowFrequencyFactor: try rotary.positive("low_freq_factor"),
          highFrequencyFactor: try rotary.positive("high_freq_factor"),
          originalContext: try rotary.count("original_max_position_embeddings"))
      )
    case let type: throw fields.unsupported(name, "is of type \(type); default and llama3 are supported")
    }
  }

  /// The members that both transformers 4 and 5 read as this configuration; 5 takes 4's spelling of rotary positions.
  static func write(_ configuration: LlamaConfiguration) -> JSONObject {
    var object: JSONObject = [
      "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0,
      "bos_token_id": configuration.beginToken.map { JSONValue(Int($0)) } ?? nil,
      "eos_token_id": tokens(configuration.endTokens), "head_dim": JSONValue(configuration.headWidth),
      "hidden_act": "silu", "hidden_size": JSONValue(configuration.width), "initializer_range": 0.02,
      "intermediate_size": JSONValue(configuration.feedForward),
    ]
    if configuration.levelOffset != 0 { object["level_offset"] = .number(shortest: configuration.levelOffset) }
    let rest: [(String, JSONValue)] = [
      ("max_position_embeddings", JSONValue(configuration.contextLength)), ("mlp_bias", false),
      ("model_type", "llama"), ("num_attention_heads", JSONValue(configuration.heads)),
      ("num_hidden_layers", JSONValue(configuration.layers)),
      ("num_key_value_heads", JSONValue(configuration.keyValueHeads)),
      ("rms_norm_eps", .number(shortest: configuration.normEpsilon)), ("rope_scaling", scaling(configuration)),
      ("rope_theta", JSONValue(configuration.rotaryBase)), ("tie_word_embeddings", .bool(configuration.isTied)),
      ("torch_dtype", "float32"), ("use_cache", true), ("vocab_size", JSONValue(configuration.vocabularySize)),
    ]
    for (name, value) in rest { object[name] = value }
    return object
  }

  private static func scaling(_ configuration: LlamaConfiguration) -> JSONValue {
    guard case .llama3(let factor, let low, let high, let context) = configuration.rotaryScaling else { return nil }
    return [
      "factor": JSONValue(factor), "high_freq_factor": JSONValue(high), "low_freq_factor": JSONValue(low),
      "original_max_position_embeddings": JSONValue(context), "rope_type": "llama3",
    ]
  }

  /// One id as a number, several as a list, none as null.
  static func tokens(_ tokens: [Int32]) -> JSONValue {
    switch tokens.count {
    case 0: nil
    case 1: JSONValue(Int(tokens[0]))
    default: .array(tokens.map { JSONValue(Int($0)) })
    }
  }
}

import Autodiff
import CanonicalJSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformers

/// A model with its tokens, as the reference wrote them: `hf/`, `tokens/train.safetensors`.
struct ReferenceModel {
  let folder: FilePath
  let configuration: LlamaConfiguration
  let rows: [(tokens: [Int32], promptLength: Int)]

  init(_ folder: FilePath) throws {
    self.folder = folder
    configuration = try LlamaConfiguration(
      reference: JSONValue(parsing: Fixture.bytes(folder.appending("hf").appending("config.json"))))
    let file = try TensorFile(folder.appending("tokens").appending("train.safetensors"))
    let tokens = try file.integers("tokens")
    let offsets = try file.longs("offsets")
    rows = try file.integers("prompt_lengths").enumerated().map {
      (Array(tokens[offsets[$0]..<offsets[$0 + 1]]), Int($1))
    }
  }

  func load(on device: Device) throws -> LlamaModel {
    let model = LlamaModel(configuration, on: device, trained: true)
    let file = try TensorFile(folder.appending("hf").appending("model.safetensors"))
    for entry in model.parameters.entries {
      let values = try file.floats(entry.name)
      #expect(values.count == entry.shape.count)
      model.parameters.value(entry).assign(Tensor(entry.shape, values, in: device.buffers))
    }
    return model
  }

  /// All rows in one batch, in this order.
  func batch(order: [Int]? = nil) -> RaggedBatch {
    var batch = RaggedBatch()
    for index in order ?? Array(rows.indices) {
      let row = rows[index]
      batch.append(
        row.tokens, promptLength: row.promptLength,
        isTerminal: row.tokens.last.map { configuration.endTokens.contains($0) } ?? false)
    }
    return batch
  }
}

extension LlamaConfiguration {
  /// The fields of `config.json` that the reference models use.
  init(reference json: JSONValue) throws {
    let rotary = json["rope_parameters"]
    let integer = { (name: String) in try #require(json[name]?.integer) }
    var scaling = RotaryScaling.none
    if rotary?["rope_type"]?.string == "llama3" {
      scaling = .llama3(
        factor: try #require(rotary?["factor"]?.number),
        lowFrequencyFactor: try #require(rotary?["low_freq_factor"]?.number),
        highFrequencyFactor: try #require(rotary?["high_freq_factor"]?.number),
        originalContext: try #require(rotary?["original_max_position_embeddings"]?.integer))
    }
    self.init(
      vocabularySize: try integer("vocab_size"), width: try integer("hidden_size"),
      layers: try integer("num_hidden_layers"), heads: try integer("num_attention_heads"),
      keyValueHeads: try integer("num_key_value_heads"), headWidth: json["head_dim"]?.integer,
      feedForward: try integer("intermediate_size"), contextLength: try integer("max_position_embeddings"),
      normEpsilon: Float(try #require(json["rms_norm_eps"]?.number)),
      rotaryBase: try #require(rotary?["rope_theta"]?.number), rotaryScaling: scaling,
      isTied: try #require(json["tie_word_embeddings"]?.bool as Bool?), endTokens: [Int32(try integer("eos_token_id"))])
  }
}

/// MLE, or IQLearn with full gradient, written plainly: PAPER's formulas with v = 0 after the end.
struct PlainObjective: RowObjective {
  var lambda: Float = 0
  var gamma: Float = 1
  var statistics: RowStatisticsOptions { [] }

  func coefficients(of rows: SequenceRows, into coefficients: UnsafeMutableBufferPointer<RowCoefficients>) {
    var previous: Float = 0
    for row in rows.actions.indices {
      if rows.actions[row] < 0 {
        coefficients[row] = RowCoefficients(oneHot: 0, softmax: -2 * lambda * gamma * previous)
        continue
      }
      let next = row + 1 < rows.values.count ? rows.values[row + 1] : 0
      let reward = rows.actionLogits[row] - gamma * next
      coefficients[row] = RowCoefficients(
        oneHot: 2 * lambda * reward - 1, softmax: 1 - 2 * lambda * gamma * previous)
      previous = reward
    }
  }

  /// The mean loss over tokens with an action, in double.
  func loss(of statistics: RowStatistics) -> Double {
    var sum = 0.0
    var count = 0
    for sequence in 0..<statistics.offsets.count - 1 {
      let range = statistics.offsets[sequence]..<statistics.offsets[sequence + 1]
      for row in range where statistics.actions[row] >= 0 {
        let next = row + 1 < range.upperBound ? Double(statistics.values[row + 1]) : 0
        let reward = Double(statistics.actionLogits[row]) - Double(gamma) * next
        sum += Double(lambda) * reward * reward
        sum -= Double(statistics.actionLogits[row]) - Double(statistics.values[row])
        count += 1
      }
    }
    return sum / Double(count)
  }
}

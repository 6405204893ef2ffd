public import Autodiff
public import Tensors

/// A Llama-style decoder.
///
///     h = embedding(tokens)
///     h += attention(norm(h)) Woᵀ,  h += (silu(norm(h) Wgᵀ) ⊙ norm(h) Wuᵀ) Wdᵀ      for each layer
///     logits = norm(h) · outputMatrixᵀ − level offset
public final class LlamaModel: LanguageModel {
  /// The parameters of one block, queries, keys and values joined, gate and up joined.
  package struct Layer: Sendable {
    /// Shape [width].
    package let inputNorm: Parameter
    /// Shape [(heads + 2 · key-value heads) · head width, width].
    package let attentionInput: Parameter
    /// Shape [width, heads · head width].
    package let attentionOutput: Parameter
    /// Shape [width].
    package let mlpNorm: Parameter
    /// Shape [2 · feed forward, width].
    package let gateUp: Parameter
    /// Shape [width, feed forward].
    package let down: Parameter
  }

  /// Its shape.
  public let configuration: LlamaConfiguration
  /// Where it lives.
  public let device: Device
  /// Its trained tensors.
  public let parameters: ModelParameters
  /// The matrix that makes logits of hidden states [vocabulary, width].
  public let outputMatrix: Parameter
  /// Shape [vocabulary, width].
  package let embedding: Parameter
  /// The blocks.
  package let layers: [Layer]
  /// Shape [width].
  package let finalNorm: Parameter
  /// How heads lie in a row of projections.
  package let layout: AttentionLayout
  private let turns: RotaryTurns

  /// A model whose parameters are undefined as yet: the caller fills `parameters.values`.
  ///
  /// - Parameters:
  ///   - configuration: Its shape.
  ///   - device: Where it lives.
  ///   - trained: Whether there is room for gradients.
  public init(_ configuration: LlamaConfiguration, on device: Device, trained: Bool) {
    self.configuration = configuration
    self.device = device
    let parameters = ModelParameters(LlamaModel.layout(of: configuration), on: device, trained: trained)
    self.parameters = parameters
    embedding = parameters.joined("model.embed_tokens.weight")
    outputMatrix = configuration.isTied ? embedding : parameters.joined("lm_head.weight")
    finalNorm = parameters.joined("model.norm.weight")
    layers = (0..<configuration.layers).map { index in
      let layer = "model.layers.\(index)."
      let attention = layer + "self_attn."
      return Layer(
        inputNorm: parameters.joined(layer + "input_layernorm.weight"),
        attentionInput: parameters.joined(
          attention + "q_proj.weight", attention + "k_proj.weight", attention + "v_proj.weight"),
        attentionOutput: parameters.joined(attention + "o_proj.weight"),
        mlpNorm: parameters.joined(layer + "post_attention_layernorm.weight"),
        gateUp: parameters.joined(layer + "mlp.gate_proj.weight", layer + "mlp.up_proj.weight"),
        down: parameters.joined(layer + "mlp.down_proj.weight"))
    }
    layout = AttentionLayout(
      heads: configuration.heads, keyValueHeads: configuration.keyValueHeads, headWidth: configuration.headWidth)
    turns = RotaryTurns(configuration, on: device)
  }

  /// Names and shapes of the parameters, in the order of `transformers`' state dictionary.
  public static func layout(of configuration: LlamaConfiguration) -> [(name: String, shape: Shape)] {
    let width = configuration.width
    let queries = configuration.heads * configuration.headWidth
    let keys = configuration.keyValueHeads * configuration.headWidth
    let inner = configuration.feedForward
    var layout: [(name: String, shape: Shape)] = [("model.embed_tokens.weight", [configuration.vocabularySize, width])]
    for index in 0..<configuration.layers {
      let tensors: [(String, Shape)] = [
        ("self_attn.q_proj", [queries, width]), ("self_attn.k_proj", [keys, width]),
        ("self_attn.v_proj", [keys, width]), ("self_attn.o_proj", [width, queries]),
        ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]), ("mlp.down_proj", [width, inner]),
        ("input_layernorm", [width]), ("post_attention_layernorm", [width]),
      ]
      layout += tensors.map { ("model.layers.\(index).\($0).weight", $1) }
    }
    layout.append(("model.norm.weight", [width]))
    if !configuration.isTied { layout.append(("lm_head.weight", [configuration.vocabularySize, width])) }
    return layout
  }

  /// The turns of at least the first `positions` positions, which the context must have.
  package func rotary(reaching positions: Int) -> RotaryTable { turns.reaching(positions) }

  /// How many tokens there are.
  public var vocabularySize: Int { configuration.vocabularySize }
  /// The longest sequence that it reads.
  public var contextLength: Int { configuration.contextLength }
  /// A number subtracted from all logits.
  public var levelOffset: Float { configuration.levelOffset }
  /// The token that begins a text, if there is one.
  public var beginToken: Int32? { configuration.beginToken }
  /// The tokens that end a text.
  public var endTokens: [Int32] { configuration.endTokens }

  /// The final hidden state after each predicting token of a batch [rows, width], recorded on `tape`.
  ///
  /// After the last attention only predicting tokens go on: nothing else reads the others.
  public func hiddenStates(of batch: RaggedBatch, dropout: DropoutSettings?, on tape: Tape) -> Variable {
    precondition(
      zip(batch.offsets, batch.offsets.dropFirst()).allSatisfy { $1 - $0 <= contextLength },
      "a sequence longer than the context of \(contextLength) tokens")
    precondition(
      batch.tokens.allSatisfy { $0 >= 0 && $0 < vocabularySize }
        && batch.rows.actions.allSatisfy { $0 < vocabularySize },
      "a token beyond the vocabulary of \(vocabularySize)")
    let epsilon = configuration.normEpsilon
    let rotary = rotary(reaching: zip(batch.offsets, batch.offsets.dropFirst()).map { $1 - $0 }.max() ?? 0)
    var hidden = tape.embedding(embedding, batch.tokens)
    hidden = tape.dropout(hidden, dropout?.mask(site: 0))
    for (index, layer) in layers.enumerated() {
      let projections = tape.linear(
        tape.rmsNorm(hidden, layer.inputNorm, epsilon: epsilon), layer.attentionInput)
      var read = tape.causalAttention(projections, offsets: batch.offsets, layout: layout, rotary: rotary)
      if index == layers.count - 1 {
        read = tape.selectRows(read, batch.predictingTokens)
        hidden = tape.selectRows(hidden, batch.predictingTokens)
      }
      let masks = (dropout?.mask(site: 2 * index + 1), dropout?.mask(site: 2 * index + 2))
      if let mask = masks.0 {
        hidden = tape.sum(hidden, tape.dropout(tape.linear(read, layer.attentionOutput), mask))
      } else {
        hidden = tape.linear(read, layer.attentionOutput, residual: hidden)
      }
      let normalised = tape.rmsNorm(hidden, layer.mlpNorm, epsilon: epsilon)
      if let mask = masks.1 {
        let added = tape.gatedMLP(normalised, gateUp: layer.gateUp, down: layer.down, residual: nil)
        hidden = tape.sum(hidden, tape.dropout(added, mask))
      } else {
        hidden = tape.gatedMLP(normalised, gateUp: layer.gateUp, down: layer.down, residual: hidden)
      }
    }
    if layers.isEmpty { hidden = tape.selectRows(hidden, batch.predictingTokens) }
    return tape.rmsNorm(hidden, finalNorm, epsilon: epsilon)
  }
}

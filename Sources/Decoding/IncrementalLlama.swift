import Autodiff
import Tensors
import Transformers

/// A Llama that reads prompts once and then one token at a time.
struct IncrementalLlama: IncrementalModel {
  let model: LlamaModel

  var device: Device { model.device }
  var vocabularySize: Int { model.vocabularySize }
  private var epsilon: Float { model.configuration.normEpsilon }
  private var layout: AttentionLayout { model.layout }

  func makeCache(positions: Int) -> KeyValueCache {
    KeyValueCache(AttentionCacheLayout(layout, positions: positions), layers: model.layers.count, on: device)
  }

  func read(_ prompts: [(tokens: [Int32], cache: KeyValueCache)]) -> Tensor {
    let tokens = prompts.flatMap(\.tokens)
    var offsets = [0]
    for prompt in prompts { offsets.append(offsets[offsets.count - 1] + prompt.tokens.count) }
    let width = model.configuration.width
    let hidden = device.empty([tokens.count, width])
    device.gatherRows(model.embedding.value, tokens, into: hidden)
    let normalised = device.empty([tokens.count, width])
    let projections = device.empty([tokens.count, layout.width])
    let attended = device.empty([tokens.count, layout.queryWidth])
    let rotary = model.rotary(reaching: prompts.map(\.tokens.count).max() ?? 0)
    for (index, layer) in model.layers.enumerated() {
      device.rmsNorm(hidden, weight: layer.inputNorm.value, epsilon: epsilon, into: normalised)
      device.project(MatrixView(normalised), layer.attentionInput.value, into: MatrixView(projections))
      device.causalAttention(
        projections, offsets: offsets, layout: layout, rotary: rotary, into: attended, logSums: nil)
      device.workers.parallel(prompts.count) { prompt in
        let span = prompts[prompt].cache.span(layer: index, count: prompts[prompt].tokens.count)
        for position in 0..<prompts[prompt].tokens.count {
          let row = projections.pointer + (offsets[prompt] + position) * layout.width + layout.queryWidth
          span.store(row, row + layout.keyValueWidth, at: position)
        }
      }
      finish(layer, attended: attended, hidden: hidden, normalised: normalised)
    }
    let last = device.empty([prompts.count, width])
    device.gatherRows(hidden, offsets.dropFirst().map { Int32($0 - 1) }, into: last)
    let result = device.empty([prompts.count, width])
    device.rmsNorm(last, weight: model.finalNorm.value, epsilon: epsilon, into: result)
    return result
  }

  func step(_ rows: [DecodingRow]) -> Tensor {
    let width = model.configuration.width
    let hidden = device.empty([rows.count, width])
    device.gatherRows(model.embedding.value, rows.map(\.token), into: hidden)
    let normalised = device.empty([rows.count, width])
    let projections = device.empty([rows.count, layout.width])
    let attended = device.empty([rows.count, layout.queryWidth])
    let positions = rows.map { $0.promptLength + $0.ownLength }
    let rotary = model.rotary(reaching: (positions.max() ?? 0) + 1)
    for (index, layer) in model.layers.enumerated() {
      device.rmsNorm(hidden, weight: layer.inputNorm.value, epsilon: epsilon, into: normalised)
      device.project(MatrixView(normalised), layer.attentionInput.value, into: MatrixView(projections))
      device.rotate(MatrixView(projections), positions: positions, layout: layout, by: rotary)
      for (position, row) in rows.enumerated() {
        let keys = projections.pointer + position * layout.width + layout.queryWidth
        row.own.span(layer: index, count: row.ownLength).store(keys, keys + layout.keyValueWidth, at: row.ownLength)
      }
      device.decodeAttention(MatrixView(projections), layout: layout, into: MatrixView(attended)) { row in
        [
          rows[row].prompt.span(layer: index, count: rows[row].promptLength),
          rows[row].own.span(layer: index, count: rows[row].ownLength + 1),
        ]
      }
      finish(layer, attended: attended, hidden: hidden, normalised: normalised)
    }
    device.rmsNorm(hidden, weight: model.finalNorm.value, epsilon: epsilon, into: normalised)
    return normalised
  }

  /// hidden += attended Woᵀ, then hidden += the gated MLP of its norm.
  private func finish(_ layer: LlamaModel.Layer, attended: Tensor, hidden: Tensor, normalised: Tensor) {
    device.project(
      MatrixView(attended), layer.attentionOutput.value, into: MatrixView(hidden), accumulate: true)
    device.rmsNorm(hidden, weight: layer.mlpNorm.value, epsilon: epsilon, into: normalised)
    let rows = hidden.shape.rows
    let inner = model.configuration.feedForward
    let both = device.empty([rows, 2 * inner])
    device.project(MatrixView(normalised), layer.gateUp.value, into: MatrixView(both))
    let activation = device.empty([rows, inner])
    device.gatedActivation(both, into: activation)
    device.project(MatrixView(activation), layer.down.value, into: MatrixView(hidden), accumulate: true)
  }

  func logits(_ hidden: Tensor) -> Tensor {
    let logits = device.empty([hidden.shape.rows, vocabularySize])
    device.project(MatrixView(hidden), model.outputMatrix.value, into: MatrixView(logits))
    return logits
  }
}

import Tensors

/// Keys and values of a stretch of positions, in all layers.
final class KeyValueCache: Sendable {
  let layout: AttentionCacheLayout
  private let storage: Tensor

  init(_ layout: AttentionCacheLayout, layers: Int, on device: Device) {
    self.layout = layout
    storage = device.empty([layers, layout.count])
  }

  func span(layer: Int, count: Int) -> AttentionSpan {
    AttentionSpan(base: storage.pointer + layer * layout.count, layout: layout, count: count)
  }
}

/// One row of a decoding step: a token to read at its place in a sequence.
struct DecodingRow {
  /// The token.
  var token: Int32
  /// The prompt's keys and values, shared by all samples of the prompt.
  var prompt: KeyValueCache
  /// How many positions the prompt has.
  var promptLength: Int
  /// The sample's own keys and values.
  var own: KeyValueCache
  /// How many positions the sample has read before this one.
  var ownLength: Int
}

/// A model that reads prompts once and then one token at a time.
protocol IncrementalModel {
  /// Where it lives.
  var device: Device { get }
  /// How many tokens there are.
  var vocabularySize: Int { get }
  /// A cache with room for so many positions.
  func makeCache(positions: Int) -> KeyValueCache
  /// Reads whole prompts and keeps their keys and values.
  ///
  /// - Returns: The final hidden state after each prompt [prompts, width].
  func read(_ prompts: [(tokens: [Int32], cache: KeyValueCache)]) -> Tensor
  /// Reads one token of each row and keeps its keys and values in `own`.
  ///
  /// - Returns: The final hidden state after each row [rows, width].
  func step(_ rows: [DecodingRow]) -> Tensor
  /// The logits of hidden states [rows, vocabulary].
  func logits(_ hidden: Tensor) -> Tensor
}

internal import CKernels

/// How queries, keys and values lie side by side in a row: all query heads, then key heads, then value heads.
package struct AttentionLayout: Sendable, Equatable {
  package let heads: Int
  package let keyValueHeads: Int
  package let headWidth: Int

  package init(heads: Int, keyValueHeads: Int, headWidth: Int) {
    precondition(heads % keyValueHeads == 0, "\(heads) query heads over \(keyValueHeads) key-value heads")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
  }

  /// Query heads that share a key-value head.
  package var group: Int { heads / keyValueHeads }
  /// Elements of all queries of a row.
  package var queryWidth: Int { heads * headWidth }
  /// Elements of all keys, or all values, of a row.
  package var keyValueWidth: Int { keyValueHeads * headWidth }
  /// Elements of a row.
  package var width: Int { queryWidth + 2 * keyValueWidth }
  /// 1 / √head width, by which scores are multiplied.
  package var scale: Float { 1 / Float(headWidth).squareRoot() }
}

/// Queries of one block of positions against the keys that they may see.
private let queryBlock = 64

extension Device {
  /// Causal attention within each sequence.
  ///
  /// Turns queries and keys in place by `rotary`, position 0 being each sequence's start; then o = softmax(scale · q kᵀ) v.
  /// A work item is one sequence and one key-value head with its group of queries.
  ///
  /// - Parameters:
  ///   - projections: Queries, keys and values [tokens, layout.width]; queries and keys are turned in place.
  ///   - offsets: Where sequences begin, and where the last one ends [sequences + 1].
  ///   - layout: How heads lie in a row.
  ///   - rotary: The turns of each position, if any.
  ///   - result: [tokens, layout.queryWidth]
  ///   - logSums: logsumexp of every row of scores [tokens, heads], for the pullback.
  package func causalAttention(
    _ projections: Tensor, offsets: [Int], layout: AttentionLayout, rotary: RotaryTable?, into result: Tensor,
    logSums: Tensor?
  ) {
    let longest = zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max() ?? 0
    let scratch = empty([workers.threads, queryBlock * longest])
    workers.parallel((offsets.count - 1) * layout.keyValueHeads) { item, worker in
      let sequence = item / layout.keyValueHeads
      let head = AttentionHead(
        projections, rows: offsets[sequence]..<offsets[sequence + 1], keyValueHead: item % layout.keyValueHeads, layout)
      if let rotary { head.rotate(rotary, direction: 1) }
      head.forward(
        into: result, logSums: logSums, scratch: scratch.pointer + worker * queryBlock * longest, stride: longest)
    }
  }

  /// The pullback of `causalAttention`: the gradient of unturned projections from that of the result.
  ///
  /// P is computed again from scores and `logSums`; dV = Pᵀ dO, dS = scale · P ⊙ (dO Vᵀ − Σ P ⊙ dO Vᵀ), dQ = dS K,
  /// dK = dSᵀ Q.
  ///
  /// - Parameters:
  ///   - projections: As `causalAttention` left them.
  ///   - offsets: Where sequences begin, and where the last one ends [sequences + 1].
  ///   - layout: How heads lie in a row.
  ///   - rotary: The turns of each position, if any.
  ///   - logSums: As `causalAttention` left them.
  ///   - gradient: The gradient of the result [tokens, layout.queryWidth].
  ///   - projectionGradient: The gradient of the projections [tokens, layout.width], overwritten.
  package func causalAttentionBackward(
    _ projections: Tensor, offsets: [Int], layout: AttentionLayout, rotary: RotaryTable?, logSums: Tensor,
    gradient: Tensor, into projectionGradient: Tensor
  ) {
    let longest = zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max() ?? 0
    let part = 2 * queryBlock * longest
    let scratch = empty([workers.threads, part])
    workers.parallel((offsets.count - 1) * layout.keyValueHeads) { item, worker in
      let sequence = item / layout.keyValueHeads
      let rows = offsets[sequence]..<offsets[sequence + 1]
      let keyValueHead = item % layout.keyValueHeads
      let head = AttentionHead(projections, rows: rows, keyValueHead: keyValueHead, layout)
      let pulled = AttentionHead(projectionGradient, rows: rows, keyValueHead: keyValueHead, layout)
      head.backward(
        gradient: gradient, logSums: logSums, into: pulled, scratch: scratch.pointer + worker * part, stride: longest)
      if let rotary { pulled.rotate(rotary, direction: -1) }
    }
  }
}

/// One key-value head of one sequence, with the queries that share it.
private struct AttentionHead {
  let layout: AttentionLayout
  let rows: Range<Int>
  let keyValueHead: Int
  /// The group's queries, side by side [rows, group · head width].
  let queries: MatrixView
  let keys: MatrixView
  let values: MatrixView

  init(_ projections: Tensor, rows: Range<Int>, keyValueHead: Int, _ layout: AttentionLayout) {
    self.layout = layout
    self.rows = rows
    self.keyValueHead = keyValueHead
    let width = layout.headWidth
    let all = MatrixView(projections).part(rows: rows)
    let query = keyValueHead * layout.group * width
    let key = layout.queryWidth + keyValueHead * width
    let value = key + layout.keyValueWidth
    queries = all.part(columns: query..<query + layout.group * width)
    keys = all.part(columns: key..<key + width)
    values = all.part(columns: value..<value + width)
  }

  func rotate(_ table: RotaryTable, direction: Float) {
    for (matrix, heads) in [(queries, layout.group), (keys, 1)] {
      kernel_rotate(
        matrix.pointer, table.cosine.pointer, table.sine.pointer, Int64(matrix.rows), Int64(matrix.stride),
        Int64(heads), Int64(layout.headWidth), direction)
    }
  }

  private func columns(of head: Int) -> Range<Int> { head * layout.headWidth..<(head + 1) * layout.headWidth }

  func forward(
    into result: Tensor, logSums: Tensor?, scratch: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for first in Swift.stride(from: 0, to: rows.count, by: queryBlock) {
      let last = min(first + queryBlock, rows.count)
      let scores = MatrixView(scratch, rows: last - first, columns: last, stride: stride)
      for head in 0..<layout.group {
        let index = keyValueHead * layout.group + head
        MatrixProduct(
          queries.part(rows: first..<last, columns: columns(of: head)), keys.part(rows: 0..<last), transposed: .right,
          into: scores
        ).run()
        kernel_causal_softmax(
          scores.pointer, Int64(stride), Int64(scores.rows), Int64(last), Int64(first), layout.scale,
          logSums.map { $0.pointer + (rows.lowerBound + first) * layout.heads + index }, Int64(layout.heads))
        MatrixProduct(
          scores, values.part(rows: 0..<last),
          into: MatrixView(result).part(
            rows: rows.lowerBound + first..<rows.lowerBound + last, columns: columns(of: index))
        ).run()
      }
    }
  }

  func backward(
    gradient: Tensor, logSums: Tensor, into pulled: AttentionHead, scratch: UnsafeMutablePointer<Float>, stride: Int
  ) {
    // From the last block, which reaches every key, to the first: the first product overwrites, the others add.
    var accumulate = false
    for first in Swift.stride(from: (rows.count - 1) / queryBlock * queryBlock, through: 0, by: -queryBlock) {
      let last = min(first + queryBlock, rows.count)
      let scores = MatrixView(scratch, rows: last - first, columns: last, stride: stride)
      let scoreGradient = MatrixView(scratch + queryBlock * stride, rows: last - first, columns: last, stride: stride)
      let seen = 0..<last
      for head in 0..<layout.group {
        let index = keyValueHead * layout.group + head
        let query = queries.part(rows: first..<last, columns: columns(of: head))
        let outer = MatrixView(gradient).part(
          rows: rows.lowerBound + first..<rows.lowerBound + last, columns: columns(of: index))
        MatrixProduct(query, keys.part(rows: seen), transposed: .right, into: scores).run()
        MatrixProduct(outer, values.part(rows: seen), transposed: .right, into: scoreGradient).run()
        kernel_causal_softmax_backward(
          scores.pointer, scoreGradient.pointer, Int64(stride), Int64(scores.rows), Int64(last), Int64(first),
          layout.scale, logSums.pointer + (rows.lowerBound + first) * layout.heads + index, Int64(layout.heads))
        MatrixProduct(
          scores, outer, transposed: .left, into: pulled.values.part(rows: seen), accumulate: accumulate
        ).run()
        MatrixProduct(
          scoreGradient, query, transposed: .left, into: pulled.keys.part(rows: seen), accumulate: accumulate
        ).run()
        MatrixProduct(
          scoreGradient, keys.part(rows: seen),
          into: pulled.queries.part(rows: first..<last, columns: columns(of: head))
        ).run()
        accumulate = true
      }
    }
  }
}

internal import CKernels

/// Rows up to which a product with a transposed matrix is quicker without packing the matrix.
private let skinnyRows = 12

/// Keys and values of some positions of one sequence in one layer, laid out for decoding.
///
/// A key-value head's keys lie transposed [head width, capacity], its values [capacity, padded head width].
package struct AttentionCacheLayout: Sendable {
  package let keyValueHeads: Int
  package let headWidth: Int
  /// Positions that there is room for, a multiple of 16.
  package let capacity: Int

  package init(_ layout: AttentionLayout, positions: Int) {
    keyValueHeads = layout.keyValueHeads
    headWidth = layout.headWidth
    capacity = (positions + 15) / 16 * 16
  }

  /// Elements from one position's values to the next.
  package var valueStride: Int { (headWidth + 15) / 16 * 16 }
  /// Elements of one head's keys.
  package var keyCount: Int { headWidth * capacity }
  /// Elements of one head's keys and values.
  package var headCount: Int { keyCount + valueStride * capacity }
  /// Elements of all heads.
  package var count: Int { keyValueHeads * headCount }
}

/// One stretch of the positions that a row attends to.
package struct AttentionSpan {
  package var base: UnsafeMutablePointer<Float>
  package var layout: AttentionCacheLayout
  /// Positions in use.
  package var count: Int

  package init(base: UnsafeMutablePointer<Float>, layout: AttentionCacheLayout, count: Int) {
    self.base = base
    self.layout = layout
    self.count = count
  }

  /// Stores one position's keys and values, as they lie in a row of projections.
  package func store(_ keys: UnsafePointer<Float>, _ values: UnsafePointer<Float>, at position: Int) {
    for head in 0..<layout.keyValueHeads {
      let target = base + head * layout.headCount
      for d in 0..<layout.headWidth {
        target[d * layout.capacity + position] = keys[head * layout.headWidth + d]
      }
      (target + layout.keyCount + position * layout.valueStride).update(
        from: values + head * layout.headWidth, count: layout.headWidth)
    }
  }

  fileprivate func segment(head: Int) -> kernel_attention_segment {
    let start = base + head * layout.headCount
    return kernel_attention_segment(
      keys: start, key_stride: Int64(layout.capacity), values: start + layout.keyCount,
      value_stride: Int64(layout.valueStride), count: Int64(count))
  }
}

extension Device {
  /// result (+)= x wᵀ, with a path for few rows. x [rows, inner], w [columns, inner], result [rows, columns]
  package func project(_ x: MatrixView, _ w: Tensor, into result: MatrixView, accumulate: Bool = false) {
    guard x.rows <= skinnyRows else {
      return multiply(
        MatrixProduct(x, MatrixView(w), transposed: .right, into: result, accumulate: accumulate))
    }
    let inner = w.shape.columns
    parallelRows(w.shape.rows, target: max(64, (1 << 15) / inner)) { range, _ in
      kernel_skinny_product(
        x.pointer, Int64(x.stride), Int64(x.rows), w.pointer + range.lowerBound * inner, Int64(inner),
        Int64(range.count), Int64(inner), result.pointer + range.lowerBound, Int64(result.stride), accumulate ? 1 : 0)
    }
  }

  /// Turns queries and keys of rows of projections by each row's own position.
  ///
  /// - Parameters:
  ///   - projections: [rows, layout.width]
  ///   - positions: The position of each row.
  ///   - layout: How heads lie in a row.
  ///   - table: The turns of each position.
  package func rotate(_ projections: MatrixView, positions: [Int], layout: AttentionLayout, by table: RotaryTable) {
    let half = table.cosine.shape.columns
    parallelRows(projections.rows, target: 32) { rows, _ in
      for row in rows {
        let start = projections.pointer + row * projections.stride
        kernel_rotate(
          start, table.cosine.pointer + positions[row] * half, table.sine.pointer + positions[row] * half, 1,
          Int64(projections.stride), Int64(layout.heads + layout.keyValueHeads), Int64(layout.headWidth), 1)
      }
    }
  }

  /// Attention of one new position of each row to the spans of that row.
  ///
  /// - Parameters:
  ///   - projections: Turned queries of each row [rows, layout.width].
  ///   - layout: How heads lie in a row.
  ///   - result: [rows, layout.queryWidth]
  ///   - spans: The spans of a row, in order; at most four.
  package func decodeAttention(
    _ projections: MatrixView, layout: AttentionLayout, into result: MatrixView,
    spans: (_ row: Int) -> [AttentionSpan]
  ) {
    let all = (0..<projections.rows).map(spans)
    let positions = all.map { $0.reduce(0) { $0 + $1.layout.capacity } }.max() ?? 0
    let width = (layout.headWidth + 15) / 16 * 16
    let scratch = empty([workers.threads, positions + width])
    workers.parallel(projections.rows) { row, worker in
      let scores = scratch.pointer + worker * (positions + width)
      let query = projections.pointer + row * projections.stride
      let out = result.pointer + row * result.stride
      for keyValueHead in 0..<layout.keyValueHeads {
        withUnsafeTemporaryAllocation(of: kernel_attention_segment.self, capacity: all[row].count) { segments in
          for (index, span) in all[row].enumerated() {
            segments.initializeElement(at: index, to: span.segment(head: keyValueHead))
          }
          for head in keyValueHead * layout.group..<(keyValueHead + 1) * layout.group {
            kernel_decode_attention(
              query + head * layout.headWidth, Int64(layout.headWidth), layout.scale, segments.baseAddress,
              Int64(segments.count), scores, scores + positions, out + head * layout.headWidth)
          }
        }
      }
    }
  }
}

extension UnsafeBufferPointer<Float> {
  /// The index of the greatest element, the first of equals.
  package var indexOfGreatest: Int { Int(kernel_argmax(baseAddress, Int64(count))) }

  /// An index drawn from softmax(x / temperature).
  ///
  /// - Parameters:
  ///   - temperature: Above 0.
  ///   - uniform: A number in [0, 1).
  ///   - scratch: Room for as many floats, rounded up to 16.
  /// - Returns: The index.
  package func draw(temperature: Float, uniform: Double, scratch: UnsafeMutablePointer<Float>) -> Int {
    Int(kernel_draw(baseAddress, Int64(count), 1 / temperature, uniform, scratch))
  }
}

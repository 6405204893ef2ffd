internal import CKernels

extension Device {
  private var normTile: Int { 64 }

  /// y = x / √(mean x² + ε) ⊙ w, and 1/√(…) of every row if asked. x, y [rows, width], w [width], inverse [rows]
  package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor, inverse: Tensor? = nil) {
    let width = weight.count
    parallelRows(x.shape.rows, target: normTile) { rows, _ in
      let first = rows.lowerBound
      kernel_rms_norm(
        x.pointer + first * width, weight.pointer, y.pointer + first * width, inverse.map { $0.pointer + first },
        Int64(rows.count), Int64(width), epsilon)
    }
  }

  /// dx (+)= inverse · w ⊙ dy − x · inverse³ · mean(x ⊙ w ⊙ dy); dw += Σ rows dy ⊙ x · inverse, in a fixed tree.
  package func rmsNormBackward(
    _ x: Tensor, weight: Tensor, inverse: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool, dw: Tensor?
  ) {
    let width = weight.count
    let rows = x.shape.rows
    let tiles = Tiling.count(rows, target: normTile)
    let parts = empty([tiles, width])
    workers.parallel(tiles) { index in
      let range = Tiling.range(index, of: tiles, extent: rows)
      let first = range.lowerBound
      let part = parts.pointer + index * width
      part.update(repeating: 0, count: width)
      kernel_rms_norm_backward(
        x.pointer + first * width, weight.pointer, inverse.pointer + first, dy.pointer + first * width,
        dx.pointer + first * width, accumulate ? 1 : 0, part, Int64(range.count), Int64(width))
    }
    if let dw { accumulateParts(parts, into: dw) }
  }
}

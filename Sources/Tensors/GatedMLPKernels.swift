internal import CKernels

/// Rows of a tile, at most, and at least where that makes up to four.
private let rowTile = (target: 384, least: 32)

extension Device {
  /// result = residual + (silu(x Wgᵀ) ⊙ x Wuᵀ) Wdᵀ, a tile of rows at a time.
  ///
  /// - Parameters:
  ///   - x: [tokens, width]
  ///   - gateUp: Wg over Wu [2 · inner, width]
  ///   - down: Wd [width, inner]
  ///   - residual: What the result is added to, if anything [tokens, width].
  ///   - projections: Receives x Wgᵀ | x Wuᵀ [tokens, 2 · inner].
  ///   - result: [tokens, width]
  package func gatedMLP(
    _ x: Tensor, gateUp: Tensor, down: Tensor, residual: Tensor?, projections: Tensor, into result: Tensor
  ) {
    let inner = down.shape.columns
    let width = down.shape.rows
    let rows = x.shape.rows
    let tiles = Tiling.count(rows, target: rowTile.target, least: rowTile.least)
    let scratchSize = (tiles == 0 ? 0 : (rows + tiles - 1) / tiles) * inner
    let scratch = empty([workers.threads, scratchSize])
    workers.parallel(tiles) { tile, worker in
      let range = Tiling.range(tile, of: tiles, extent: rows)
      let activation = MatrixView(
        scratch.pointer + worker * scratchSize, rows: range.count, columns: inner, stride: inner)
      MatrixProduct(
        MatrixView(x).part(rows: range), MatrixView(gateUp), transposed: .right,
        into: MatrixView(projections).part(rows: range)
      ).run()
      kernel_gated_silu(
        projections.pointer + range.lowerBound * 2 * inner, activation.pointer, Int64(range.count), Int64(inner))
      if let residual {
        (result.pointer + range.lowerBound * width).update(
          from: residual.pointer + range.lowerBound * width, count: range.count * width)
      }
      MatrixProduct(
        activation, MatrixView(down), transposed: .right, into: MatrixView(result).part(rows: range),
        accumulate: residual != nil
      ).run()
    }
  }

  /// The pullback of `gatedMLP` but for its residual.
  ///
  /// `projections` is overwritten by its own gradient. Gradients of weights are added to, that of x is set.
  package func gatedMLPBackward(
    _ x: Tensor, gateUp: Tensor, down: Tensor, projections: Tensor, gradient: Tensor, dx: Tensor,
    gateUpGradient: Tensor?,
    downGradient: Tensor?
  ) {
    let inner = down.shape.columns
    let activation = empty([x.shape.rows, inner])
    parallelRows(x.shape.rows, target: rowTile.target, least: rowTile.least) { range, _ in
      MatrixProduct(
        MatrixView(gradient).part(rows: range), MatrixView(down), into: MatrixView(activation).part(rows: range)
      ).run()
      kernel_gated_silu_backward(
        projections.pointer + range.lowerBound * 2 * inner, activation.pointer + range.lowerBound * inner,
        Int64(range.count), Int64(inner))
      MatrixProduct(
        MatrixView(projections).part(rows: range), MatrixView(gateUp), into: MatrixView(dx).part(rows: range)
      ).run()
    }
    guard let gateUpGradient, let downGradient else { return }
    multiply(
      MatrixProduct(
        MatrixView(projections), MatrixView(x), transposed: .left, into: MatrixView(gateUpGradient), accumulate: true),
      MatrixProduct(
        MatrixView(gradient), MatrixView(activation), transposed: .left, into: MatrixView(downGradient),
        accumulate: true))
  }
}

extension Device {
  /// silu(gate) ⊙ up, row by row. gateUp [rows, 2 · inner], result [rows, inner]
  package func gatedActivation(_ gateUp: Tensor, into result: Tensor) {
    let inner = result.shape.columns
    parallelRows(result.shape.rows, target: 64) { range, _ in
      kernel_gated_silu(
        gateUp.pointer + range.lowerBound * 2 * inner, result.pointer + range.lowerBound * inner, Int64(range.count),
        Int64(inner))
    }
  }
}

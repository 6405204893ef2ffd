internal import COpenBLAS

/// A matrix in memory, rows `stride` floats apart.
package struct MatrixView: @unchecked Sendable {
  package var pointer: UnsafeMutablePointer<Float>
  package var rows: Int
  package var columns: Int
  package var stride: Int

  package init(_ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
    self.pointer = pointer
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// A tensor as a matrix of its last extent.
  package init(_ tensor: Tensor) {
    self.init(tensor.pointer, rows: tensor.shape.rows, columns: tensor.shape.columns, stride: tensor.shape.columns)
  }

  /// The rows and columns in these ranges.
  package func part(rows: Range<Int>? = nil, columns: Range<Int>? = nil) -> MatrixView {
    let rows = rows ?? 0..<self.rows
    let columns = columns ?? 0..<self.columns
    return MatrixView(
      pointer + rows.lowerBound * stride + columns.lowerBound, rows: rows.count, columns: columns.count, stride: stride)
  }
}

/// One product `result (+)= left · right`, either side transposed or not, at most one of them.
package struct MatrixProduct: Sendable {
  /// Which side is read transposed.
  package enum Transposition: Sendable {
    /// left [m, k], right [k, n]
    case none
    /// left [k, m], right [k, n]
    case left
    /// left [m, k], right [n, k]
    case right
  }

  package var left: MatrixView
  package var right: MatrixView
  package var result: MatrixView
  package var transposed: Transposition
  package var accumulate: Bool

  package init(
    _ left: MatrixView, _ right: MatrixView, transposed: Transposition = .none, into result: MatrixView,
    accumulate: Bool = false
  ) {
    let inner = transposed == .left ? left.rows : left.columns
    precondition(
      inner == (transposed == .right ? right.columns : right.rows)
        && result.rows == (transposed == .left ? left.columns : left.rows)
        && result.columns == (transposed == .right ? right.rows : right.columns), "matrices that don't fit")
    self.left = left
    self.right = right
    self.result = result
    self.transposed = transposed
    self.accumulate = accumulate
  }

  package var inner: Int { transposed == .left ? left.rows : left.columns }

  /// The whole product, on the calling thread.
  package func run() {
    if result.rows == 0 || result.columns == 0 { return }
    if inner == 0 {
      if !accumulate { clear() }
      return
    }
    openblas_multiply(
      transposed == .left ? 1 : 0, transposed == .right ? 1 : 0, CInt(result.rows), CInt(result.columns), CInt(inner),
      left.pointer, CInt(left.stride), right.pointer, CInt(right.stride), accumulate ? 1 : 0, result.pointer,
      CInt(result.stride))
  }

  private func clear() {
    for row in 0..<result.rows { (result.pointer + row * result.stride).update(repeating: 0, count: result.columns) }
  }

  /// The part of the product that makes these rows and columns of the result.
  package func part(rows: Range<Int>, columns: Range<Int>) -> MatrixProduct {
    var part = self
    part.left = transposed == .left ? left.part(columns: rows) : left.part(rows: rows)
    part.right = transposed == .right ? right.part(rows: columns) : right.part(columns: columns)
    part.result = result.part(rows: rows, columns: columns)
    return part
  }

  /// How many tiles each way; by the shape alone.
  var grid: (rows: Int, columns: Int) {
    let (height, width) = (result.rows, result.columns)
    var rows = Tiling.count(height, target: transposed == .left ? 256 : 384)
    var columns = Tiling.count(width, target: 1024)
    // Few tiles: halve the longer side of each, as long as a tile is worth its start.
    let worth = 1 << 20
    while rows * columns < 8, height * width / (rows * columns * 2) * inner >= worth {
      if height / rows >= max(64, width / columns) {
        rows *= 2
      } else if width / columns >= 128 {
        columns *= 2
      } else {
        break
      }
    }
    return (rows, columns)
  }

  func runTile(_ tile: Int, of grid: (rows: Int, columns: Int)) {
    part(
      rows: Tiling.range(tile / grid.columns, of: grid.rows, extent: result.rows),
      columns: Tiling.range(tile % grid.columns, of: grid.columns, extent: result.columns)
    ).run()
  }
}

extension Device {
  /// Carries out products that don't depend on each other, their tiles shared among the threads.
  package func multiply(_ products: MatrixProduct...) { multiply(products) }

  /// The same for a list of products.
  package func multiply(_ products: [MatrixProduct]) {
    let grids = products.map(\.grid)
    let total = grids.reduce(0) { $0 + $1.rows * $1.columns }
    workers.parallel(total) { tile in
      var tile = tile
      for (product, grid) in zip(products, grids) {
        let count = grid.rows * grid.columns
        if tile < count { return product.runTile(tile, of: grid) }
        tile -= count
      }
    }
  }
}

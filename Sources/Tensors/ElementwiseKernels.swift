internal import CKernels

private let tile = 1 << 16

extension Tensor {
  /// The index of the first element that is infinite or no number; nil where all are finite.
  public var firstNotFinite: Int? {
    let index = kernel_first_not_finite(pointer, Int64(count))
    return index < 0 ? nil : Int(index)
  }
}

extension Device {
  private func parallelElements(_ count: Int, _ body: (Range<Int>) -> Void) {
    parallelRows(count, target: tile) { range, _ in body(range) }
  }

  /// Sets every element.
  package func fill(_ tensor: Tensor, _ value: Float) {
    parallelElements(tensor.count) { (tensor.pointer + $0.lowerBound).update(repeating: value, count: $0.count) }
  }

  /// Copies: target = source.
  package func copy(_ source: Tensor, into target: Tensor) {
    precondition(source.count == target.count)
    parallelElements(target.count) {
      (target.pointer + $0.lowerBound).update(from: source.pointer + $0.lowerBound, count: $0.count)
    }
  }

  /// Adds: result = left + right.
  package func add(_ left: Tensor, _ right: Tensor, into result: Tensor) {
    precondition(left.count == right.count && left.count == result.count)
    parallelElements(result.count) {
      let first = $0.lowerBound
      kernel_add(left.pointer + first, right.pointer + first, result.pointer + first, Int64($0.count))
    }
  }

  /// Adds in place: target += factor · source.
  package func accumulate(_ source: Tensor, times factor: Float = 1, into target: Tensor) {
    precondition(source.count == target.count)
    parallelElements(target.count) {
      kernel_axpy(factor, source.pointer + $0.lowerBound, target.pointer + $0.lowerBound, Int64($0.count))
    }
  }

  /// Multiplies in place: tensor *= factor.
  package func scale(_ tensor: Tensor, by factor: Float) {
    parallelElements(tensor.count) { kernel_scale(factor, tensor.pointer + $0.lowerBound, Int64($0.count)) }
  }

  /// The sum of squares in double, in an order that depends on the count alone.
  package func sumOfSquares(_ tensor: Tensor) -> Double {
    let tiles = Tiling.count(tensor.count, target: tile)
    var sums = [Double](repeating: 0, count: tiles)
    sums.withUnsafeMutableBufferPointer { sums in
      let sums = UnsafeMutableBufferPointer(rebasing: sums[...])
      workers.parallel(tiles) { index in
        let range = Tiling.range(index, of: tiles, extent: tensor.count)
        sums[index] = kernel_sum_of_squares(tensor.pointer + range.lowerBound, Int64(range.count))
      }
    }
    return sums.reduce(0, +)
  }

  /// matrix += bias, row by row. matrix [rows, width], bias [width]
  package func addBias(_ bias: Tensor, to matrix: Tensor) {
    let width = bias.count
    parallelRows(matrix.shape.rows, target: 64) { rows, _ in
      kernel_add_bias(
        bias.pointer, matrix.pointer + rows.lowerBound * width, Int64(rows.count), Int64(width), Int64(width))
    }
  }

  /// sum += Σ rows of matrix, in a fixed tree. matrix [rows, width], sum [width]
  package func accumulateRowSum(_ matrix: Tensor, into sum: Tensor) {
    let width = sum.count
    let rows = matrix.shape.rows
    let tiles = Tiling.count(rows, target: 64)
    let parts = empty([tiles, width])
    workers.parallel(tiles) { index in
      let range = Tiling.range(index, of: tiles, extent: rows)
      let part = parts.pointer + index * width
      part.update(repeating: 0, count: width)
      kernel_sum_rows(
        matrix.pointer + range.lowerBound * width, part, Int64(range.count), Int64(width), Int64(width))
    }
    accumulateParts(parts, into: sum)
  }

  /// sum += Σ rows of parts, in order, on the calling thread. parts [tiles, width], sum [width]
  package func accumulateParts(_ parts: Tensor, into sum: Tensor) {
    let width = Int64(sum.count)
    kernel_sum_rows(parts.pointer, sum.pointer, Int64(parts.shape.rows), width, width)
  }

  /// result[i] = table[ids[i]]. table [vocabulary, width], result [ids, width]
  package func gatherRows(_ table: Tensor, _ ids: [Int32], into result: Tensor) {
    let width = table.shape.columns
    ids.withUnsafeBufferPointer { ids in
      let ids = UnsafeBufferPointer(rebasing: ids[...])
      parallelRows(ids.count, target: 256) { rows, _ in
        guard let base = ids.baseAddress else { return }
        kernel_gather_rows(
          table.pointer, base + rows.lowerBound, result.pointer + rows.lowerBound * width, Int64(rows.count),
          Int64(width))
      }
    }
  }

  /// table[ids[i]] += source[i], rows in order, tiles along the width.
  package func scatterAddRows(_ source: Tensor, _ ids: [Int32], into table: Tensor) {
    let width = table.shape.columns
    ids.withUnsafeBufferPointer { ids in
      let ids = UnsafeBufferPointer(rebasing: ids[...])
      parallelRows(width, target: 64) { columns, _ in
        guard let base = ids.baseAddress else { return }
        kernel_scatter_add_rows(
          table.pointer, base, source.pointer, Int64(ids.count), Int64(width), Int64(columns.lowerBound),
          Int64(columns.upperBound))
      }
    }
  }
}

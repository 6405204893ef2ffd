/// Statistics column by column: a resample's sum of a column is one inner product.
struct StatisticColumns {
  /// The number of columns.
  let width: Int
  private let rows: Int
  private let values: [Double]

  init(_ statistics: [[Double]]) {
    let width = statistics.first?.count ?? 0
    self.width = width
    rows = statistics.count
    values = (0..<width).flatMap { column in statistics.map { $0[column] } }
  }

  /// The plain sums.
  var sum: [Double] {
    var sum = [Double](repeating: 0, count: width)
    weightedSum([Double](repeating: 1, count: rows), into: &sum)
    return sum
  }

  /// The sums of rows times their counts.
  func weightedSum(_ counts: [Double], into sum: inout [Double]) {
    values.withUnsafeBufferPointer { values in
      counts.withUnsafeBufferPointer { counts in
        for column in 0..<width {
          let start = column * rows
          sum[column] = InnerProduct.of(counts, UnsafeBufferPointer(rebasing: values[start..<start + rows]))
        }
      }
    }
  }
}

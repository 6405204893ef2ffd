internal import CKernels

/// What one row of logits amounts to, written for a range of rows.
package struct RowStatisticsBuffers: @unchecked Sendable {
  package var values: UnsafeMutablePointer<Float>
  package var entropies: UnsafeMutablePointer<Float>?
  package var means: UnsafeMutablePointer<Float>?

  package init(
    values: UnsafeMutablePointer<Float>, entropies: UnsafeMutablePointer<Float>?, means: UnsafeMutablePointer<Float>?
  ) {
    self.values = values
    self.entropies = entropies
    self.means = means
  }
}

extension MatrixView {
  /// v = logsumexp q, H = v − Σ p q, and mean q of every row of logits q, on the calling thread.
  package func rowStatistics(into statistics: RowStatisticsBuffers) {
    kernel_row_statistics(
      pointer, Int64(stride), Int64(rows), Int64(columns), statistics.values, statistics.entropies, statistics.means)
  }

  /// Turns rows of logits q into c₁ onehot(a) + c₂ p + η p ⊙ (log p + H) + u, on the calling thread.
  ///
  /// - Parameters:
  ///   - actions: a of each row; below 0 none.
  ///   - values: v of each row, as `rowStatistics` gave it.
  ///   - entropies: H of each row, where an η is not 0.
  ///   - coefficients: c₁, c₂, η, u of each row.
  package func becomeRowGradient(
    actions: UnsafePointer<Int32>, values: UnsafePointer<Float>, entropies: UnsafePointer<Float>?,
    coefficients: UnsafePointer<Float>
  ) {
    kernel_row_gradient(
      pointer, Int64(stride), Int64(rows), Int64(columns), actions, values, entropies, coefficients)
  }
}

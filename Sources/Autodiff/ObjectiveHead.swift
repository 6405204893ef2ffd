internal import Tensors

/// How many logits exist at once.
package struct LogitBudget: Sendable {
  /// Floats of a segment where sequences are short.
  var usual = 1 << 21
  /// Rows that a segment has in any case.
  var leastRows = 32
  /// Floats that are kept between the passes.
  var most = 1 << 24

  package static let standard = LogitBudget()
  /// Segments of single rows, logits computed twice: for tests.
  package static let none = LogitBudget(usual: 0, leastRows: 1, most: 0)
}

/// The output matrix and the loss in one operation, so that logits [rows, vocabulary] never exist whole.
///
/// Rows go through in segments of whole sequences. Pass 1 makes a segment's logits q = h Wᵀ and of each row v =
/// logsumexp q, q[a] and, if asked, H; the objective then gives each row its coefficients; pass 2 makes the gradient G
/// in place of the logits (`RowCoefficients`), dh = G W and dW += Gᵀ h. A sequence too long for its logits to be kept
/// is cut into segments whose logits pass 2 computes again.
struct ObjectiveHead {
  let hidden: Tensor
  let weight: Parameter
  let rows: PredictedRows
  let levelOffset: Float
  let device: Device
  let budget: LogitBudget

  private static let rowTile = (target: 256, least: 32)
  private static let vocabularyTile = 1024

  private var vocabulary: Int { weight.value.shape.rows }

  /// Groups of consecutive sequences.
  private func groups() -> [Range<Int>] {
    let target = min(max(budget.usual / vocabulary, budget.leastRows), 1024)
    var groups: [Range<Int>] = []
    var first = 0
    for sequence in 0..<rows.offsets.count - 1
    where rows.offsets[sequence + 1] - rows.offsets[first] >= target || sequence == rows.offsets.count - 2 {
      groups.append(first..<sequence + 1)
      first = sequence + 1
    }
    return groups
  }

  /// The rows of a group, cut where their logits are too many to keep.
  private func segments(of group: Range<Int>) -> [Range<Int>] {
    let range = rows.offsets[group.lowerBound]..<rows.offsets[group.upperBound]
    if range.count * vocabulary <= budget.most { return range.isEmpty ? [] : [range] }
    let count = max(budget.usual / vocabulary, budget.leastRows)
    return stride(from: range.lowerBound, to: range.upperBound, by: count).map {
      $0..<min($0 + count, range.upperBound)
    }
  }

  /// Pass 1 alone.
  func evaluate(_ options: RowStatisticsOptions) -> RowStatistics {
    var statistics = RowStatistics(rows, levelOffset: levelOffset, options)
    for group in groups() {
      for segment in segments(of: group) {
        let logits = device.empty([segment.count, vocabulary])
        measure(segment, logits: logits, into: &statistics)
      }
    }
    return statistics
  }

  /// Both passes: the statistics, and the gradient of the hidden states [rows, width]; that of the weight is added to.
  func pullBack(_ objective: some RowObjective, scale: Float) -> (RowStatistics, Tensor) {
    var statistics = RowStatistics(rows, levelOffset: levelOffset, objective.statistics)
    let hiddenGradient = device.empty(hidden.shape)
    var coefficients = [RowCoefficients](
      repeating: RowCoefficients(oneHot: 0, softmax: 0), count: rows.actions.count)
    for group in groups() {
      let segments = segments(of: group)
      var kept: Tensor?
      for segment in segments {
        let logits = device.empty([segment.count, vocabulary])
        measure(segment, logits: logits, into: &statistics)
        kept = segments.count == 1 ? logits : nil
      }
      ask(objective, about: group, statistics, scale: scale, into: &coefficients)
      for segment in segments {
        let logits = kept ?? device.empty([segment.count, vocabulary])
        differentiate(
          segment, logits: logits, isKept: kept != nil, statistics, coefficients, hiddenGradient: hiddenGradient)
      }
    }
    return (statistics, hiddenGradient)
  }

  /// Logits of a tile of rows, on the calling thread.
  ///
  /// `logits` begins at the segment's first row.
  private func multiply(_ range: Range<Int>, from first: Int, into logits: Tensor) {
    let result = MatrixView(logits).part(rows: range)
    let product = MatrixProduct(
      MatrixView(hidden).part(rows: first + range.lowerBound..<first + range.upperBound), MatrixView(weight.value),
      transposed: .right, into: result)
    let tiles = Tiling.count(vocabulary, target: ObjectiveHead.vocabularyTile)
    for tile in 0..<tiles {
      product.part(rows: 0..<range.count, columns: Tiling.range(tile, of: tiles, extent: vocabulary)).run()
    }
  }

  private func measure(_ segment: Range<Int>, logits: Tensor, into statistics: inout RowStatistics) {
    let first = segment.lowerBound
    statistics.values.withUnsafeMutableBufferPointer { values in
      statistics.entropies.withUnsafeMutableBufferPointer { entropies in
        statistics.meanLogits.withUnsafeMutableBufferPointer { means in
          let all = (
            values.baseAddress, entropies.isEmpty ? nil : entropies.baseAddress, means.isEmpty ? nil : means.baseAddress
          )
          device.parallelRows(segment.count, target: ObjectiveHead.rowTile.target, least: ObjectiveHead.rowTile.least) {
            range, _ in
            guard let values = all.0 else { return }
            multiply(range, from: first, into: logits)
            let row = first + range.lowerBound
            MatrixView(logits).part(rows: range).rowStatistics(
              into: RowStatisticsBuffers(
                values: values + row, entropies: all.1.map { $0 + row }, means: all.2.map { $0 + row }))
          }
        }
      }
    }
    for row in segment {
      let action = rows.actions[row]
      if action >= 0 { statistics.actionLogits[row] = logits.pointer[(row - first) * vocabulary + Int(action)] }
    }
  }

  private func ask(
    _ objective: some RowObjective, about group: Range<Int>, _ statistics: RowStatistics, scale: Float,
    into coefficients: inout [RowCoefficients]
  ) {
    coefficients.withUnsafeMutableBufferPointer { coefficients in
      for sequence in group {
        let range = rows.offsets[sequence]..<rows.offsets[sequence + 1]
        let target = UnsafeMutableBufferPointer(rebasing: coefficients[range])
        statistics.withSequence(sequence) { objective.coefficients(of: $0, into: target) }
        for index in target.indices {
          target[index].oneHot *= scale
          target[index].softmax *= scale
          target[index].entropy *= scale
          target[index].uniform *= scale
        }
      }
    }
  }

  private func differentiate(
    _ segment: Range<Int>, logits: Tensor, isKept: Bool, _ statistics: RowStatistics,
    _ coefficients: [RowCoefficients], hiddenGradient: Tensor
  ) {
    let first = segment.lowerBound
    let inputs = GradientInputs(
      actions: Array(rows.actions[segment]), values: Array(statistics.values[segment]),
      coefficients: Array(coefficients[segment]),
      entropies: statistics.entropies.isEmpty ? [] : Array(statistics.entropies[segment]))
    inputs.withPointers { actions, values, entropies, coefficients in
      device.parallelRows(segment.count, target: ObjectiveHead.rowTile.target, least: ObjectiveHead.rowTile.least) {
        range, _ in
        if !isKept { multiply(range, from: first, into: logits) }
        let part = MatrixView(logits).part(rows: range)
        let row = range.lowerBound
        part.becomeRowGradient(
          actions: actions + row, values: values + row, entropies: entropies.map { $0 + row },
          coefficients: coefficients + 4 * row)
        MatrixProduct(
          part, MatrixView(weight.value),
          into: MatrixView(hiddenGradient).part(rows: first + range.lowerBound..<first + range.upperBound)
        ).run()
      }
    }
    guard let gradient = weight.gradient else { return }
    device.multiply(
      MatrixProduct(
        MatrixView(logits), MatrixView(hidden.rows(segment)), transposed: .left, into: MatrixView(gradient),
        accumulate: true))
  }
}

/// Per-row inputs of the gradient kernel for one segment.
private struct GradientInputs {
  let actions: [Int32]
  let values: [Float]
  let coefficients: [RowCoefficients]
  let entropies: [Float]

  func withPointers(
    _ body: (
      _ actions: UnsafePointer<Int32>, _ values: UnsafePointer<Float>, _ entropies: UnsafePointer<Float>?,
      _ coefficients: UnsafePointer<Float>
    ) -> Void
  ) {
    actions.withUnsafeBufferPointer { actions in
      values.withUnsafeBufferPointer { values in
        coefficients.withUnsafeBytes { coefficients in
          entropies.withUnsafeBufferPointer { entropies in
            guard let actions = actions.baseAddress, let values = values.baseAddress,
              let coefficients = coefficients.baseAddress
            else { return }
            body(
              actions, values, entropies.isEmpty ? nil : entropies.baseAddress,
              coefficients.assumingMemoryBound(to: Float.self))
          }
        }
      }
    }
  }
}

extension RowStatistics {
  /// Calls `body` with the rows of one sequence.
  public func withSequence<Result>(_ sequence: Int, _ body: (SequenceRows) throws -> Result) rethrows -> Result {
    let range = offsets[sequence]..<offsets[sequence + 1]
    return try actions.withUnsafeBufferPointer { actions in
      try actionLogits.withUnsafeBufferPointer { actionLogits in
        try values.withUnsafeBufferPointer { values in
          try entropies.withUnsafeBufferPointer { entropies in
            try meanLogits.withUnsafeBufferPointer { meanLogits in
              try body(
                SequenceRows(
                  sequence: sequence, actions: UnsafeBufferPointer(rebasing: actions[range]),
                  actionLogits: UnsafeBufferPointer(rebasing: actionLogits[range]),
                  values: UnsafeBufferPointer(rebasing: values[range]),
                  entropies: UnsafeBufferPointer(rebasing: entropies.isEmpty ? entropies[...] : entropies[range]),
                  meanLogits: UnsafeBufferPointer(rebasing: meanLogits.isEmpty ? meanLogits[...] : meanLogits[range]),
                  levelOffset: levelOffset))
            }
          }
        }
      }
    }
  }
}

extension Tape {
  /// The loss over predicted rows, forward and back: runs every pullback of the tape.
  ///
  /// - Parameters:
  ///   - hidden: The state of each predicted row [rows, width].
  ///   - weight: The output matrix [vocabulary, width].
  ///   - rows: What each row predicts.
  ///   - levelOffset: A number to be subtracted from all logits, which the statistics carry.
  ///   - objective: The loss.
  ///   - scale: What gradients are multiplied by: one over the token count of the whole step.
  /// - Returns: What the rows came to.
  public func pullBack(
    _ hidden: Variable, weight: Parameter, rows: PredictedRows, levelOffset: Float, objective: some RowObjective,
    scale: Float
  ) -> RowStatistics {
    pullBack(
      hidden, weight: weight, rows: rows, levelOffset: levelOffset, objective: objective, scale: scale,
      budget: .standard)
  }

  package func pullBack(
    _ hidden: Variable, weight: Parameter, rows: PredictedRows, levelOffset: Float, objective: some RowObjective,
    scale: Float, budget: LogitBudget
  ) -> RowStatistics {
    let head = ObjectiveHead(
      hidden: hidden.value, weight: weight, rows: rows, levelOffset: levelOffset, device: device, budget: budget)
    let (statistics, gradient) = head.pullBack(objective, scale: scale)
    pullBack(from: hidden, gradient: gradient)
    return statistics
  }

  /// What predicted rows come to, without gradients; parameters as in `pullBack`.
  public func evaluate(
    _ hidden: Variable, weight: Parameter, rows: PredictedRows, levelOffset: Float, statistics: RowStatisticsOptions
  ) -> RowStatistics {
    ObjectiveHead(
      hidden: hidden.value, weight: weight, rows: rows, levelOffset: levelOffset, device: device, budget: .standard
    ).evaluate(statistics)
  }
}

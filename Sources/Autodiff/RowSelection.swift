internal import Tensors

/// y[i] = x[rows[i]].
///
/// x [tokens, width], y [rows, width].
///
/// Pullback: dx[rows[i]] += dy[i]; other rows 0.
struct RowSelection: Operation {
  let input: Variable
  let rows: [Int32]
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let (dx, accumulate) = input.accumulator(on: device)
    if !accumulate { device.fill(dx, 0) }
    device.scatterAddRows(dy, rows, into: dx)
  }
}

extension Tape {
  /// Some rows of a matrix; the matrix itself if `rows` are all of its rows in order. [tokens, width] → [rows, width]
  public func selectRows(_ input: Variable, _ rows: [Int32]) -> Variable {
    if rows.count == input.value.shape.rows, rows.indices.allSatisfy({ rows[$0] == $0 }) { return input }
    let output = Variable(device.empty([rows.count, input.value.shape.columns]))
    device.gatherRows(input.value, rows, into: output.value)
    record(RowSelection(input: input, rows: rows, output: output))
    return output
  }
}

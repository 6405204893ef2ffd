internal import Tensors

/// y[i] = table[ids[i]].
///
/// table [vocabulary, width], y [ids, width].
///
/// Pullback: dtable[ids[i]] += dy[i], rows in order.
struct Embedding: Operation {
  let table: Parameter
  let ids: [Int32]
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient(), let gradient = table.gradient else { return }
    device.scatterAddRows(dy, ids, into: gradient)
  }
}

extension Tape {
  /// The rows of a table that `ids` name. table [vocabulary, width] → [ids, width]
  public func embedding(_ table: Parameter, _ ids: [Int32]) -> Variable {
    let output = Variable(device.empty([ids.count, table.value.shape.columns]))
    device.gatherRows(table.value, ids, into: output.value)
    record(Embedding(table: table, ids: ids, output: output))
    return output
  }
}

public import Tensors

/// y = x ⊙ mask / (1 − p).
///
/// Pullback: dx = dy ⊙ mask / (1 − p), the mask drawn again.
struct Dropout: Operation {
  let input: Variable
  let mask: DropoutMask
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let (dx, accumulate) = input.accumulator(on: device)
    device.dropout(dy, mask, into: dx, accumulate: accumulate)
  }
}

extension Tape {
  /// The input with a share of its elements set to 0 and the others scaled up; the input itself without a mask.
  public func dropout(_ input: Variable, _ mask: DropoutMask?) -> Variable {
    guard let mask, mask.probability > 0 else { return input }
    let output = Variable(device.empty(input.value.shape))
    device.dropout(input.value, mask, into: output.value)
    record(Dropout(input: input, mask: mask, output: output))
    return output
  }
}

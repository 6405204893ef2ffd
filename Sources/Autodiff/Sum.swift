internal import Tensors

/// y = a + b, of equal shape.
///
/// Pullback: da = db = dy.
struct Sum: Operation {
  let left: Variable
  let right: Variable
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let (dx, accumulate) = left.accumulator(on: device)
    if accumulate { device.accumulate(dy, into: dx) } else { device.copy(dy, into: dx) }
    right.receive(dy, on: device)
  }
}

extension Tape {
  /// The sum of two variables of equal shape.
  public func sum(_ left: Variable, _ right: Variable) -> Variable {
    let output = Variable(device.empty(left.value.shape))
    device.add(left.value, right.value, into: output.value)
    record(Sum(left: left, right: right, output: output))
    return output
  }
}

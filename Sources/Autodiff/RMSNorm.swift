internal import Tensors

/// y = x / √(mean x² + ε) ⊙ w.
///
/// x, y [tokens, width], w [width].
///
/// Pullback with i = 1/√(mean x² + ε): dx = i w ⊙ dy − x i³ mean(x ⊙ w ⊙ dy), dw += Σ dy ⊙ x i.
struct RMSNorm: Operation {
  let input: Variable
  let weight: Parameter
  let inverse: Tensor
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let (dx, accumulate) = input.accumulator(on: device)
    device.rmsNormBackward(
      input.value, weight: weight.value, inverse: inverse, dy: dy, dx: dx, accumulate: accumulate, dw: weight.gradient)
  }
}

extension Tape {
  /// Rows brought to root mean square 1, then scaled by `weight`. [tokens, width] → [tokens, width]
  public func rmsNorm(_ input: Variable, _ weight: Parameter, epsilon: Float) -> Variable {
    let output = Variable(device.empty(input.value.shape))
    let inverse = device.empty([input.value.shape.rows])
    device.rmsNorm(input.value, weight: weight.value, epsilon: epsilon, into: output.value, inverse: inverse)
    record(RMSNorm(input: input, weight: weight, inverse: inverse, output: output))
    return output
  }
}

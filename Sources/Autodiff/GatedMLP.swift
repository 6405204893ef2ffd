internal import Tensors

/// y = residual + (silu(x Wgᵀ) ⊙ x Wuᵀ) Wdᵀ.
///
/// x, y [tokens, width], Wg over Wu [2 · inner, width], Wd [width, inner].
///
/// Pullback with g = x Wgᵀ, u = x Wuᵀ, σ = 1/(1 + e^−g), a = g σ u, da = dy Wd: du = da g σ, dg = da u σ (1 + g (1 − σ)),
/// dx = dg Wg + du Wu, dWd += dyᵀ a, dWg += dgᵀ x, dWu += duᵀ x; a is computed again rather than kept.
struct GatedMLP: Operation {
  let input: Variable
  let gateUp: Parameter
  let down: Parameter
  let projections: Tensor
  let residual: Variable?
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let dx = device.empty(input.value.shape)
    device.gatedMLPBackward(
      input.value, gateUp: gateUp.value, down: down.value, projections: projections, gradient: dy, dx: dx,
      gateUpGradient: gateUp.gradient, downGradient: down.gradient)
    input.receive(dx, on: device)
    residual?.receive(dy, on: device)
  }
}

extension Tape {
  /// The gated block of a transformer, with a residual if given. [tokens, width] → [tokens, width]
  public func gatedMLP(_ input: Variable, gateUp: Parameter, down: Parameter, residual: Variable?) -> Variable {
    let output = Variable(device.empty([input.value.shape.rows, down.value.shape.rows]))
    let projections = device.empty([input.value.shape.rows, gateUp.value.shape.rows])
    device.gatedMLP(
      input.value, gateUp: gateUp.value, down: down.value, residual: residual?.value, projections: projections,
      into: output.value)
    record(
      GatedMLP(
        input: input, gateUp: gateUp, down: down, projections: projections, residual: residual, output: output))
    return output
  }
}

internal import Tensors

/// y = x Wᵀ (+ b) (+ residual).
///
/// x [tokens, in], W [out, in], b [out], y and residual [tokens, out].
///
/// Pullback: dx = dy W, dW += dyᵀ x, db += Σ dy, dresidual = dy.
struct Linear: Operation {
  let input: Variable
  let weight: Parameter
  let bias: Parameter?
  let residual: Variable?
  let output: Variable

  func pullback(on device: Device) {
    guard let dy = output.takeGradient() else { return }
    let (dx, accumulate) = input.accumulator(on: device)
    var products = [
      MatrixProduct(MatrixView(dy), MatrixView(weight.value), into: MatrixView(dx), accumulate: accumulate)
    ]
    if let dw = weight.gradient {
      products.append(
        MatrixProduct(
          MatrixView(dy), MatrixView(input.value), transposed: .left, into: MatrixView(dw), accumulate: true))
    }
    device.multiply(products)
    if let db = bias?.gradient { device.accumulateRowSum(dy, into: db) }
    residual?.receive(dy, on: device)
  }
}

extension Tape {
  /// x Wᵀ, plus a bias and a residual if given. x [tokens, in], weight [out, in] → [tokens, out]
  public func linear(
    _ input: Variable, _ weight: Parameter, bias: Parameter? = nil, residual: Variable? = nil
  ) -> Variable {
    let output = Variable(device.empty([input.value.shape.rows, weight.value.shape.rows]))
    if let residual { device.copy(residual.value, into: output.value) }
    device.multiply(
      MatrixProduct(
        MatrixView(input.value), MatrixView(weight.value), transposed: .right, into: MatrixView(output.value),
        accumulate: residual != nil))
    if let bias { device.addBias(bias.value, to: output.value) }
    record(Linear(input: input, weight: weight, bias: bias, residual: residual, output: output))
    return output
  }
}

package import Tensors

/// o = softmax(scale · q kᵀ, causal) v in every sequence and head, q and k turned by the rotary table.
///
/// Input [tokens, layout.width] holds q, k and v side by side; its q and k are turned in place, so nothing else may
/// read it. Output [tokens, layout.queryWidth]. Pullback: `Device.causalAttentionBackward`.
struct CausalAttention: Operation {
  let input: Variable
  let offsets: [Int]
  let layout: AttentionLayout
  let rotary: RotaryTable?
  let logSums: Tensor
  let output: Variable

  func pullback(on device: Device) {
    guard let gradient = output.takeGradient() else { return }
    let projectionGradient = device.empty(input.value.shape)
    device.causalAttentionBackward(
      input.value, offsets: offsets, layout: layout, rotary: rotary, logSums: logSums, gradient: gradient,
      into: projectionGradient)
    input.receive(projectionGradient, on: device)
  }
}

extension Tape {
  /// Causal attention within sequences. [tokens, layout.width] → [tokens, layout.queryWidth]
  ///
  /// - Parameters:
  ///   - input: Queries, keys and values side by side, for this operation alone: it turns them in place.
  ///   - offsets: Where sequences begin, and where the last one ends.
  ///   - layout: How heads lie in a row.
  ///   - rotary: The table by which queries and keys are turned.
  /// - Returns: What the heads read, side by side.
  package func causalAttention(
    _ input: Variable, offsets: [Int], layout: AttentionLayout, rotary: RotaryTable?
  ) -> Variable {
    let tokens = input.value.shape.rows
    let output = Variable(device.empty([tokens, layout.queryWidth]))
    let logSums = device.empty([tokens, layout.heads])
    device.causalAttention(
      input.value, offsets: offsets, layout: layout, rotary: rotary, into: output.value, logSums: logSums)
    record(
      CausalAttention(
        input: input, offsets: offsets, layout: layout, rotary: rotary, logSums: logSums, output: output))
    return output
  }
}

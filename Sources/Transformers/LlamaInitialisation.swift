public import Tensors

extension LlamaModel {
  /// A new model.
  ///
  /// Matrices are normal with deviation 0.02, those that write to the residual stream with 0.02 / √(2 layers),
  /// norms are 1. Each tensor draws from numbers of its own name.
  ///
  /// - Parameters:
  ///   - configuration: Its shape.
  ///   - seed: The seed of its numbers.
  ///   - device: Where it lives.
  ///   - trained: Whether there is room for gradients.
  public convenience init(_ configuration: LlamaConfiguration, seed: UInt64, on device: Device, trained: Bool) {
    self.init(configuration, on: device, trained: trained)
    let deviation: Float = 0.02
    for entry in parameters.entries {
      let tensor = parameters.value(entry)
      if entry.shape.rank == 1 {
        tensor.fill(1)
        continue
      }
      let writesResidual = entry.name.hasSuffix("o_proj.weight") || entry.name.hasSuffix("down_proj.weight")
      var numbers = Philox(seed: seed, purpose: "initialise " + entry.name)
      numbers.fill(
        tensor,
        standardDeviation: writesResidual ? deviation / Float(2 * configuration.layers).squareRoot() : deviation)
    }
  }
}

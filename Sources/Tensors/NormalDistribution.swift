import Glibc

extension Philox {
  /// Two independent standard normal numbers (Box–Muller).
  public mutating func nextNormals() -> (Double, Double) {
    let radius = (-2 * log(1 - nextUniform())).squareRoot()
    let angle = 2 * Double.pi * nextUniform()
    return (radius * cos(angle), radius * sin(angle))
  }

  /// Fills a tensor with normal numbers of mean 0.
  public mutating func fill(_ tensor: Tensor, standardDeviation: Float) {
    let buffer = tensor.buffer
    for index in stride(from: 0, to: buffer.count, by: 2) {
      let (first, second) = nextNormals()
      buffer[index] = Float(first) * standardDeviation
      if index + 1 < buffer.count { buffer[index + 1] = Float(second) * standardDeviation }
    }
  }
}

import Autodiff
import Tensors
import Testing

/// Random numbers and matrices in double, the plain way: what fused operations are held against.
enum Plain {
  static func random(_ count: Int, _ stream: UInt64, scale: Double = 1) -> [Double] {
    var numbers = Philox(seed: 4, purpose: "autodiff", stream: stream)
    // Rounded to 32 bits, so that both sides start from the same numbers.
    return (0..<count).map { _ in Double(Float(numbers.nextNormals().0 * scale)) }
  }

  /// x [rows, inner] · w [columns, inner] transposed.
  static func linear(_ x: [Double], _ w: [Double], inner: Int) -> [Double] {
    let (rows, columns) = (x.count / inner, w.count / inner)
    var y = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        for k in 0..<inner { y[row * columns + column] += x[row * inner + k] * w[column * inner + k] }
      }
    }
    return y
  }

  /// Σ gradient ⊙ f(inputs), differentiated by each input with central differences.
  static func differences(
    _ inputs: [[Double]], gradient: [Double], _ function: ([[Double]]) -> [Double]
  ) -> [[Double]] {
    let step = 1e-5
    func value(_ inputs: [[Double]]) -> Double {
      zip(function(inputs), gradient).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return inputs.indices.map { which in
      inputs[which].indices.map { (index: Int) -> Double in
        var moved = inputs
        moved[which][index] += step
        let up = value(moved)
        moved[which][index] -= 2 * step
        return (up - value(moved)) / (2 * step)
      }
    }
  }
}

extension Tensor {
  init(_ shape: Shape, _ values: [Double], on device: Device) {
    self.init(shape, values.map { Float($0) }, in: device.buffers)
  }
}

/// Expects 32-bit results within `tolerance` of the largest expected value, or of 1.
func expectClose(
  _ got: Tensor?, _ want: [Double], tolerance: Double = 1e-5, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let scale = max(1, want.map(abs).max() ?? 0)
  let worst = zip(got?.elements ?? [], want).map { abs(Double($0) - $1) }.max() ?? 0
  #expect(got?.count == want.count, "\(what)", sourceLocation: sourceLocation)
  #expect(worst <= tolerance * scale, "\(what): \(worst) at a scale of \(scale)", sourceLocation: sourceLocation)
}

/// One operation on trial: what it is given, what it computes in double, and how the tape computes it.
struct Trial {
  var device = Device(threads: 2)
  /// Shapes of the inputs that are variables, then of those that are parameters.
  var variables: [Shape]
  var parameters: [Shape] = []
  var scale = 0.7

  /// Holds value and gradients of the tape's operation against those of `plain`.
  func run(
    _ name: String, plain: ([[Double]]) -> [Double], tape: (Tape, [Variable], [Parameter]) -> Variable
  ) {
    let values = (variables + parameters).enumerated().map {
      Plain.random($1.count, UInt64($0), scale: scale)
    }
    let recorder = Tape(device: device, records: true)
    // The table of an embedding leads into the tape: its gradient is what a variable's would be.
    let tables = variables.indices.map { index in
      Parameter(value: Tensor(variables[index], values[index], on: device), gradient: device.zeros(variables[index]))
    }
    let inputs = zip(tables, variables).map { table, shape in
      recorder.embedding(table, (0..<Int32(shape.rows)).map { $0 })
    }
    let weights = parameters.indices.map { index in
      Parameter(
        value: Tensor(parameters[index], values[variables.count + index], on: device),
        gradient: device.zeros(parameters[index]))
    }
    let output = tape(recorder, inputs, weights)
    let want = plain(values)
    expectClose(output.value, want, "\(name): value")
    let gradient = Plain.random(want.count, 99)
    recorder.pullBack(from: output, gradient: Tensor(output.value.shape, gradient, on: device))
    let differences = Plain.differences(values, gradient: gradient, plain)
    for (index, parameter) in (tables + weights).enumerated() {
      expectClose(parameter.gradient, differences[index], "\(name): gradient of input \(index)")
    }
  }
}

public import Tensors

/// A value on a tape, and the gradient that its users have added up so far.
public final class Variable {
  /// The value.
  public let value: Tensor
  /// ∂loss/∂value as far as pullbacks have run; nil is zero.
  public internal(set) var gradient: Tensor?

  init(_ value: Tensor) { self.value = value }

  /// Where a pullback writes this variable's gradient: whether it must add to what is there or may overwrite it.
  func accumulator(on device: Device) -> (tensor: Tensor, accumulate: Bool) {
    if let gradient { return (gradient, true) }
    let tensor = device.empty(value.shape)
    gradient = tensor
    return (tensor, false)
  }

  /// Adds a gradient that its giver no longer needs.
  func receive(_ tensor: Tensor, on device: Device) {
    if let gradient { device.accumulate(tensor, into: gradient) } else { gradient = tensor }
  }

  /// Hands the gradient out and forgets it, so that its memory returns as soon as the taker is done.
  func takeGradient() -> Tensor? {
    defer { gradient = nil }
    return gradient
  }
}

/// A trained tensor and the place where pullbacks add its gradient.
public struct Parameter: Sendable {
  /// The value.
  public let value: Tensor
  /// Where gradients are added; nil for a parameter that is not trained.
  public let gradient: Tensor?

  /// A parameter with this value and gradient, of equal shape.
  public init(value: Tensor, gradient: Tensor?) {
    self.value = value
    self.gradient = gradient
  }
}

/// One step of a computation that can carry gradients back from its outputs to its inputs and parameters.
protocol Operation {
  /// Takes the gradient of the outputs, adds to those of inputs and parameters.
  func pullback(on device: Device)
}

/// The operations of one forward pass, in order.
public final class Tape {
  /// Where the operations run.
  public let device: Device
  /// Whether operations are kept for `pullBack`; without, values go as soon as nobody needs them.
  public let records: Bool
  private var operations: [any Operation] = []

  /// An empty tape.
  public init(device: Device, records: Bool) {
    self.device = device
    self.records = records
  }

  func record(_ operation: @autoclosure () -> any Operation) {
    if records { operations.append(operation()) }
  }

  /// Gives `variable` a gradient, then runs all pullbacks.
  public func pullBack(from variable: Variable, gradient: Tensor) {
    variable.receive(gradient, on: device)
    pullBack()
  }

  /// Runs all pullbacks, the last operation's first, freeing what each of them kept.
  public func pullBack() {
    while let operation = operations.popLast() { operation.pullback(on: device) }
  }
}

internal import CKernels
import Glibc

/// The numbers of one AdamW update (Loshchilov & Hutter, ICLR 2019), as `torch.optim.AdamW` computes it.
public struct AdamWStep: Sendable {
  /// η of this step.
  public var learningRate: Double
  /// The decay of the first moment.
  public var beta1: Double
  /// The decay of the second moment.
  public var beta2: Double
  /// What is added to the root of the second moment.
  public var epsilon: Double
  /// The decoupled decay of weights.
  public var weightDecay: Double
  /// The step, counted from 1.
  public var step: Int
  /// What gradients are multiplied by before use: clipping.
  public var gradientScale: Double

  /// An update with these numbers.
  public init(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, step: Int,
    gradientScale: Double = 1
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.step = step
    self.gradientScale = gradientScale
  }
}

extension Device {
  /// Updates parameters and both moments in place; all four have one shape.
  public func adamW(
    _ parameters: Tensor, gradients: Tensor, firstMoment: Tensor, secondMoment: Tensor, _ step: AdamWStep
  ) {
    let corrections = (1 - pow(step.beta1, Double(step.step)), 1 - pow(step.beta2, Double(step.step)))
    var settings = kernel_adamw_settings()
    settings.keep = Float(1 - step.learningRate * step.weightDecay)
    settings.rate = Float(step.learningRate / corrections.0)
    settings.first_share = Float(1 - step.beta1)
    settings.second_keep = Float(step.beta2)
    settings.second_share = Float(1 - step.beta2)
    settings.second_root = Float(corrections.1.squareRoot())
    settings.epsilon = Float(step.epsilon)
    settings.gradient_scale = Float(step.gradientScale)
    let fixed = settings
    parallelRows(parameters.count, target: 1 << 15) { range, _ in
      let first = range.lowerBound
      withUnsafePointer(to: fixed) {
        kernel_adamw(
          parameters.pointer + first, gradients.pointer + first, firstMoment.pointer + first,
          secondMoment.pointer + first, Int64(range.count), $0)
      }
    }
  }
}

import Glibc

/// The learning rate of every step: a linear warm-up, then constant or down to a tenth of the peak.
///
/// With peak η, warm-up w and n steps, at step k from 0:
///
///     k < w      η (k + 1) / w
///     constant   η
///     linear     η (1 − 0.9 (k − w + 1) / (n − w))
///     cosine     η (0.1 + 0.45 (1 + cos(π (k − w + 1) / (n − w))))
public struct LearningRateSchedule: Sendable, Hashable {
  /// What follows the warm-up.
  public enum Shape: String, Sendable, Hashable, CaseIterable {
    /// The peak rate to the end.
    case constant
    /// A straight line to a tenth of the peak.
    case linear
    /// Half a cosine to a tenth of the peak.
    case cosine
  }

  /// What follows the warm-up.
  public var shape: Shape
  /// η, the highest rate.
  public var peak: Double
  /// w, in steps.
  public var warmUp: Int
  /// n, in steps.
  public var steps: Int

  /// A schedule.
  public init(_ shape: Shape, peak: Double, warmUp: Int, steps: Int) {
    self.shape = shape
    self.peak = peak
    self.warmUp = warmUp
    self.steps = steps
  }

  /// The rate of step `step`, counted from 0.
  public func rate(at step: Int) -> Double {
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    let done = Double(step - warmUp + 1) / Double(max(steps - warmUp, 1))
    switch shape {
    case .constant: return peak
    case .linear: return peak * (1 - 0.9 * done)
    case .cosine: return peak * (0.1 + 0.45 * (1 + cos(.pi * done)))
    }
  }
}

internal import CKernels

/// Which elements dropout lets through: a function of the key, the stream and the element's index.
public struct DropoutMask: Sendable {
  /// The share of elements that become 0.
  public let probability: Float
  let key: SIMD2<UInt32>
  let stream: UInt64

  /// The mask of one place in the model at one step.
  ///
  /// - Parameters:
  ///   - probability: The share of elements that become 0, below 1.
  ///   - seed: The seed of the run.
  ///   - step: The step, micro-batches counted.
  ///   - site: The place in the model.
  public init(probability: Float, seed: UInt64, step: Int, site: Int) {
    precondition(probability >= 0 && probability < 1, "dropout of \(probability)")
    self.probability = probability
    key = Philox(seed: seed, purpose: "dropout").key
    stream = UInt64(step) << 16 | UInt64(site)
  }
}

extension Device {
  /// y (+)= x ⊙ mask / (1 − p); applied to a gradient it is its own pullback.
  package func dropout(_ x: Tensor, _ mask: DropoutMask, into y: Tensor, accumulate: Bool = false) {
    parallelRows(x.count, target: 1 << 14) { range, _ in
      let first = range.lowerBound
      withUnsafeBytes(of: mask.key) { key in
        kernel_dropout(
          x.pointer + first, y.pointer + first, Int64(range.count), UInt64(first), mask.stream,
          key.assumingMemoryBound(to: UInt32.self).baseAddress, mask.probability, accumulate ? 1 : 0)
      }
    }
  }
}

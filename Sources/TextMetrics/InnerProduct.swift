/// Inner products summed in eight fixed lanes, so that they are quick and always the same bits.
enum InnerProduct {
  /// Σ a b.
  @inline(__always)
  static func of(_ first: UnsafeBufferPointer<Double>, _ second: UnsafeBufferPointer<Double>) -> Double {
    var lanes = SIMD8<Double>(repeating: 0)
    let whole = first.count / 8 * 8
    for base in stride(from: 0, to: whole, by: 8) { lanes += load(first, base) * load(second, base) }
    var sum = lanes.sum()
    for place in whole..<first.count { sum += first[place] * second[place] }
    return sum
  }

  /// Σ a b of one list and four that lie so many places apart.
  @inline(__always)
  static func ofFour(
    _ first: UnsafeBufferPointer<Double>, _ others: UnsafeBufferPointer<Double>, apart width: Int
  ) -> SIMD4<Double> {
    var lanes = (
      SIMD8<Double>(repeating: 0), SIMD8<Double>(repeating: 0), SIMD8<Double>(repeating: 0), SIMD8<Double>(repeating: 0)
    )
    let whole = first.count / 8 * 8
    for base in stride(from: 0, to: whole, by: 8) {
      let own = load(first, base)
      lanes.0 += own * load(others, base)
      lanes.1 += own * load(others, width + base)
      lanes.2 += own * load(others, 2 * width + base)
      lanes.3 += own * load(others, 3 * width + base)
    }
    var sums = SIMD4(lanes.0.sum(), lanes.1.sum(), lanes.2.sum(), lanes.3.sum())
    for place in whole..<first.count {
      sums +=
        first[place] * SIMD4(others[place], others[width + place], others[2 * width + place], others[3 * width + place])
    }
    return sums
  }

  /// Σ a b c.
  @inline(__always)
  static func of(
    _ first: UnsafeBufferPointer<Double>, _ second: UnsafeBufferPointer<Double>, _ third: UnsafeBufferPointer<Double>
  ) -> Double {
    var lanes = SIMD8<Double>(repeating: 0)
    let whole = first.count / 8 * 8
    for base in stride(from: 0, to: whole, by: 8) {
      lanes += load(first, base) * load(second, base) * load(third, base)
    }
    var sum = lanes.sum()
    for place in whole..<first.count { sum += first[place] * second[place] * third[place] }
    return sum
  }

  @inline(__always)
  private static func load(_ values: UnsafeBufferPointer<Double>, _ base: Int) -> SIMD8<Double> {
    UnsafeRawBufferPointer(values).loadUnaligned(fromByteOffset: base * 8, as: SIMD8<Double>.self)
  }
}

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

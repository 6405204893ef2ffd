/// Counter-based random numbers: Philox4x32-10.
///
/// Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011). A number depends on key, purpose and place
/// alone, so results do not depend on the order in which they are drawn.
package struct Philox: Sendable {
  private let key: (UInt32, UInt32)
  private let purpose: UInt64

  /// Numbers for one purpose under one seed.
  package init(seed: UInt64, purpose: String) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    self.purpose = hash
  }

  /// The four words at a place.
  package func block(_ place: UInt64) -> SIMD4<UInt32> {
    Self.encrypt(
      SIMD4(
        UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32),
        UInt32(truncatingIfNeeded: purpose), UInt32(truncatingIfNeeded: purpose >> 32)), key: key)
  }

  /// Ten rounds on a counter.
  package static func encrypt(_ counter: SIMD4<UInt32>, key: (UInt32, UInt32)) -> SIMD4<UInt32> {
    // Plain integers: the rounds are scalar, and a vector would be taken apart in each.
    var (x, y, z, w) = (counter.x, counter.y, counter.z, counter.w)
    var (first, second) = key
    for _ in 0..<10 {
      let left = UInt64(0xD251_1F53) &* UInt64(x)
      let right = UInt64(0xCD9E_8D57) &* UInt64(z)
      x = UInt32(truncatingIfNeeded: right >> 32) ^ y ^ first
      y = UInt32(truncatingIfNeeded: right)
      z = UInt32(truncatingIfNeeded: left >> 32) ^ w ^ second
      w = UInt32(truncatingIfNeeded: left)
      first = first &+ 0x9E37_79B9
      second = second &+ 0xBB67_AE85
    }
    return SIMD4(x, y, z, w)
  }
}

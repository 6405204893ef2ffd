/// Counter-based random numbers: Philox4x32-10.
///
/// Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011). A number depends on key, purpose and place
/// alone, so results do not depend on the order in which they are drawn.
struct Philox: Sendable {
  private let key: (UInt32, UInt32)
  private let purpose: UInt64

  /// Numbers for one purpose under one seed.
  init(seed: UInt64, purpose: String) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    self.purpose = hash
  }

  /// The four words at a place.
  func block(_ place: UInt64) -> SIMD4<UInt32> {
    Self.encrypt(
      SIMD4(
        UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32),
        UInt32(truncatingIfNeeded: purpose), UInt32(truncatingIfNeeded: purpose >> 32)), key: key)
  }

  /// Ten rounds on a counter.
  static func encrypt(_ counter: SIMD4<UInt32>, key: (UInt32, UInt32)) -> SIMD4<UInt32> {
    var counter = counter
    var key = key
    for _ in 0..<10 {
      let first = UInt64(0xD251_1F53) * UInt64(counter.x)
      let second = UInt64(0xCD9E_8D57) * UInt64(counter.z)
      counter = SIMD4(
        UInt32(truncatingIfNeeded: second >> 32) ^ counter.y ^ key.0, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ counter.w ^ key.1, UInt32(truncatingIfNeeded: first))
      key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85)
    }
    return counter
  }
}

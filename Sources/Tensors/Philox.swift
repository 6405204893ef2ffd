internal import CKernels

/// Random numbers from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
///
/// The sequence is a function of seed, purpose and stream alone: nothing else that draws numbers changes it.
public struct Philox: RandomNumberGenerator, Sendable {
  /// The 64-bit key of a seed and a purpose.
  public let key: SIMD2<UInt32>
  private let stream: UInt64
  private var block: UInt64 = 0
  private var words = SIMD4<UInt32>()
  private var used = 4

  /// Numbers for one purpose.
  ///
  /// - Parameters:
  ///   - seed: The seed that the user gave.
  ///   - purpose: What the numbers are for, for instance `shuffle`; different purposes have unrelated numbers.
  ///   - stream: Which of the sequences of this purpose, for instance the index of a sample.
  public init(seed: UInt64, purpose: String, stream: UInt64 = 0) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let mixed = Philox.mix(hash ^ Philox.mix(seed))
    key = [UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32)]
    self.stream = stream
  }

  /// One block of four words: the reference function of counter and key.
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var result = SIMD4<UInt32>()
    withUnsafeBytes(of: counter) { counter in
      withUnsafeBytes(of: key) { key in
        withUnsafeMutableBytes(of: &result) { result in
          kernel_philox(
            counter.assumingMemoryBound(to: UInt32.self).baseAddress,
            key.assumingMemoryBound(to: UInt32.self).baseAddress,
            result.assumingMemoryBound(to: UInt32.self).baseAddress)
        }
      }
    }
    return result
  }

  /// A number that depends on every bit of `value`.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15  // SplitMix64
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// The next 32 bits.
  public mutating func nextWord() -> UInt32 {
    if used == 4 {
      words = Philox.block(
        counter: [
          UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
          UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32),
        ], key: key)
      block += 1
      used = 0
    }
    defer { used += 1 }
    return words[used]
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return UInt64(nextWord()) << 32 | low
  }

  /// A double in [0, 1) on a grid of 2⁻⁵³.
  public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// An integer in `0 ..< bound`, without bias.
  public mutating func nextInteger(below bound: Int) -> Int { Int(next(upperBound: UInt64(bound))) }
}

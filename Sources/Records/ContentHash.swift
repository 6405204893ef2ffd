/// Sixty-four bits by which equal contents are told from others, the same in every process.
///
/// It is no digest: whoever wants two contents with one hash can find them.
package struct ContentHash: Hashable, Sendable {
  /// The bits so far.
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash of nothing.
  package init() {}

  /// Adds a word.
  package mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 29
  }

  /// Adds bytes, one by one.
  package mutating func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(UInt64(byte)) } }

  /// Adds a number, or that there is none.
  package mutating func add(_ number: Double?) {
    add(UInt64(number == nil ? 1 : 0))
    add((number ?? 0).bitPattern)
  }

  /// Adds a text and where it ends.
  package mutating func add(text: String) {
    add(text.utf8)
    add(UInt64(text.utf8.count) &+ 1 << 32)
  }

  /// The hash of tokens, in order.
  package static func of(_ tokens: [Int32]) -> ContentHash {
    var hash = ContentHash()
    for token in tokens { hash.add(UInt64(UInt32(bitPattern: token)) + 1) }
    return hash
  }
}

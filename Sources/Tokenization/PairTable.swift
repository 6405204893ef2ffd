/// A hash table from pairs of token numbers to 32-bit values.
struct PairTable {
  private var keys: [UInt64]
  private var values: [Int32]
  private(set) var count = 0

  /// No pair has this key: token numbers are not negative.
  private static let empty = UInt64.max

  /// An empty table with room for so many pairs.
  init(capacity: Int) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    keys = Array(repeating: Self.empty, count: size)
    values = Array(repeating: 0, count: size)
  }

  /// The key of a pair; keys are ordered as the pairs are.
  @inline(__always)
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    let mask = keys.count - 1
    let product = key.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    var slot = Int(truncatingIfNeeded: product.high ^ product.low) & mask
    while keys[slot] != key, keys[slot] != Self.empty { slot = (slot + 1) & mask }
    return slot
  }

  /// The value of a pair; nil where the pair is unknown.
  subscript(key: UInt64) -> Int32? {
    @inline(__always)
    get {
      let slot = slot(of: key)
      return keys[slot] == key ? values[slot] : nil
    }
  }

  /// Gives a pair a value.
  mutating func set(_ key: UInt64, to value: Int32) {
    var slot = slot(of: key)
    if keys[slot] != key {
      if (count + 1) * 2 > keys.count {
        grow()
        slot = self.slot(of: key)
      }
      keys[slot] = key
      count += 1
    }
    values[slot] = value
  }

  private mutating func grow() {
    let (oldKeys, oldValues) = (keys, values)
    keys = Array(repeating: Self.empty, count: oldKeys.count * 2)
    values = Array(repeating: 0, count: keys.count)
    for (key, value) in zip(oldKeys, oldValues) where key != Self.empty {
      let slot = slot(of: key)
      keys[slot] = key
      values[slot] = value
    }
  }
}

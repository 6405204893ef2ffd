import Glibc

/// Gives every distinct byte string a number, in the order of first sight.
///
/// Words are told apart by their bytes, as Python tells strings apart by their scalars; Swift's String equality
/// would merge é and e + accent.
struct WordTable: ~Copyable {
  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private var bytes = GrowingBuffer<UInt8>(capacity: 1 << 10)
  private var starts = GrowingBuffer<Int>(capacity: 1 << 8)

  private struct Slot: BitwiseCopyable {
    var hash: UInt32
    /// Number of the word plus one; 0 where the slot is free.
    var number: Int32
  }

  init() {
    slots = .allocate(capacity: 1 << 9)
    mask = (1 << 9) - 1
    slots.update(repeating: Slot(hash: 0, number: 0), count: 1 << 9)
    starts.append(0)
  }

  deinit { slots.deallocate() }

  /// Forgets all words.
  mutating func removeAll() {
    slots.update(repeating: Slot(hash: 0, number: 0), count: mask + 1)
    bytes.removeAll()
    starts.setCount(1)
  }

  /// The number of distinct words so far.
  var count: Int { starts.count - 1 }

  /// The bytes of a word; valid until the next word is added.
  func word(_ number: Int32) -> UnsafeBufferPointer<UInt8> {
    let start = starts[Int(number)]
    return UnsafeBufferPointer(start: bytes.start + start, count: starts[Int(number) + 1] - start)
  }

  /// The number of a word, new or known.
  @inline(__always)
  mutating func number(of word: UnsafeBufferPointer<UInt8>) -> Int32 {
    let hash = Self.hash(word)
    var index = Int(hash) & mask
    while true {
      let slot = slots[index]
      if slot.number == 0 { return insert(word, hash: hash, at: index) }
      if slot.hash == hash, equals(slot.number - 1, word) { return slot.number - 1 }
      index = (index + 1) & mask
    }
  }

  @inline(__always)
  private func equals(_ number: Int32, _ word: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = starts[Int(number)]
    guard starts[Int(number) + 1] - start == word.count else { return false }
    guard let other = word.baseAddress else { return true }
    return memcmp(bytes.start + start, other, word.count) == 0
  }

  @inline(never)
  private mutating func insert(_ word: UnsafeBufferPointer<UInt8>, hash: UInt32, at index: Int) -> Int32 {
    bytes.append(contentsOf: word)
    starts.append(bytes.count)
    let number = Int32(count)
    slots[index] = Slot(hash: hash, number: number)
    if count * 2 > mask { grow() }
    return number - 1
  }

  private mutating func grow() {
    let capacity = (mask + 1) * 4
    let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    larger.update(repeating: Slot(hash: 0, number: 0), count: capacity)
    for old in 0...mask where slots[old].number != 0 {
      var index = Int(slots[old].hash) & (capacity - 1)
      while larger[index].number != 0 { index = (index + 1) & (capacity - 1) }
      larger[index] = slots[old]
    }
    slots.deallocate()
    slots = larger
    mask = capacity - 1
  }

  /// Multiply-and-fold over eight bytes at a time.
  @inline(__always)
  private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt32 {
    var state = UInt64(truncatingIfNeeded: word.count) &* 0x9E37_79B9_7F4A_7C15
    guard let base = word.baseAddress else { return UInt32(truncatingIfNeeded: state >> 32) }
    let raw = UnsafeRawPointer(base)
    var offset = 0
    while offset + 8 <= word.count {
      state = (state ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xD6E8_FEB8_6659_FD93
      state ^= state >> 32
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < word.count {
      tail = tail << 8 | UInt64(base[offset])
      offset += 1
    }
    state = (state ^ tail) &* 0xD6E8_FEB8_6659_FD93
    state ^= state >> 32
    return UInt32(truncatingIfNeeded: (state &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }
}

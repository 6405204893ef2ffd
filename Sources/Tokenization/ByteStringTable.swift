import Glibc

/// A hash table from byte strings to 32-bit values, in insertion order.
///
/// Keys are compared byte by byte: Swift's own string equality would take é and e + combining accent for one.
struct ByteStringTable {
  private struct Entry {
    var hash: UInt64
    var start: Int
    var count: Int
    var value: Int32
  }

  private var slots: [Int32]
  private var entries: [Entry] = []
  private var bytes: [UInt8] = []

  /// An empty table with room for so many strings.
  init(capacity: Int = 64) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
    entries.reserveCapacity(capacity)
  }

  /// The number of strings.
  var count: Int { entries.count }
  /// The number of bytes in all strings.
  var byteCount: Int { bytes.count }

  /// The value of the string at a place in insertion order.
  subscript(index: Int) -> Int32 {
    @inline(__always) get { entries[index].value }
  }

  /// The string at a place in insertion order.
  func key(at index: Int) -> ArraySlice<UInt8> {
    bytes[entries[index].start..<entries[index].start + entries[index].count]
  }

  /// The value of a string, or nil.
  func value(of key: some StringProtocol) -> Int32? {
    var key = String(key)
    return key.withUTF8 { key in index(of: key, hash: Self.hash(key)).map { self[$0] } }
  }

  /// The value of a byte string, or nil.
  func value(of key: [UInt8]) -> Int32? {
    key.withUnsafeBufferPointer { key in index(of: key, hash: Self.hash(key)).map { self[$0] } }
  }

  /// The place of a string, or nil.
  @inline(__always)
  func index(of key: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let index = Int(slots[slot])
      if index < 0 { return nil }
      if entries[index].hash == hash, equals(index, key) { return index }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func equals(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
    let entry = entries[index]
    guard entry.count == key.count else { return false }
    guard let start = key.baseAddress, key.count > 0 else { return true }
    return bytes.withUnsafeBufferPointer { memcmp($0.baseAddress! + entry.start, start, key.count) == 0 }
  }

  /// Adds a string that is not in the table yet and returns its place.
  @discardableResult
  mutating func append(_ key: UnsafeBufferPointer<UInt8>, hash: UInt64, value: Int32) -> Int {
    if (entries.count + 1) * 2 > slots.count {
      slots = Array(repeating: -1, count: slots.count * 2)
      for index in entries.indices { place(index) }
    }
    entries.append(Entry(hash: hash, start: bytes.count, count: key.count, value: value))
    bytes.append(contentsOf: key)
    place(entries.count - 1)
    return entries.count - 1
  }

  /// Adds a string, or gives it a new value where it is there already; returns whether it was added.
  @discardableResult
  mutating func set(_ key: [UInt8], to value: Int32) -> Bool {
    key.withUnsafeBufferPointer { key in
      let hash = Self.hash(key)
      if let index = index(of: key, hash: hash) {
        entries[index].value = value
        return false
      }
      append(key, hash: hash, value: value)
      return true
    }
  }

  /// Forgets all strings and keeps the room.
  mutating func removeAll() {
    for index in slots.indices { slots[index] = -1 }
    entries.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
  }

  private mutating func place(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[index].hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(index)
  }

  /// A hash of bytes, the same in every process: products of 64-bit words as in wyhash.
  @inline(__always)
  static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
    guard let start = key.baseAddress else { return 0 }
    let raw = UnsafeRawPointer(start)
    let count = key.count
    var state = UInt64(count) &* 0x9E37_79B9_7F4A_7C15
    if count >= 8 {
      var position = 0
      while position + 8 < count {
        state = mix(state ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), 0xA076_1D64_78BD_642F)
        position += 8
      }
      return mix(state ^ raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self), 0xE703_7ED1_A0B4_28DB)
    }
    if count >= 4 {
      let low = UInt64(raw.loadUnaligned(as: UInt32.self))
      let high = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      return mix(state ^ (low | high << 32), 0xE703_7ED1_A0B4_28DB)
    }
    if count == 0 { return 0 }
    let word = UInt64(start[0]) | UInt64(start[count >> 1]) << 8 | UInt64(start[count - 1]) << 16
    return mix(state ^ word, 0xE703_7ED1_A0B4_28DB)
  }

  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = (left ^ 0x8EBC_6AF0_9C88_C6E3).multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

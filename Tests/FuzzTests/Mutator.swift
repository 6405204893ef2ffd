/// Changes seeds at random, the same way every time.
struct Mutator {
  private var state: UInt64
  /// Texts that parsers tend to stumble over.
  private static let words: [[UInt8]] = [
    "-1", "0", "9223372036854775807", "-9223372036854775808", "1e308", "1e-308", "0.1", "18446744073709551616", "null",
    "true", "{}", "[]", "\"\"", "{", "}", "[", "]", "\"", "\\u0000", "\\ud800", ":", ",", "\n", "\r", "\t", " ", "- ",
    "&a", "*a", "!!str", "${", "}", "$${s}", "@", "=", "../", "|\n", ">-\n", "#", "'", "1_000", "~", "é", "\u{FEFF}",
  ].map { Array($0.utf8) }
  private static let bytes: [UInt8] = [0, 1, 0x7F, 0x80, 0xC0, 0xED, 0xF4, 0xFF, 0x20, 0x0A]

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  private mutating func number(below limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % max(limit, 1)
  }

  /// One of the seeds with one to four changes.
  mutating func next(_ seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seeds[number(below: seeds.count)]
    for _ in 0...number(below: 4) { change(&bytes, seeds) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
    let place = number(below: bytes.count + 1)
    let length = min(bytes.count - place, 1 + number(below: number(below: 4) == 0 ? bytes.count : 8))
    switch number(below: 8) {
    case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(number(below: 8))
    case 1 where place < bytes.count: bytes[place] = Self.bytes[number(below: Self.bytes.count)]
    case 2: bytes.removeSubrange(place..<place + length)
    case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
    case 4: bytes.removeSubrange(place...)
    case 5:
      // Another seed's middle.
      let other = seeds[number(below: seeds.count)]
      let start = number(below: other.count + 1)
      bytes.insert(contentsOf: other[start..<min(other.count, start + 1 + number(below: 40))], at: place)
    case 6:
      // A number, whole, becomes another.
      guard let first = bytes[place...].firstIndex(where: { 0x30...0x39 ~= $0 }) else { return }
      let end = bytes[first...].firstIndex { !(0x30...0x39 ~= $0) } ?? bytes.count
      bytes.replaceSubrange(first..<end, with: Self.words[number(below: 8)])
    default: bytes.insert(contentsOf: Self.words[number(below: Self.words.count)], at: place)
    }
  }
}
